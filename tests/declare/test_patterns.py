"""Blocks lie along the diagonal, each row and column in one, all of about one size."""

from itertools import groupby

import numpy as np
import pytest

from symcell.graph.names import BLOCKS, pattern
from tests.declare.matrices import BODY, WORDS
from tests.declare.text import declare
from tests.oracle import Sample, run


def test_blocks_lie_along_the_diagonal_and_nothing_else_has_a_gradient():
    cell = declare(BODY.format(before="", expression="BlockDiagonal(U, 2) @ h"), **WORDS)
    sample = Sample.draw(cell, T=2, B=3, I=2, H=4, R=2, seed=5)
    results, kept = run(cell, sample), np.kron(np.eye(2), np.ones((2, 2)))
    np.testing.assert_allclose(results.y[0], sample.state["h"] @ (kept * sample.params["U"]).T, rtol=1e-13)
    assert ((results.dparams["U"] != 0) == (kept == 1)).all()


@pytest.mark.parametrize(("rows", "cols", "blocks"), [(4, 4, 2), (6, 4, 2), (5, 5, 2), (3, 7, 3), (2, 2, 5), (1, 1, 2)])
def test_every_row_and_column_is_in_one_block_of_about_one_size(rows, cols, blocks):
    made = pattern(f"{BLOCKS}{blocks}", rows, cols)
    assert (made == pattern(f"{BLOCKS}{blocks}", cols, rows).T).all()
    heights = [len(list(group)) for _, group in groupby(map(tuple, made))]
    assert sum(heights) == rows
    if blocks <= min(rows, cols):
        assert len(heights) == blocks
        assert max(heights) - min(heights) <= 1
        assert (made.sum(axis=0) > 0).all()
