"""The polynomials behind the proof."""

from fractions import Fraction

import numpy as np
import pytest
import sympy

from symcell.proof.polynomial import Ring


@pytest.fixture
def ring():
    return Ring()


def test_arithmetic_agrees_with_sympy(ring):
    a, b = ring.generator(), ring.generator()
    x, y = sympy.symbols("x y")

    def f(a, b):
        return (a + 2 * b - 3) ** 3 * (1 - a) - b / 7 + (5 - b) * (a - b)

    terms = {tuple(m): Fraction(int(c.p), int(c.q)) for m, c in sympy.Poly(f(x, y), x, y).terms()}
    assert {(m & 255, m >> 8): c for m, c in f(a, b).terms.items()} == terms


def test_equal_arguments_give_one_generator_and_others_another(ring):
    a, b = ring.generator(), ring.generator()
    assert ring.is_zero(ring.apply("tanh", (a + b) ** 2) - ring.apply("tanh", a * a + 2 * a * b + b * b))
    assert not ring.is_zero(ring.apply("tanh", a) - ring.apply("tanh", b))
    assert not ring.is_zero(ring.apply("tanh", a) - ring.apply("sigmoid", a))


def test_relations(ring):
    a, b = ring.generator(), ring.generator()
    root, step = ring.apply("root", 1 + a * a), ring.apply("step", 3 * a - b)
    assert ring.is_zero(root**3 - root * (1 + a * a))
    assert ring.is_zero(a / (1 + a * a) - a / root**2)
    assert ring.is_zero(1 / root - root / (1 + a * a))
    assert ring.is_zero(step * step - step)
    assert ring.is_zero(ring.apply("step", b / 3 - a) - (1 - step))
    assert not ring.is_zero(root - 1 - a)
    assert not ring.is_zero(step)
    assert not ring.is_zero(a / (1 + a) - 1)


def test_nested_denominators(ring):
    a = ring.generator()
    assert ring.is_zero(1 / (1 + 1 / a) - a / (a + 1))
    with pytest.raises(ZeroDivisionError):
        1 / (a - a)


def test_arrays_of_polynomials(ring):
    matrix = np.array([[ring.generator() for _ in range(2)] for _ in range(2)], dtype=object)
    product = np.dot(matrix, matrix.T)
    assert ring.is_zero(product[0, 1] - matrix[0, 0] * matrix[1, 0] - matrix[0, 1] * matrix[1, 1])
    assert ring.is_zero((matrix[0, 0] * matrix)[1, 1] - matrix[0, 0] * matrix[1, 1])


def test_powers_that_would_overflow_their_bits_exhaust_the_ring(ring):
    a = ring.generator()
    assert not (a**200).ring.exhausted
    assert (a**200 * a**100).ring.exhausted
