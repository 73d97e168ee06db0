"""The text of what is computed once: NumPy's expressions have the values of the interpreter's."""

import numpy as np
import pytest
import sympy

from symcell import Cell, Input, Matrix, State, Vector, reduce_max, reduce_mean, reduce_sum
from symcell.compiler import stages
from symcell.declare import numeric
from symcell.declare.functions import (
    FUNCTIONS,
    absolute,
    equal,
    exp,
    hard_sigmoid,
    maximum,
    minimum,
    sigmoid,
    softplus,
    sqrt,
    tanh,
    where,
)  # fmt: skip
from symcell.declare.static import numpy_text
from symcell.graph.evaluate import evaluate
from symcell.graph.ir import symbol
from symcell.graph.names import BLOCKS, EYE, pattern
from symcell.render.identifiers import Identifiers
from symcell.render.numpy_expression import numpy_expression
from symcell.render.once import after
from symcell.zoo import find
from tests.render.cells import Derived

a, U, V, UT, VT, I, B = (symbol(name) for name in ("a", "U", "V", "U.T", "V.T", EYE, f"{BLOCKS}2"))
EXPRESSIONS = [
    U - UT - a * I, -(U + V) * a, -U * V, (U + V) * (U - V), a - (U - V), U / (1 + V**2), 1 / U, a / (3 * U), U**-3,
    U**2 * V**3, (U * V) ** 2, 2 ** sympy.Integer(3) * U, sympy.Rational(1, 3) * U, sympy.pi * U, sympy.sqrt(2) * U,
    sympy.Float(0.1, 17) * U, sigmoid(U) * tanh(-V), softplus(a) * exp(U), sqrt(absolute(U)), maximum(U, minimum(V, a)),
    hard_sigmoid(U * 4), where(U > V, U, -V), where((U > 0) & (a > V), U, 0), where((U >= V) | (a >= V), 1, V),
    where(~(U > 0), 1, 0), where(equal(U, V), 1, U), where(equal(U, U * 1), 1, V), -(-U - V), U - (-V) * a,
    -1 * (a - 1) * U, B * UT - a * B * V,
]  # fmt: skip


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_the_text_has_the_value(expression):
    random = np.random.default_rng(0)
    values = {"U": random.normal(size=(3, 3)), "V": random.normal(size=(3, 3)), "a": np.float64(0.7)}
    text = numpy_expression(expression, lambda name: f"v_{name}", "v_U.shape")
    known = {"np": np, "numeric": numeric, "blocks": lambda n, *shape: pattern(f"{BLOCKS}{n}", *shape)}
    got = eval(text, known | {f"v_{name}": value for name, value in values.items()})
    expected = evaluate(expression, {**values, "U.T": values["U"].T, "V.T": values["V"].T, EYE: np.eye(3),
                                     B.name: pattern(B.name, 3, 3)})
    np.testing.assert_allclose(got, expected, rtol=1e-14)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_of_the_table_has_a_text(name):
    row = FUNCTIONS[name].row
    assert eval(numpy_text(row), {"np": np, "numeric": numeric}) is row.numpy


def test_a_cell_without_such_values_has_no_such_functions():
    text = stages("mgu").source.files["mgu.pyx"]
    assert "def derive" not in text
    assert "def chain_rule" not in text


def test_the_functions_say_what_they_compute():
    text = stages(find("antisymmetric")).source.files["antisymmetricrnn.pyx"]
    for line in ("    A (H, H) = U - U^T - gamma*I\n", "    v_A = v_U - v_U.T - v_gamma * np.eye(*v_U.shape)\n",
                 "    d_U (H, H) = d_A - d_A^T\n", "    v_d_U = v_d_A - v_d_A.T\n"):
        assert line in text
    assert "numeric" not in text
    assert "from symcell.declare import numeric" in stages(Derived).source.files["derived.pyx"]


class Small(Cell):
    """Products and reductions of parameters; a vector whose gradient comes from a number alone."""

    x, h = Input(), State()
    W, U, b, c = Matrix(h, x), Matrix(h, h), Vector(h), Vector(h)
    p = U.T @ b
    r = reduce_mean(c)
    h.next = tanh(W @ x + p) * r * reduce_max(c)


def test_products_and_reductions_are_numpys():
    text = stages(Small).source.files["small.pyx"]
    for line in ("    p (H) = U^T b\n", "    v_p = v_U.T @ v_b\n", "    r () = the mean over all entries of c\n",
                 "    v_r = np.mean(v_c)\n", "    v_d_U = v_b[:, None] * v_d_p\n", "    v_d_b_p = v_U @ v_d_p\n",
                 '    v_index_of_H = np.arange(params["W"].shape[0])\n', '    v_size_of_H = params["W"].shape[0]\n',
                 "    v_argmax_max_c = np.argmax(v_c)\n"):
        assert line in text, line


class Alone(Cell):
    x, h = Input(), State()
    W, c = Matrix(h, x), Vector(h)
    r = reduce_sum(c)
    h.next = tanh(W @ x) * r


def test_a_number_that_comes_back_to_a_vector_fills_it():
    lines = after(stages(Alone).backward, Identifiers(())).lines
    assert 'v_d_c = np.broadcast_to(v_d_r, (params["W"].shape[0],))' in lines
