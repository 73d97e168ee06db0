"""A kernel with every feature and one of the zoo, and data for each."""

import pytest

from tests.runtime.calls.given import FLOAT
from tests.runtime.cells import Mixed, draw, kernel_of


@pytest.fixture(scope="module")
def kernel():
    return kernel_of(Mixed, FLOAT)


@pytest.fixture(scope="module")
def lstm():
    return kernel_of("lstm", FLOAT)


@pytest.fixture
def data():
    return draw(Mixed, FLOAT, T=4, B=3, I=3, H=5)  # P=3, O=8


@pytest.fixture
def lstm_data():
    return draw("lstm", FLOAT, T=4, B=3, I=3, H=5)
