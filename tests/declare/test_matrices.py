"""The algebra of matrices: what is written is what a person computes by hand in NumPy; the rest is refused."""

import numpy as np
import pytest

from symcell.declare.errors import CellError
from tests.declare.matrices import WORDS, applied
from tests.declare.text import declare


def softmax(matrix, axis):
    return np.exp(matrix) / np.exp(matrix).sum(axis=axis, keepdims=True)


I3 = np.eye(3)
# expression -> its matrix, of the parameters p
EXPRESSIONS = {
    "(U - U.T) @ h": lambda p: p.U - p.U.T,
    "(U + V - U) @ h": lambda p: p.V,
    "(-U) @ h": lambda p: -p.U,
    "(2 * U / 3) @ h": lambda p: 2 * p.U / 3,
    "(U * a - k * V.T).T @ h": lambda p: p.a * p.U.T - 0.5 * p.V,
    "(sigmoid(a) * U + V) @ h": lambda p: p.U / (1 + np.exp(-p.a)) + p.V,
    "((1 - a) * U - a**2 * V) @ h": lambda p: (1 - p.a) * p.U - p.a**2 * p.V,
    "(U - a * Identity(h)) @ h": lambda p: p.U - p.a * I3,
    "(a * Identity('H') + U) @ h": lambda p: p.U + p.a * I3,
    "Identity(h) @ h": lambda p: I3,
    "(3 * Identity(h)).T @ h": lambda p: 3 * I3,
    "(U * V) @ h": lambda p: p.U * p.V,
    "(2 * V.T * U - a * U.T).T @ h": lambda p: 2 * p.V * p.U.T - p.a * p.U,
    "(U * V * U - Identity(h) * V) @ h": lambda p: p.U**2 * p.V - I3 * p.V,
    "(BlockDiagonal(U, 3) * V * (1 - a)) @ h": lambda p: np.diag(np.diag(p.U * p.V)) * (1 - p.a),
    "((U * V) @ U) @ h": lambda p: (p.U * p.V) @ p.U,
    "((U - V) * U) @ h": lambda p: (p.U - p.V) * p.U,
    "exp(U) @ h": lambda p: np.exp(p.U),
    "tanh(U - V.T).T @ h": lambda p: np.tanh(p.U - p.V.T).T,
    "(abs(U) * exp(a * V) - V) @ h": lambda p: np.abs(p.U) * np.exp(p.a * p.V) - p.V,
    "sigmoid(U * V).T @ h": lambda p: 1 / (1 + np.exp(-(p.U * p.V).T)),
    "exp(BlockDiagonal(U, 3)) @ h": lambda p: np.exp(np.diag(np.diag(p.U))),
    "exp(tanh(U).T) @ h": lambda p: np.exp(np.tanh(p.U).T),
    "(P @ sigmoid(Q).T) @ h": lambda p: p.P @ (1 / (1 + np.exp(-p.Q.T))),
    "softmax(U, axis='columns') @ h": lambda p: np.exp(p.U) / np.exp(p.U).sum(axis=0),
    "softmax(U, axis='rows') @ h": lambda p: np.exp(p.U) / np.exp(p.U).sum(axis=1)[:, None],
    "softmax(U - a * V.T, 'columns').T @ h": lambda p: softmax(p.U.T - p.a * p.V, 1),
    "(softmax(U, 'columns') * softmax(U.T, 'columns') - 2 * U) @ h": lambda p:
        softmax(p.U, 0) * softmax(p.U.T, 0) - 2 * p.U,
    "(P @ softmax(Q.T, 'rows')) @ h": lambda p: p.P @ softmax(p.Q.T, 1),
    "(P @ Q.T) @ h": lambda p: p.P @ p.Q.T,
    "(U + P @ Q.T) @ h": lambda p: p.U + p.P @ p.Q.T,
    "(U - V + a * P @ Q.T).T @ h": lambda p: (p.U - p.V + p.a * p.P @ p.Q.T).T,
    "((U - U.T) @ (V + Identity(h))) @ h": lambda p: (p.U - p.U.T) @ (p.V + I3),
    "(Identity(h) @ U @ Identity(h)) @ h": lambda p: p.U,
    "(U @ V @ U.T) @ h": lambda p: p.U @ p.V @ p.U.T,
    "(W @ W.T) @ h": lambda p: p.W @ p.W.T,
    "BlockDiagonal(U, 1) @ h": lambda p: p.U,
    "BlockDiagonal(U, 3) @ h": lambda p: np.diag(np.diag(p.U)),
    "(V - a * BlockDiagonal(U, 3).T) @ h": lambda p: p.V - p.a * np.diag(np.diag(p.U)),
    "(V @ BlockDiagonal(U, 3)) @ h": lambda p: p.V * np.diag(p.U),
    "U @ ((V - V.T) @ h)": lambda p: p.U @ (p.V - p.V.T),
}


