"""Sparse polynomials over the rationals whose generators are made on the fly, with relations among them.

A monomial is one Python integer, eight bits of exponent per generator: multiplying monomials is adding
integers, much faster than adding tuples of exponents, which for a two-step LSTM would have a hundred entries.

A function value, such as tanh(p), is a generator of its own: the same p gives the same generator, whoever
asks. Three kinds of generator obey a relation: root(p)**2 = p, inverse(p)*p = 1, step(p)**2 = step(p); and
step(-p) = 1 - step(p), which holds away from p = 0. A polynomial that these relations reduce to 0 is 0
wherever it is defined and no step is at its kink; nothing follows from one that they do not reduce to 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy
from sympy import QQ

BITS = 8
MASK = (1 << BITS) - 1
MAX_WORK = 5_000_000  # terms made: some five seconds, fifteen with fractions for coefficients


def _entrywise(operation: Callable[[Polynomial, Any], Polynomial]) -> Callable[[Polynomial, Any], Any]:
    """Leave arrays to NumPy, which comes back for each entry."""
    return lambda self, other: NotImplemented if isinstance(other, np.ndarray) else operation(self, other)


class Polynomial:
    """Terms: coefficient by monomial. Immutable by convention; NumPy's object arrays take it as a number."""

    __slots__ = ("ring", "terms")
    shape = ()  # as NumPy's own scalars have it

    def __init__(self, ring: Ring, terms: dict[int, Any]) -> None:
        """Hold terms with coefficients other than 0."""
        self.ring, self.terms = ring, terms

    @_entrywise
    def __add__(self, other: Any) -> Polynomial:
        small, large = sorted((self.terms, self.ring.element(other).terms), key=len)
        self.ring.work += len(large)
        terms = dict(large)
        for monomial, coefficient in small.items():
            terms[monomial] = terms.get(monomial, 0) + coefficient
        return Polynomial(self.ring, {m: c for m, c in terms.items() if c})

    @_entrywise
    def __mul__(self, other: Any) -> Polynomial:
        left, right = self.terms, self.ring.element(other).terms
        if not self.ring.affords(left, right):
            return self.ring.element(0)
        terms: dict[int, Any] = {}
        for m, c in left.items():
            for n, d in right.items():
                terms[m + n] = terms.get(m + n, 0) + c * d
        return Polynomial(self.ring, {m: c for m, c in terms.items() if c})

    def __neg__(self) -> Polynomial:
        return Polynomial(self.ring, {m: -c for m, c in self.terms.items()})

    @_entrywise
    def __sub__(self, other: Any) -> Polynomial:
        return self + -self.ring.element(other)

    @_entrywise
    def __rsub__(self, other: Any) -> Polynomial:
        return -self + other

    @_entrywise
    def __truediv__(self, other: Any) -> Polynomial:
        return self * self.ring.inverse(self.ring.element(other))

    @_entrywise
    def __rtruediv__(self, other: Any) -> Polynomial:
        return self.ring.inverse(self) * other

    def __pow__(self, exponent: int) -> Polynomial:
        if exponent < 0:
            return self.ring.inverse(self) ** -exponent
        result = self.ring.element(1)
        for _ in range(exponent):
            result = result * self
        return result

    __radd__, __rmul__ = __add__, __mul__

    def split(self, generator: int) -> dict[int, Polynomial]:
        """The coefficients of the powers of a generator."""
        self.ring.work += len(self.terms)
        shift = BITS * generator
        parts: dict[int, dict[int, Any]] = {}
        for monomial, coefficient in self.terms.items():
            exponent = monomial >> shift & MASK
            parts.setdefault(exponent, {})[monomial - (exponent << shift)] = coefficient
        return {exponent: Polynomial(self.ring, terms) for exponent, terms in parts.items()}


