"""What tests of the language share."""

import pytest

from symcell.declare.functions import FUNCTIONS


@pytest.fixture
def table():
    """For a test that registers functions: after it the table is as it was."""
    before = dict(FUNCTIONS)
    yield
    FUNCTIONS.clear()
    FUNCTIONS.update(before)
