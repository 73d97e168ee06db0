"""Derivatives are tried at some points against differences of the NumPy function: a wrong one is caught there."""

import numpy as np
import pytest

from symcell import CellError, exp, register_function, tanh, where
from symcell.declare.functions import FUNCTIONS
from tests.declare.mish import mish, mish_slope

pytestmark = pytest.mark.usefixtures("table")


@pytest.mark.parametrize("factor", [1 + 1e-8, -1.0, 0.0])
def test_a_wrong_derivative_is_caught(factor):
    with pytest.raises(CellError, match=r"mish: the derivative by argument 0 is not that of `numpy`: at \(.*\) "
                                        r"expected .*, by complex steps, got .*; \d+ of 64 points differ"):
        mish(derivative=lambda x, y: mish_slope(x, y) * factor)
    assert "mish" not in FUNCTIONS


def test_a_wrong_derivative_by_one_of_two_arguments_is_caught():
    with pytest.raises(CellError, match="the derivative by argument 1 is not that"):
        register_function("power", (lambda a, b, y: b, lambda a, b, y: a + 1), "{0} * {1}", lambda a, b: a * b)


def test_a_wrong_derivative_of_a_real_function_is_caught():
    def real(x):
        return np.array([float(np.tanh(value)) for value in x.real])

    assert not register_function("real", lambda x, y: 1 - y**2, "vtanh({0})", real).row.analytic
    with pytest.raises(CellError, match="by central differences, got"):
        register_function("wrong", lambda x, y: 1.0001 - y**2, "vtanh({0})", real)


def flat(x, y):
    return 0 * x


@pytest.mark.parametrize(("derivative", "numpy"), [
    (flat, lambda x: 1e-11 * x), (flat, lambda x: 1e-11 * np.real(x)), (flat, lambda x: 1e-200 * np.tanh(x)),
    (flat, lambda x: np.maximum(np.real(x) - 2.85, 0)),
    (lambda x, y: where(x > 2.8, 1, 0), lambda x: np.maximum(np.real(x) - 2.9, 0)),
    (lambda x, y: 1e-5 * (1 - tanh(x)**2), lambda x: 1.00001e-5 * np.tanh(np.real(x))),
])
def test_a_wrong_derivative_of_a_small_function_or_at_few_points_is_caught(derivative, numpy):
    with pytest.raises(CellError, match=r"wrong: the derivative by argument 0 is not that of `numpy`: at \(.*\)"):
        register_function("wrong", derivative, "{0}", numpy)


@pytest.mark.parametrize(("derivative", "numpy", "analytic"), [
    (lambda x, y: 1e-11 + 0 * x, lambda x: 1e-11 * x, True),
    (lambda x, y: 1e-200 * exp(x), lambda x: 1e-200 * np.exp(x), True),
    (lambda x, y: 1e-11 * exp(x), lambda x: 1e-11 * np.exp(np.real(x)), False),
    (flat, lambda x: np.sin(x)**2 + np.cos(x)**2, True), (flat, lambda x: 0.1 * np.round(10 * np.real(x)), False),
    (lambda x, y: 50 * (1 - y**2), lambda x: np.tanh(50 * np.real(x)), False),
    (lambda x, y: exp(x), lambda x: 1e4 + np.exp(np.real(x)), False),
])
def test_a_right_derivative_of_a_small_steep_or_flat_function_passes(derivative, numpy, analytic):
    assert register_function("right", derivative, "{0}", numpy).row.analytic is analytic


def test_at_a_kink_any_slope_between_those_of_the_two_sides_passes():
    kink = np.random.default_rng(0).uniform(-3, 3, 64)[7]  # one of the points at which derivatives are compared

    def bent(x):
        return np.maximum(np.real(x) - kink, 0)

    for name, slope in (("down", 0), ("middle", 0.5), ("up", 1)):
        register_function(name, lambda x, y, slope=slope: where(x > kink, 1, where(x < kink, 0, slope)), "{0}", bent)
    for slope in (-0.01, 1.01):
        with pytest.raises(CellError, match="; 1 of 64 points differ"):
            register_function("wrong", lambda x, y, slope=slope: where(x > kink, 1, where(x < kink, 0, slope)), "{0}",
                              bent)


def test_a_derivative_that_is_wrong_on_one_side_is_caught():
    with pytest.raises(CellError, match="is not that of `numpy`"):
        mish(derivative=lambda x, y: where(x > 0, mish_slope(x, y), 0))


def test_a_domain():
    with pytest.raises(CellError, match=r"`numpy` is finite at 0 of 64 points between -3 and 0; give the domain="):
        register_function("ln", lambda x, y: 1 / x, "vlog({0})", np.log, domain=(-3, 0))
    assert register_function("ln", lambda x, y: 1 / x, "vlog({0})", np.log, domain=(0.1, 5)).row.analytic
