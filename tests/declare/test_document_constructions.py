"""Every construction of the language, and every number, comes back from a document."""

import pytest
import sympy

from symcell.graph.adjoint import adjoint
from symcell.graph.lower import lower
from tests.declare.documents import quiet
from tests.declare.text import START, UPDATE, declare

CONSTRUCTIONS = [
    "q = where(~((h > 0) & (b > 0)) | ~(h < b) | equal(h, b), h, where(b >= h, b, 1))", "q = leaky_relu(h, -0.1)",
    "q = h**-0.5 + h**1.5", "q = maximum(h, 0.5) * abs(-h)", "q = U @ b + U.T @ (U @ h)", "q = -(U @ h)",
    "q = reduce_sum(b) * h", "q = softmax(b) * h", "q, rest = layer_norm((h, b), (b, b), (b, b))", "q = rms_norm(h, b)",
    "q = (reduce_sum(b) * U) @ h", "q = (sigmoid(reduce_max(b)) * U - U.T) @ h", "r = reduce_mean(b)\nq = (r * U) @ h",
    "q = exp(U).T @ h", "q = exp(exp(U)) @ h", "q = (exp(U - 2 * U.T) * U) @ h", "q = (U * U.T * U) @ h",
    "q = softmax(U - U.T, axis='rows').T @ h", "q = BlockDiagonal(U.T, 2) @ h",
    "A = BlockDiagonal(U, 2) * U\nq = A @ h",
    "A = U - U.T\nB = softmax(A, axis='rows')\nq = (A * B) @ h", "q = (U + U @ U) @ h", "q = (-U / 3) @ h",
    "q = (U @ U.T + Identity(h)) @ h", "s = Scalar()\nq = (s * Identity(h) + U) @ h", "q = Identity(h) @ h",
    "M, N = Matrix('K', h, init='normal'), Matrix(h, 'K', init=2)\nq = (N @ M) @ h",
    "k, v = Constant(1e300), Vector(h, init='uniform', learned=False)\nq = k * v * h",
]
LARGE = ["10**17", "2**63", "-10**25", "sympy.Rational(10**25, 3)", "sympy.Rational(1, 10**25)", "sympy.pi**100",
         "sympy.Integer(2) ** sympy.Rational(1, 100)", "sympy.Integer(2) ** sympy.pi", "sympy.sqrt(2) ** sympy.sqrt(3)",
         "sympy.Float('0.1', 200)", "sympy.Float('0.1', 5)", "sympy.Float('0.1', 75)", "sympy.Float('1e-400')",
         "sympy.Integer(3) ** -200", "sympy.factorial(30)", "1e308", "5e-324", "sympy.sqrt(sympy.sqrt(2) + 1)"]


@pytest.mark.parametrize("body", [*CONSTRUCTIONS, *(f"q = b**2 * ({number}) + tanh(h)" for number in LARGE)])
def test_every_construction_comes_back(body):
    cell = declare(START + body + UPDATE + "y = Output(1.0 * q)")
    back = quiet(cell.to_json())
    assert back.to_json() == cell.to_json()
    assert str(back.spec) == str(cell.spec)
    graphs = [lower(one.spec) for one in (cell, back)]
    assert str(graphs[0]) == str(graphs[1])
    assert str(adjoint(graphs[0])) == str(adjoint(graphs[1]))


@pytest.mark.parametrize("number", LARGE)
def test_a_number_that_no_document_holds_is_rounded_as_a_kernel_rounds_it(number):
    cell = declare(START + f"q = b**2 * ({number})" + UPDATE + "y = Output(q)")
    formula = next(e for e in cell.spec.equations if e.name == "q").expression
    factor = sympy.Mul(*(part for part in formula.args if part.is_number))
    assert float(factor) == pytest.approx(float(eval(number, {"sympy": sympy})), rel=1e-15)
