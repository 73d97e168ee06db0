"""The table of functions: values and derivatives against differences and against PyTorch, at kinks too."""

import numpy as np
import pytest
import sympy

from symcell.declare import functions as table
from symcell.declare.functions import FUNCTIONS
from symcell.graph.evaluate import evaluate

POINTS = (-4.3, -3.7, -2.1, -0.9, -0.2, 0.15, 0.7, 1.8, 2.9, 3.4, 6.0)
POSITIVE = ("log", "sqrt")
KINKS = (-3.0, -1.0, 0.0, 1.0, 3.0)
WIDE = (-800.0, -90.0, -40.0, -1e-8, 0.0, 1e-8, 40.0, 90.0, 800.0)
UNARY = [name for name, function in FUNCTIONS.items() if len(function.row.partials) == 1]
BINARY = ("maximum", "minimum")
a, b = sympy.symbols("a b", real=True)


def points(name, *more):
    every = np.array(sorted({*POINTS, *more}))
    return every[every > 0] if name in POSITIVE else every


def slope(expression, by, values):
    """The derivative that the adjoint takes, as the table says it."""
    found = evaluate(sympy.diff(expression, by), values)
    return np.broadcast_to(np.asarray(found, float), values["a"].shape)


def torch_function(torch, name):
    F = torch.nn.functional
    return {
        "relu": F.relu, "softplus": lambda x: F.softplus(x, threshold=100), "logsigmoid": F.logsigmoid,
        "hard_sigmoid": F.hardsigmoid, "hard_tanh": F.hardtanh, "gelu": F.gelu, "silu": F.silu, "elu": F.elu,
    }.get(name) or getattr(torch, name)


def by_torch(call, *arrays):
    """The value of a function of PyTorch, and its gradient by each argument."""
    import torch
    given = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in arrays]
    value = call(torch)(*given)
    value.sum().backward()
    return [value.detach().numpy(), *(np.zeros(g.shape) if g.grad is None else g.grad.numpy() for g in given)]


def test_the_table_is_that_of_the_design():
    assert set(FUNCTIONS) == {
        "sigmoid", "tanh", "relu", "exp", "log", "sqrt", "minimum", "maximum", "softplus", "logsigmoid", "hard_sigmoid",
        "hard_tanh", "gelu", "silu", "elu", "sign", "where", "abs", "erf"}  # and leaky_relu, made of where


