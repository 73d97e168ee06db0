"""The words of a class body: Input, State, Matrix, Vector, Scalar, Constant, Output.

Each makes an unnamed declaration; the assignment in the class body gives it its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Dimension = Any  # a declared vector, whose dimension is meant, or the name of a dimension


@dataclass(frozen=True)
class Input:
    """What comes from outside at each step: an array (T, B, dim), dim "I" unless named."""

    dim: Dimension = "I"


@dataclass(frozen=True)
class State:
    """What one step hands to the next: an array (B, dim), dim "H" unless named. Its update is `.next`."""

    dim: Dimension = "H"


@dataclass(frozen=True)
class Matrix:
    """A learned (rows, cols) array; `W @ v` takes vectors of `cols` to vectors of `rows`.

    init: "uniform" in ±1/sqrt(cols) (the default), "orthogonal", "glorot" (Glorot and Bengio 2010, eq. 16),
    "identity", "normal" (variance 1/cols), or a number.
    """

    rows: Dimension
    cols: Dimension
    init: str | float = "uniform"


@dataclass(frozen=True)
class Vector:
    """A learned array (dim,), such as a bias. init: a number, or "uniform" in ±1/sqrt(dim)."""

    dim: Dimension
    init: str | float = 0.0


@dataclass(frozen=True)
class Scalar:
    """A learned number. init: a number."""

    init: float = 0.0


@dataclass(frozen=True)
class Constant:
    """A number that is not learned and can be set at each call."""

    value: float


@dataclass(frozen=True)
class Output:
    """What a step returns, where that is not the first state."""

    expression: Any


MEMBERS = (Input, State, Matrix, Vector, Scalar, Constant, Output)
