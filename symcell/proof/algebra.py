"""Two kinds of number in which graphs and declarations are evaluated: polynomials, and 50-digit numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import sympy

from symcell.declare.functions import Elementwise
from symcell.proof.definitions import defined
from symcell.proof.polynomial import Polynomial, Ring

DIGITS = 60  # computed with; 50 are claimed


class Polynomials:
    """The primitives on polynomials: a function value is a new generator."""

    def __init__(self) -> None:
        """Start with a ring of its own."""
        self.ring = Ring()

    def constant(self, value: Any) -> Polynomial:
        """A number, exactly."""
        return self.ring.element(value)

    def parameter(self, value: float) -> Polynomial:
        """A Constant of the cell: a symbol, so that what is proven holds for every value."""
        return self.unknown()

    def unknown(self) -> Polynomial:
        """A symbol of its own for an entry of an array."""
        return self.ring.generator()

    def __getattr__(self, primitive: str) -> Callable[[Any], Polynomial]:
        return lambda x: self.ring.apply(primitive, self.ring.element(x))


class Digits:
    """The primitives on numbers of 60 digits; to be used inside mpmath.workdps(DIGITS)."""

    exp, log, tanh, erf, root = map(staticmethod, (mpmath.exp, mpmath.log, mpmath.tanh, mpmath.erf, mpmath.sqrt))

    def __init__(self, seed: int) -> None:
        """Draw entries from this seed."""
        self._random = np.random.default_rng(seed)

    def constant(self, value: Any) -> Any:
        """A number, exactly or to 60 digits."""
        value = sympy.sympify(value)
        if isinstance(value, sympy.Float):
            value = sympy.Rational(value)
        return mpmath.mpf(value.p) / value.q if value.is_Rational else mpmath.mpf(sympy.N(value, DIGITS + 5))

    parameter = constant  # of a Constant of the cell: its value

    def unknown(self) -> Any:
        """A random entry of an array, between 1/8 and 9/8 in size, of either sign."""
        size = mpmath.mpf(int(self._random.integers(1, 10**15))) / 10**15 + mpmath.mpf(1) / 8
        return size if self._random.random() < 0.5 else -size

    @staticmethod
    def sigmoid(x: Any) -> Any:
        """1 / (1 + exp(-x))."""
        return 1 / (1 + mpmath.exp(-x))

    @staticmethod
    def softplus(x: Any) -> Any:
        """log(1 + exp(x))."""
        return mpmath.log(1 + mpmath.exp(x))

    @staticmethod
    def step(x: Any) -> Any:
        """1 for x > 0; of a complex x (the logarithm of a negative number) by its real part."""
        return mpmath.mpf(int(mpmath.re(x) > 0))


Algebra = Polynomials | Digits


def functions_on_arrays(algebra: Algebra) -> Callable[[type[Elementwise]], Callable[..., Any]]:
    """What the interpreter calls for a function of the table: its definition, entry by entry."""

    def functions(function: type[Elementwise]) -> Callable[..., Any]:
        definition = defined(algebra, function.row.name)
        return np.frompyfunc(definition, function.nargs.args[0], 1)

    return functions