class Ring:
    """The generators, and what is known of them."""

    def __init__(self) -> None:
        """Start without generators."""
        self.count = 0
        self.work = 0
        self.exhausted = False
        self._functions: dict[tuple[str, frozenset[Any]], Polynomial] = {}
        self._special: dict[int, tuple[str, Polynomial]] = {}  # generators with a relation

    def generator(self) -> Polynomial:
        """Return a new generator."""
        self.count += 1
        return Polynomial(self, {1 << BITS * (self.count - 1): 1})

    def element(self, value: Any) -> Polynomial:
        """Return an integer or rational, a rational SymPy number or an element as an element."""
        if isinstance(value, Polynomial):
            return value
        if isinstance(value, (float, sympy.Float)):
            value = sympy.Rational(value)  # exactly
        if isinstance(value, sympy.NumberSymbol):
            return self.apply(str(value), self.element(0))
        if isinstance(value, sympy.Rational):
            value = int(value.p) if value.q == 1 else QQ(int(value.p), int(value.q))
        return Polynomial(self, {0: value} if value else {})

    def affords(self, left: dict[int, Any], right: dict[int, Any]) -> bool:
        """Count the work of a product; refuse what takes too long, or powers that could overflow their bits.

        Refused products are 0, and the ring is `exhausted`: nothing in it means anything any more. An exception
        would be simpler, but NumPy's dot of objects goes on computing with the exception set, and crashes.
        """
        self.work += len(left) * len(right)
        top = max(self._exponents(left)) + max(self._exponents(right))
        self.exhausted |= self.work > MAX_WORK or top > MASK
        return not self.exhausted

    def _exponents(self, terms: dict[int, Any]) -> bytes:
        """For each generator a bound on its exponent, 0 exactly where it does not occur: bits that occur."""
        union = 0
        for monomial in terms:
            union |= monomial
        return union.to_bytes(self.count * BITS // 8 + 1, "little")

    def apply(self, name: str, argument: Polynomial) -> Polynomial:
        """Return the value of a function: the generator that stands for it."""
        argument = self.reduce(argument)
        if name in ("root", "inverse") and set(argument.terms) == {0} and argument.terms[0] == 1:
            return argument
        if name == "exp" and not argument.terms:
            return self.element(1)
        if name == "step":
            return self._step(argument)
        return self._function(name, argument)

    def _step(self, argument: Polynomial) -> Polynomial:
        """step(3*p) = step(p), and step(-p) = 1 - step(p): the leading coefficient becomes 1."""
        if set(argument.terms) <= {0}:
            return self.element(int(bool(argument.terms) and argument.terms[0] > 0))
        leading = argument.terms[max(argument.terms)]
        value = self._function("step", argument * (QQ(1) / leading))
        return value if leading > 0 else 1 - value

    def inverse(self, argument: Polynomial) -> Polynomial:
        """Return 1 / argument."""
        argument = self.reduce(argument)
        if not argument.terms and self.exhausted:
            return argument
        if not argument.terms:
            raise ZeroDivisionError("division by an expression that is 0")
        (first, leading), *more = sorted(argument.terms.items(), reverse=True)
        leading = QQ(1) / leading
        if not first and not more:
            return self.element(leading)
        name, inside = self._special.get(first.bit_length() // BITS, ("", argument))
        if name == "root" and not more and first == 1 << first.bit_length() - 1:  # 1/root(p) = root(p)/p
            return argument * leading * self.inverse(inside) * leading
        return self.apply("inverse", argument * leading) * leading

    def _function(self, name: str, argument: Polynomial) -> Polynomial:
        key = (name, frozenset(argument.terms.items()))
        if key not in self._functions:
            if name in ("root", "inverse", "step"):
                self._special[self.count] = (name, argument)
            self._functions[key] = self.generator()
        return self._functions[key]

    def reduce(self, value: Polynomial, denominators: bool = False) -> Polynomial:
        """Apply the relations; with `denominators`, multiply by those: 0 stays 0, and nothing else turns 0.

        The last generator comes first: an argument contains earlier ones only.
        """
        for generator in sorted(self._special, reverse=True):
            if not self._exponents(value.terms)[generator]:
                continue
            name, argument = self._special[generator]
            parts = value.split(generator)
            self_ = Polynomial(self, {1 << BITS * generator: 1})
            if name == "root":
                terms = [part * argument ** (e // 2) * self_ ** (e % 2) for e, part in parts.items()]
            elif name == "step":
                terms = [part * self_ ** min(e, 1) for e, part in parts.items()]
            elif denominators:
                terms = [part * argument ** (max(parts) - e) for e, part in parts.items()]
            else:
                continue
            value = sum(terms, self.element(0))
        return value

    def is_zero(self, value: Any) -> bool:
        """Whether the relations reduce it to 0."""
        return not self.reduce(self.element(value), denominators=True).terms
