"""Matrices that are computed once per call: each sum once, by name or without, of one cell's parameters."""

import pytest

from symcell import CellError
from symcell.declare import functions
from symcell.declare.matrix_sum import MatrixSum
from symcell.graph.ir import MatMul
from symcell.graph.lower import lower
from tests.declare.matrices import applied
from tests.declare.text import declare


def test_a_sum_is_computed_once_and_a_product_is_applied_factor_by_factor():
    _, _, cell = applied("(U + U.T) @ h + (U + U.T) @ (b * h) + (P @ Q.T) @ h")
    graph = lower(cell.spec)
    assert [str(node) for node in graph.once] == ["matrix.1 = U + U.T"]
    assert {(n.matrix, n.transposed) for n in graph.nodes if isinstance(n, MatMul)} == {
        ("matrix.1", False), ("Q", True), ("P", False)}
    assert graph.value("matrix.1").anonymous


def test_a_declaration_prints_as_it_was_written():
    _, _, cell = applied("(U - a * V.T) @ h", "A = U.T - (1 + a) * Identity(h)")
    text = str(cell.spec)
    assert "A = U.T - (a + 1)*Identity(H)" in text
    assert "(U - a*V.T) @ h" in text
    assert "matrix.1" not in text


def test_the_derived_matrix_is_one_of_the_cell():
    _, _, cell = applied("A @ h", "A = U - U.T")
    equation = next(equation for equation in cell.spec.equations if equation.name == "A")
    assert equation.dims == ("H", "H")
    assert isinstance(equation.expression, MatrixSum)
    assert not equation.anonymous


def test_a_matrix_of_another_cell_is_refused():
    first = {}

    def keep(value):
        first["U"] = value
        return value

    declare("x, h = Input(), State()\nU = Matrix(h, h)\nkeep(U)\nh.next = U @ h", keep=keep)
    with pytest.raises(CellError, match="the matrix U belongs to the cell Trial"):
        declare("x, h = Input(), State()\nV = Matrix(h, h)\nA = V + U\nh.next = A @ h", name="Other", U=first["U"])


def test_a_function_of_the_users_own_is_computed_at_each_step():
    """A generated module cannot call it, so it stays in the loop; in front of a matrix it is refused."""
    own = functions.define(functions.Function("twice", (lambda x, y: 2,), lambda x: 2 * x, "vtwice", "2{0}"))
    del functions.FUNCTIONS["twice"]  # other tests go through the functions that everyone has
    start = "x, h = Input(), State()\nW, U, V, s = Matrix(h, x), Matrix(h, h), Matrix(h, h), Vector(h)\n"
    cell = declare(start + "r = twice(s)\nh.next = r * (W @ x) + U @ h + V @ h", twice=own)
    assert not lower(cell.spec).once
    with pytest.raises(CellError, match="no scalar of parameters and constants"):
        declare(start + "a = Scalar()\nA = U + twice(a) * V\nh.next = A @ h", twice=own)
