"""The words of a class body: Input, State, Matrix, Vector, Scalar, Constant, Output.

Each makes an unnamed declaration; the assignment in the class body gives it its name.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from symcell.declare.errors import CellError, cell_being_declared
from symcell.declare.patterns import block_diagonal as BlockDiagonal
from symcell.declare.patterns import identity as Identity


class _Unnamed:
    """A declaration is a quantity only once the class body has given it a name."""

    def _refuse(self, *_: Any) -> Any:
        word = type(self).__name__
        raise CellError(f"{cell_being_declared()}{word}(...) is used inside a formula; assign it to a name first: "
                        f"a = {word}(...).")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = _refuse
    __neg__ = __abs__ = __matmul__ = __rmatmul__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse


Dimension = Any  # a declared vector, whose dimension is meant, or the name of a dimension


@dataclass(frozen=True)
class Input(_Unnamed):
    """What comes from outside: an array (T, B, dim), dim "I" unless named.

    dim: a name, or a declared vector such as a state, whose size the input then has.
    each: "step"; or "sequence": the array is (B, dim), and every step of a sequence sees the same row.
    """

    dim: Dimension = "I"
    each: str = "step"


@dataclass(frozen=True)
class State(_Unnamed):
    """What one step hands to the next: an array (B, dim), dim "H" unless named. Its update is `.next`."""

    dim: Dimension = "H"


@dataclass(frozen=True)
class Matrix(_Unnamed):
    """A (rows, cols) array; `W @ v` takes vectors of `cols` to vectors of `rows`.

    init: "uniform" in ±1/sqrt(cols) (the default), "orthogonal", "glorot" (Glorot and Bengio 2010, eq. 16),
    "identity", "normal" (variance 1/cols), or a number. learned: if False it is a parameter like any other, but there
    is no gradient by it: a mask, a reservoir, a fixed basis.
    """

    rows: Dimension
    cols: Dimension
    init: str | float = "uniform"
    learned: bool = True


@dataclass(frozen=True)
class Vector(_Unnamed):
    """An array (dim,), such as a bias. init: a number, or "uniform" in ±1/sqrt(dim). learned: as of a Matrix."""

    dim: Dimension
    init: str | float = 0.0
    learned: bool = True


@dataclass(frozen=True)
class Scalar(_Unnamed):
    """A learned number. init: a number."""

    init: float = 0.0


@dataclass(frozen=True)
class Constant(_Unnamed):
    """A number that is not learned and can be set at each call."""

    value: float


@dataclass(frozen=True)
class Output(_Unnamed):
    """What a step returns, where that is not the first state."""

    expression: Any

    def __post_init__(self) -> None:
        """Tell the class body that it wrote this, so that one without a name is noticed at its end."""
        scope = getattr(sys._getframe(2).f_locals, "scope", None)
        if scope is not None:
            scope.output_written = True


__all__ = ["MEMBERS", "BlockDiagonal", "Constant", "Identity", "Input", "Matrix", "Output", "Scalar", "State", "Vector"]

MEMBERS = (Input, State, Matrix, Vector, Scalar, Constant, Output)
