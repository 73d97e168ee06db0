"""A formula is kept as it was written: SymPy simplifies nothing in a function, and a constant keeps every digit."""

import pytest

from tests.declare.text import START, UPDATE, declare, formula


@pytest.mark.parametrize(("written", "kept"), [
    ("exp(h) * exp(b)", "exp(b)*exp(h)"),
    ("exp(h + b)", "exp(b + h)"),
    ("exp(log(h))", "exp(log(h))"),
    ("log(exp(h))", "log(exp(h))"),
    ("sqrt(h) * sqrt(h)", "sqrt(h)**2"),
    ("sqrt(h**2)", "sqrt(h**2)"),
    ("tanh(-h)", "tanh(-h)"),
    ("abs(h * b) + abs(h)", "abs(h) + abs(b*h)"),
    ("sigmoid(0)*h", "h*sigmoid(0)"),
    ("maximum(h, h)", "maximum(h, h)"),
    ("relu(h) + relu(h)", "2*relu(h)"),
    ("h - h + b", "b"),
    ("where(h > 0, h, 0)", "where(h > 0, h, 0)"),
    ("where((h > 0) & ~(c >= 1) | (b < 2), h, c)", "where((b < 2) | ((h > 0) & (c < 1)), h, c)"),
    ("leaky_relu(h)", "where(h > 0, h, 0.01*h)"),
    ("leaky_relu(h, s)", "where(h > 0, h, h*s)"),
    ("where(equal(h, 1), b, c)", "where(Eq(h, 1), b, c)"),
    ("h ** 0.5", "sqrt(h)"),
    ("h ** -0.5", "1/sqrt(h)"),
    ("h ** 1.5", "sqrt(h)**3"),
    ("h ** 2.0", "h**2"),
    ("h ** -2", "h**(-2)"),
    ("h / (b * c)", "h/(b*c)"),
    ("sympy.exp(h) + sympy.log(h) + sympy.tanh(h) + sympy.Abs(h)", "exp(h) + log(h) + tanh(h) + abs(h)"),
    ("sympy.Max(h, b, 0)", "maximum(maximum(0, b), h)"),
    ("sympy.Min(h, b)", "minimum(b, h)"),
    ("U @ (U.T @ h)", "U @ (U.T @ h)"),
    ("(U.T).T @ h", "U @ h"),
    ("U @ (h * c) + U @ h * c", "c*(U @ h) + U @ (c*h)"),
    ("-(U @ h)", "-U @ h"),
    ("h / h * b", "b"),
])
def test_formulas(written, kept):
    assert str(formula(written)) == kept


@pytest.mark.parametrize(("written", "value"), [
    ("0.1", 0.1), ("1 / 3", 1 / 3), ("0.1 + 0.2", 0.1 + 0.2), ("1e-300", 1e-300), ("sympy.pi", 3.141592653589793),
    ("2 ** 0.5", 2**0.5), ("sympy.sqrt(2)", 2**0.5), ("1e22 + 1", 1e22 + 1), ("123456789.12345679", 123456789.12345679),
])
def test_constants_keep_every_digit(written, value):
    (constant,) = [part for part in formula(f"tanh(h) + ({written})").args if part.is_number]
    assert float(constant) == value


def test_symbols_are_real():
    expression = formula("h")
    assert expression.is_real
    assert formula("abs(h) * 1.0").is_real


@pytest.mark.parametrize("lines", [
    "q = where(h > 0, h, b)\nr = where(h >= b, 1, 0) + where(equal(h, b), 0.5, -0.5)\nc = State()\nc.next = q * r",
    "q = where(k > 0, h, b)\nc = State()\nc.next = q",
])
def test_conditions(lines):
    declare(START + "k = Constant(1)\n" + lines + UPDATE)