@pytest.mark.parametrize("name", UNARY)
def test_derivatives_are_differences_of_the_values(name):
    at, function = points(name), FUNCTIONS[name]
    step = 1e-6
    expected = (function.row.numpy(at + step) - function.row.numpy(at - step)) / (2 * step)
    assert slope(function(a), a, {"a": at}) == pytest.approx(expected, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("name", [name for name in UNARY if FUNCTIONS[name].row.analytic])
def test_analytic_functions_take_a_complex_step(name):
    at, function = points(name), FUNCTIONS[name]
    by_step = function.row.numpy(at + 1e-30j).imag / 1e-30
    assert slope(function(a), a, {"a": at}) == pytest.approx(by_step, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("name", [*BINARY, "where"])
@pytest.mark.parametrize("by", [a, b])
def test_derivatives_of_two_arguments_are_differences(name, by):
    expression = table.where(a > 0.5, a**2, a * b) if name == "where" else FUNCTIONS[name](a, b)
    values = {"a": np.array(POINTS), "b": np.array(POINTS)[::-1] * 0.7}
    up, down = ({**values, by.name: values[by.name] + sign * 1e-6} for sign in (1, -1))
    expected = (evaluate(expression, up) - evaluate(expression, down)) / 2e-6
    assert slope(expression, by, values) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("name", UNARY)
def test_values_and_slopes_are_those_of_torch(name):
    at = points(name, *KINKS)
    value, gradient = by_torch(lambda torch: torch_function(torch, name), at)
    assert FUNCTIONS[name].row.numpy(at) == pytest.approx(value, rel=1e-13, abs=1e-15)
    rel = 1e-7 if name == "hard_sigmoid" else 1e-12  # PyTorch's slope there is the float32 nearest to 1/6
    assert slope(FUNCTIONS[name](a), a, {"a": at}) == pytest.approx(gradient, rel=rel, abs=1e-15)


@pytest.mark.parametrize("name", [name for name in UNARY if name not in POSITIVE])
def test_values_far_out_are_those_of_torch(name):
    with np.errstate(over="ignore"):
        value = FUNCTIONS[name].row.numpy(np.array(WIDE))
    expected, _ = by_torch(lambda torch: torch_function(torch, name), np.array(WIDE))
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "logsigmoid", "elu", "silu", "gelu", "erf"])
def test_slopes_far_out_are_finite(name):
    at = np.array(WIDE)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = slope(FUNCTIONS[name](a), a, {"a": at})
    _, gradient = by_torch(lambda torch: torch_function(torch, name), at)
    np.testing.assert_allclose(found, gradient, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", BINARY)
def test_a_tie_is_shared_as_in_torch(name):
    left, right = np.array([1.0, 2.0, 2.0, -1.0, 0.0]), np.array([1.0, 1.0, 3.0, -1.0, 0.0])
    value, by_left, by_right = by_torch(lambda torch: torch_function(torch, name), left, right)
    values, expression = {"a": left, "b": right}, FUNCTIONS[name](a, b)
    assert list(evaluate(expression, values)) == list(value)
    assert list(slope(expression, a, values)) == list(by_left)
    assert list(slope(expression, b, values)) == list(by_right)


def test_leaky_relu_is_that_of_torch():
    at = np.array([*POINTS, *KINKS])
    value, gradient = by_torch(lambda torch: torch.nn.functional.leaky_relu, at)
    expression = table.leaky_relu(a)
    assert evaluate(expression, {"a": at}) == pytest.approx(value, rel=1e-15)
    assert list(slope(expression, a, {"a": at})) == list(gradient)


@pytest.mark.parametrize("condition", [a > b, a >= b, a < b, a <= b, table.equal(a, b), (a > 0) & (b > 0),
                                       (a > 0) | ~(b > 0)], ids=str)
def test_where_is_that_of_torch(condition):
    left, right = np.array([1.0, 2.0, -2.0, -1.0, 0.0]), np.array([1.0, 1.0, 3.0, -1.0, 0.0])
    chosen = evaluate(condition, {"a": left, "b": right})
    expression = table.where(condition, a**2, a * b)

    def call(torch):
        return lambda x, y: torch.where(torch.tensor(chosen), x**2, x * y)

    value, by_left, by_right = by_torch(call, left, right)
    values = {"a": left, "b": right}
    assert list(evaluate(expression, values)) == list(value)
    assert list(slope(expression, a, values)) == list(by_left)
    assert list(slope(expression, b, values)) == list(by_right)


@pytest.mark.parametrize("name", UNARY)
def test_nan_stays_nan(name):
    with np.errstate(invalid="ignore"):
        assert np.isnan(FUNCTIONS[name].row.numpy(np.array([np.nan]))).all()


@pytest.mark.parametrize(("name", "in_terms_of_itself"), [
    ("sigmoid", "sigmoid(a)*(1 - sigmoid(a))"), ("tanh", "1 - tanh(a)**2"), ("exp", "exp(a)"),
    ("sqrt", "1/(2*sqrt(a))")])
def test_derivatives_use_the_value_where_that_is_cheaper(name, in_terms_of_itself):
    expected = sympy.sympify(in_terms_of_itself, locals={**FUNCTIONS, "a": a})
    assert FUNCTIONS[name](a).diff(a) == expected


def test_the_chain_rule_reaches_through_every_argument():
    expression = table.sigmoid(table.maximum(a**2, a * b) * b)
    at = {"a": np.array([0.3, -0.8, 1.2]), "b": np.array([0.7, 0.4, -0.2])}
    up, down = ({**at, "a": at["a"] + sign * 1e-6} for sign in (1, -1))
    assert slope(expression, a, at) == pytest.approx((evaluate(expression, up) - evaluate(expression, down)) / 2e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_row_is_complete(name):
    row = FUNCTIONS[name].row
    assert row.name == name
    assert row.cost >= 1
    arguments = [f"<{index}>" for index in range(len(row.partials))]
    assert all(argument in row.latex.format(*arguments) for argument in arguments)
    assert row.c.startswith("v")
