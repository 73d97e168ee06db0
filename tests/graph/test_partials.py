"""Local derivatives: sums term by term, the same as SymPy's of the whole."""

import pytest
import sympy

from symcell.declare.functions import maximum, sigmoid, tanh
from symcell.graph.ir import symbol
from symcell.graph.partials import Partials

a, b, c, f = map(symbol, ("a", "b", "c", "f"))
EXPRESSIONS = [
    a * b + b * c + a**2 * c + 3, a + b, 2 * a - a * b * (a + c), tanh(a + b) * c + tanh(a) + a / c,
    maximum(a, b) + maximum(a, c) * b, a * b * c, sigmoid(a) * (b + a * c), sympy.Integer(2), a,
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)
def test_the_derivative_of_an_expression_is_sympys(expression):
    partials = Partials({})
    for name in ("a", "b", "c", "nobody"):
        assert sympy.expand(partials.of(expression, name) - sympy.diff(expression, symbol(name))) == 0


def test_function_values_are_called_by_their_names():
    partials = Partials({sigmoid(a): f})
    assert partials.of(sigmoid(a) * b, "a") == b * f * (1 - f)
    assert partials.of(sigmoid(a) * b + c * a, "a") == b * f * (1 - f) + c
    assert partials.of(sigmoid(a) * b + c, "b") == f


def test_each_term_is_differentiated_by_its_own_symbols_only(monkeypatch):
    """Each of a hundred terms by each of a hundred symbols would be ten thousand derivatives."""
    gates = sympy.symbols("g:100", real=True)
    terms = [gate * f for gate in gates]
    partials, expression = Partials({}), sympy.Add(*terms)
    whole, asked = sympy.Expr.diff, []

    def diff(self, *by):
        asked.extend([(self, *by)] * (self in (expression, *terms)))  # what SymPy itself asks for is its own
        return whole(self, *by)

    monkeypatch.setattr(sympy.Expr, "diff", diff)
    assert [partials.of(expression, gate.name) for gate in gates] == [f] * 100
    assert asked == list(zip(terms, gates, strict=True))
