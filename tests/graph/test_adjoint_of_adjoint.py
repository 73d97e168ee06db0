"""The adjoint of an adjoint, which runs the steps forward again."""

import numpy as np
import pytest

from tests.graph.cells import CELLS, TINY
from tests.graph.second import Second


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
def test_the_adjoint_of_the_adjoint_is_right(cell):
    second, random = Second(cell), np.random.default_rng(3)
    gradients = second.gradients()
    for part, arrays in second.reads.items():
        for name, array in arrays.items():
            if name in second.fixed:
                continue
            along = random.normal(size=np.shape(array))
            moved = {**second.reads, part: {**arrays, name: array + 1j * TINY * along}}
            expected = second.loss(moved).imag / TINY
            assert (gradients[part][name] * along).sum() == pytest.approx(expected, rel=1e-10, abs=1e-11), (part, name)
