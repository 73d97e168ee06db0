"""Matrices that are computed, as data: they come back, and what is none is refused."""

import pytest

from symcell import Cell, CellError
from symcell.compiler import stages
from tests.declare.documents import quiet, with_matrix
from tests.declare.text import declare

MATRICES = """
x, h, c = Input(), State(), State("C")
W, U, M, V, P, Q = Matrix(h, x), Matrix(h, h), Matrix(h, h, learned=False), Matrix(h, c), Matrix(h, "R"), Matrix(h, "R")
a, b = Scalar(), Vector(h)
A = U - U.T - (1 + a) * Identity(h)
B = BlockDiagonal(V.T, 3)
D = M * U.T
r = reduce_mean(h)
g = softmax(A @ h + D @ h)
c.next = tanh(c + B @ h)
h.next = tanh(layer_norm(W @ x, b, b) + (2 * M * U - A) @ h + (P @ Q.T) @ (g * h)) * reduce_max(h) + r + reduce_sum(b)
"""


def test_matrices_and_reductions_come_back():
    cell = declare(MATRICES)
    text = cell.to_json()
    assert '{"name": "A", "is": ["matrix", [1, "U"], [-1, ["T", "U"]]' in text
    assert '{"name": "D", "is": ["matrix", [1, ["entrywise", "M", ["T", "U"]]]]}' in text
    assert '{"name": "matrix.1", "is": ["matrix", [2, ["entrywise", "M", "U"]], [-1, "A"]]}' in text
    assert '{"name": "r", "is": ["reduce_mean", "h"]}' in text
    back = Cell.from_json(text)
    assert back.to_json() == text
    old, new = stages(cell), stages(back)
    assert (str(new.forward), str(new.backward)) == (str(old.forward), str(old.backward))
    assert new.source.files == old.source.files


def test_a_sum_of_matrices_is_read_as_it_is_written_in_a_class_body():
    terms = ["matrix", ["s", "U"], [-1, ["blocks", ["T", "U"], 2]], [0.5, ["identity", "H"]]]
    read = quiet(with_matrix(terms)).spec.equations[0].expression
    assert str(read) == str(declare("""
    x, h, s, U, W = Input(), State(), Scalar(), Matrix("H", "H"), Matrix("H", "I")
    A = s * U - BlockDiagonal(U.T, 2) + 0.5 * Identity(h)
    h.next = A @ (h + W @ x)
    """).spec.equations[0].expression)
    nameless = quiet(with_matrix(["matrix", [2, "U"], [1, ["T", "U"]]], "matrix.1")).spec
    assert "(2*U + U.T) @ (h + W @ x)" in str(nameless)


@pytest.mark.parametrize(("data", "message"), [
    (["matrix"], "expected a matrix that is computed of declared ones"),
    (["matrix", [1, "U"]], "one that is declared stands left of @ itself"),
    (["matrix", [2, ["identity", "H"]]], "expected a matrix that is computed of declared ones"),
    (["matrix", "U"], "expected a term of a sum of matrices"),
    (["matrix", ["h", "U"]], "no scalar of parameters and constants"),
    (["matrix", [2, "h"]], "'h' is no matrix"),
    (["matrix", [2, "V"]], "'V' is no matrix"),
    (["matrix", [2, ["ex", "U"]]], "expected a matrix, a function, or one of T, identity, blocks, entrywise; got 'ex'"),
    (["matrix", [2, ["maximum", "U", "U"]]], "expected a matrix, a function, or one of T"),
    (["matrix", [2, ["exp", "h"]]], "'h' is no matrix"),
    (["matrix", [2, ["exp", "U", "U"]]], "'exp' takes 1 argument, got 2"),
    (["matrix", [2, ["exp", ["identity", "H"]]]], "an identity is no parameter"),
    (["matrix", [2, ["softmax_columns"]]], "'softmax_columns' takes 1 argument, got 0"),
    (["matrix", [2, ["T", ["T", "U"]]]], "is no matrix"),
    (["matrix", [2, ["identity", "T"]]], "T"),
    (["matrix", [2, ["identity", 3]]], "dimension"),
    (["matrix", [2, ["blocks", "U", 0]]], "number of blocks"),
    (["matrix", [2, ["blocks", "U", 10**12]]], "number of blocks"),
    (["matrix", [2, ["blocks", "U", True]]], "number of blocks"),
    (["matrix", [2, ["blocks", ["identity", "H"], 2]]], "expects a declared matrix"),
    (["matrix", [2, ["entrywise", "U"]]], "takes 2 or more arguments, got 1"),
    (["matrix", [2, ["entrywise", "U", "W"]]], "elementwise product of matrices of two shapes"),
    (["matrix", [1, "U"], [1, "W"]], "two shapes"),
    (["matrix", [1, "U"], [-1, "U"]], "cancels to zero"),
    (["+", "U", "U"], "'U' is no quantity"),
])
def test_a_matrix_that_is_none_is_refused(data, message):
    with pytest.raises(CellError, match=message):
        Cell.from_json(with_matrix(data))


def test_a_matrix_without_a_name_has_its_number():
    with pytest.raises(CellError, match=r"numbered in order, each once; expected 'matrix\.1'"):
        Cell.from_json(with_matrix(["matrix", [2, "U"], [1, ["T", "U"]]], "matrix.2"))
