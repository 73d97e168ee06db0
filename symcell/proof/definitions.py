"""What each function of the language is, once more, and independently of the table in symcell.declare.

Every function is written in eight primitives. Whoever supplies these (SymPy, NumPy, 50-digit numbers,
polynomials) gets the whole language, and has no use for the derivatives, NumPy or C columns of the table:
those are what is to be proven.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

Number = Any


class Primitives(Protocol):
    """The eight functions that everything is made of. step(x) is 1 for x > 0 and 0 elsewhere."""

    def exp(self, x: Number, /) -> Number: ...  # noqa: D102
    def log(self, x: Number, /) -> Number: ...  # noqa: D102
    def tanh(self, x: Number, /) -> Number: ...  # noqa: D102
    def sigmoid(self, x: Number, /) -> Number: ...  # noqa: D102
    def softplus(self, x: Number, /) -> Number: ...  # noqa: D102
    def erf(self, x: Number, /) -> Number: ...  # noqa: D102
    def root(self, x: Number, /) -> Number: ...  # noqa: D102
    def step(self, x: Number, /) -> Number: ...  # noqa: D102


PRIMITIVES = ("exp", "log", "tanh", "sigmoid", "softplus", "erf", "root", "step")


class UnknownFunctionError(LookupError):
    """A function that this table does not define: one that a user added."""


def _maximum(p: Primitives, a: Number, b: Number) -> Number:
    more, less = p.step(a - b), p.step(b - a)
    return more * a + less * b + (1 - more) * (1 - less) * (a + b) / 2


def _hard(p: Primitives, x: Number, bound: int, middle: Number, low: int) -> Number:
    """`middle` between -bound and bound, 1 above, `low` below."""
    above_low, below_high = p.step(x + bound), p.step(bound - x)
    return above_low * below_high * middle + (1 - below_high) + (1 - above_low) * low


def _elu(p: Primitives, x: Number) -> Number:
    negative = (1 - p.step(x)) * x
    return x - negative + (1 - p.step(x)) * (p.exp(negative) - 1)


DEFINITIONS: dict[str, Callable[..., Number]] = {
    **{name: (lambda p, x, name=name: getattr(p, name)(x)) for name in PRIMITIVES},
    "sqrt": lambda p, x: p.root(x),
    "logsigmoid": lambda p, x: -p.softplus(-x),
    "relu": lambda p, x: p.step(x) * x,
    "sign": lambda p, x: p.step(x) - p.step(-x),
    "abs": lambda p, x: (p.step(x) - p.step(-x)) * x,
    "maximum": _maximum,
    "minimum": lambda p, a, b: -_maximum(p, -a, -b),
    "hard_sigmoid": lambda p, x: _hard(p, x, 3, (x + 3) / 6, 0),
    "hard_tanh": lambda p, x: _hard(p, x, 1, x, -1),
    "gelu": lambda p, x: x * (1 + p.erf(x / p.root(2))) / 2,
    "silu": lambda p, x: x * p.sigmoid(x),
    "elu": _elu,
}


def defined(p: Primitives, name: str) -> Callable[..., Number]:
    """The function of this name, made of these primitives.

    Raises:
        UnknownFunctionError: the table has no such function.
    """
    if name not in DEFINITIONS:
        raise UnknownFunctionError(f"the function {name} is not one of symcell's own")
    return lambda *arguments: DEFINITIONS[name](p, *arguments)
