"""Elementwise formulas as a person writes them."""

import pytest
import sympy

from symcell.declare import functions
from symcell.declare.cell import Cell
from symcell.declare.functions import FUNCTIONS, absolute, exp, hard_sigmoid, maximum, sigmoid, tanh, where
from symcell.declare.members import Constant, Input, Matrix, Scalar, State, Vector
from symcell.graph.ir import symbol
from symcell.render.latex import Formula
from symcell.render.notation import Notation
from symcell.render.numbers import latex_number
from tests.oracle import graphs
from tests.render.syntax import problems


class Small(Cell):
    """A gate, a state, a scalar and a constant."""

    x, h = Input(), State()
    W, b, alpha, k = Matrix(h, x), Vector(h), Scalar(), Constant(0.5)
    f = sigmoid(W @ x + b)
    n = tanh(alpha * h * k)
    h.next = f * n


FORMULA = Formula(Notation(*graphs(Small)))
f, n, h, b, alpha, k = (symbol(name) for name in ("f", "n", "h", "b", "alpha", "k"))


@pytest.mark.parametrize(("expression", "printed"), [
    (f * n + h * (1 - f), r"(1 - f_t) \odot h_{t-1} + f_t \odot n_t"),
    (f * (1 - f) * n, r"f_t \odot (1 - f_t) \odot n_t"),
    (h - n, r"h_{t-1} - n_t"), (-h + n, r"n_t - h_{t-1}"), (-f * h, r"-f_t \odot h_{t-1}"),
    (1 - n**2, r"1 - n_t^2"), (alpha * h, r"\alpha h_{t-1}"), (alpha * k * f * h, r"\alpha k f_t \odot h_{t-1}"),
    (h / (1 + exp(f)), r"\frac{h_{t-1}}{1 + \exp(f_t)}"), (1 / f, r"\frac{1}{f_t}"),
    (h / f**2, r"\frac{h_{t-1}}{f_t^2}"),
    (h / 2, r"\frac{h_{t-1}}{2}"), (sympy.Float(0.1) * h, r"0.1 h_{t-1}"), (tanh(h)**2, r"\tanh^2(h_{t-1})"),
    ((f + h)**2, r"(h_{t-1} + f_t)^2"), (b + h * f, r"f_t \odot h_{t-1} + b"), (absolute(h), r"|h_{t-1}|"),
    (maximum(f, h), r"\max(f_t, h_{t-1})"), (sigmoid(h / f), r"\sigma\left(\frac{h_{t-1}}{f_t}\right)"),
    (where(h > 0, 1, 0) * n, r"n_t \odot \mathbf{1}_{h_{t-1} > 0}"),
    (where(h > 0, 0, 1), r"\mathbf{1}_{h_{t-1} \leq 0}"),
    (where((h > 0) & (h < 1), 1, 0) / 6, r"\frac{\mathbf{1}_{h_{t-1} > 0 \wedge h_{t-1} < 1}}{6}"),
    (where(f > h, f, where(f < h, h, 0)),
     r"\begin{cases} f_t & \text{if } f_t > h_{t-1} \\ h_{t-1} & \text{if } f_t < h_{t-1} \\ "
     r"0 & \text{otherwise} \end{cases}"),
    (sympy.Float(0.1) * where(h > 0, 1, 0), r"0.1 \cdot \mathbf{1}_{h_{t-1} > 0}"),
])  # fmt: skip
def test_a_formula(expression, printed):
    assert FORMULA(expression) == printed


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_and_its_derivatives_print(name):
    function = FUNCTIONS[name]
    arguments = ([h > 0] if name == "where" else []) + [f, h]
    applied = function(*arguments[:len(function.row.partials)])
    for expression in (applied, sympy.diff(applied, f), sympy.diff(applied, h), hard_sigmoid(applied) * h):
        assert problems(FORMULA(expression)) == []


def test_a_function_of_the_user_prints(monkeypatch):
    monkeypatch.setattr(functions, "FUNCTIONS", dict(FUNCTIONS))
    row = functions.Function("swishish", (lambda x, y: y,), None, "", r"\mathrm{swishish}\left({0}\right)")
    assert FORMULA(functions.define(row)(h)) == r"\mathrm{swishish}(h_{t-1})"


@pytest.mark.parametrize(("number", "printed"), [
    (sympy.Float(0.1), "0.1"), (sympy.Float(3.0), "3"), (sympy.Float(1e-5), "10^{-5}"),
    (sympy.Float(0.1 + 0.2), "0.30000000000000004"),
    (sympy.Float(-1.5e-7), r"-1.5 \cdot 10^{-7}"), (sympy.Rational(1, 6), r"\tfrac{1}{6}"), (sympy.Integer(-2), "-2"),
    (sympy.Float(-1e-9), "-10^{-9}"), (sympy.sqrt(2), r"\sqrt{2}"), (sympy.pi, r"\pi"), (sympy.Float(1e30), "10^{30}"),
])  # fmt: skip
def test_a_number(number, printed):
    assert latex_number(number) == printed
