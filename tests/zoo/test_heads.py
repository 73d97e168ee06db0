"""Cells of several heads: each is a cell of its own."""

from dataclasses import replace

import numpy as np
import pytest

from symcell import CellError, zoo
from symcell.zoo.exponential import slstm
from tests.oracle import Arrays, Results, Sample, assert_alive, assert_close, run

EXACT = 1e-13


def of_head(arrays: Arrays, own: slice) -> Arrays:
    """The part of one head: rows of what is projected, columns of states, blocks of recurrent matrices."""
    return {name: array[own, own] if name.startswith("U_") else array[own] if name[1:2] == "_" else array[:, own]
            for name, array in arrays.items()}


@pytest.mark.parametrize("heads", [2, 3])
def test_heads_of_the_slstm_are_cells_side_by_side(heads):
    sample = Sample.draw(slstm(heads), T=5, B=2, I=3, H=6)
    whole = run(slstm(heads), sample)
    assert_alive(whole)
    dx = np.zeros_like(whole.dx)
    for k in range(heads):
        own = slice(k * 6 // heads, (k + 1) * 6 // heads)
        part = replace(sample, params=of_head(sample.params, own), state=of_head(sample.state, own),
                       dy=sample.dy[..., own], dstate=of_head(sample.dstate, own),
                       sizes={**sample.sizes, "H": 6 // heads})
        found = run(zoo.find("slstm"), part)
        dx += found.dx
        assert_close(replace(found, dx=whole.dx), Results(
            whole.y[..., own], of_head(whole.state, own), whole.dx, of_head(whole.dparams, own),
            of_head(whole.dstate, own)), EXACT)
    np.testing.assert_allclose(dx, whole.dx, rtol=0, atol=EXACT * np.abs(dx).max())


def test_a_number_of_heads_is_a_positive_integer():
    assert str(slstm(1).spec) == str(zoo.find("slstm").spec)
    with pytest.raises(CellError, match=r"slstm\(heads\): expected an integer of at least 1, got 0"):
        slstm(0)