class Named(dict):
    __getattr__ = dict.__getitem__


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_is_the_matrix_it_says(expression):
    results, sample, _ = applied(expression)
    matrix = EXPRESSIONS[expression](Named(sample.params))
    np.testing.assert_allclose(results.y[0], sample.state["h"] @ matrix.T, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("expression", [e for e in EXPRESSIONS if "@ h)" not in e and "Identity(h) @" not in e])
def test_a_name_changes_nothing(expression):
    matrix = expression.removesuffix(" @ h")
    results, _, _ = applied("A @ h", f"A = {matrix}")
    expected, _, _ = applied(expression)
    np.testing.assert_allclose(results.y, expected.y, rtol=1e-13, atol=1e-14)
    for name, gradient in expected.dparams.items():
        np.testing.assert_allclose(results.dparams[name], gradient, rtol=0, atol=1e-13, err_msg=name)


REFUSED = {
    "q = (U + W) @ h": "a sum or elementwise product of matrices of two shapes: U is (H, H) and W is (H, I).",
    "q = (U - U) @ h": "a sum of matrices cancels to zero",
    "q = (U @ W.T) @ h": "U @ W.T: the shapes do not agree: (H, H) meets (I, H).",
    "q = (h * U) @ h": "no scalar of parameters and constants; a vector multiplies the result: h * (A @ v).",
    "q = (b * U + V) @ h": "the factor b is no scalar",
    "q = (U * W) @ h": "a sum or elementwise product of matrices of two shapes: U is (H, H) and W is (H, I).",
    "q = (U * (U @ V)) @ h": "U * (U @ V): the product (U @ V) is never formed, so it has no entries to multiply.",
    "q = (Identity(h) * W) @ x": "Identity(H) is (H, H) and W is (H, I)",
    "q = (U + 1) @ h": "a multiple of the identity",
    "q = (U + h) @ h": "a matrix is added to a matrix only",
    "q = (U * 'a') @ h": "a matrix is multiplied by a number",
    "q = exp(U)": None,
    "q = exp(U @ V) @ h": "exp(U @ V): a product of matrices is never formed",
    "q = exp(Identity(h)) @ h": "an identity is no parameter",
    "q = exp(2 * Identity(h)) @ h": "an identity is no parameter",
    "q = maximum(U, V) @ h": "maximum() applies to formulas of vectors and scalars, got U",
    "q = exp(U) * b": "is no scalar of parameters and constants",
    "q = exp(U) + 1": "a matrix is added to a matrix only",
    "q = exp(W) @ h": "exp(W)) is (H, I) and applies to vectors of I",
    "q = 1 / U": "is a matrix: it takes @, .T, +, - and *",
    "q = U**2": "is a matrix: it takes @, .T, +, - and *",
    "q = softmax(U)": 'softmax(U, axis=None): of a matrix it is that of each of its columns, which then sum to 1, or '
                      'of each of its rows: axis="columns" or axis="rows".',
    "q = softmax(U, axis=0)": 'axis="columns" or axis="rows"',
    "q = softmax(U, axis=[])": 'axis="columns" or axis="rows"',
    "q = softmax(U @ V, axis='rows')": "a product of matrices is never formed",
    "q = softmax(h, axis='rows')": "axis is for matrices; got h",
    "q = softmax((U, V), axis='rows')": "axis is for matrices",
    "q = (U - V) @ x": "(U - V) is (H, H) and applies to vectors of H; x is a vector of I",
    "q = (U - V) @ 3": "a matrix applies to a vector expression",
    "q = Identity(h) @ x": "the shapes in Identity(H) @ x do not agree: x is a vector of I",
    "q = BlockDiagonal(b, 2) @ h": "BlockDiagonal(b, ...) expects a declared matrix",
    "q = BlockDiagonal(U - V, 2) @ h": "BlockDiagonal(U - V, ...) expects a declared matrix",
    "q = BlockDiagonal(U, 0) @ h": "BlockDiagonal(U, 0): the number of blocks is an integer of at least 1",
    "q = BlockDiagonal(U, 10**7) @ h": "at least 1 and at most 1000000",
    "q = BlockDiagonal(U, 2.0) @ h": "the number of blocks is an integer",
    "q = BlockDiagonal(U, 2) @ x": "x is a vector of I",
    "q = Identity(3)": "Identity(3): expected a declared vector, or a dimension's name.",
    "q = Identity(a)": "a is a scalar and has no dimension",
    "A = U - V\nA = V": "A is defined twice",
    "U = U + V": "U is defined twice",
    "A = U - V\nq = A * 1 + h": "a matrix is added to a matrix only",
    "h.next = U - V": "h.next expects a vector expression; got U - V",
    "q = Output(U - V)": "q = Output(...) expects a vector expression",
    "q = (U / 0) @ h": "divides by zero",
    "q = (U - V).foo": "the matrix U - V has no attribute 'foo'",
    "lambda_ = U + V": None,
}


@pytest.mark.parametrize("line", REFUSED)
def test_misuse_is_refused_by_name(line):
    body = ("x, h = Input(), State()\nW, U, V, b, a = Matrix(h, x), Matrix(h, h), Matrix(h, h), Vector(h), Scalar()\n"
            + line + ("" if line.startswith("h.next") else "\nh.next = U @ h + V @ h + W @ x + a * b"))
    if REFUSED[line] is None:
        declare(body, **WORDS)
        return
    with pytest.raises(CellError) as caught:
        declare(body, **WORDS)
    assert str(caught.value).startswith("Trial: ")
    assert REFUSED[line].lower() in str(caught.value).lower()


def test_text_of_nested_functions_asks_for_nothing_that_is_not_there(monkeypatch):
    """The message of a missing attribute holds the text of the matrix: each level would print the next one twice."""
    from symcell.declare.matrices import MatrixAlgebra

    found = {}
    declare("x, h = Input(), State()\nU = Matrix(h, h)\nA = U\nkeep(sigmoid(sigmoid(sigmoid(A))))\nh.next = U @ h",
            keep=lambda matrix: found.setdefault("matrix", matrix))
    asked = []
    monkeypatch.setattr(MatrixAlgebra, "__getattr__", lambda self, name: asked.append(name))
    assert str(found["matrix"]) == "sigmoid(sigmoid(sigmoid(U)))"
    assert not [name for name in asked if not name.startswith("_")]
