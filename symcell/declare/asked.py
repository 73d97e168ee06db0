"""What a quantity answers where Python asks for more than a formula has: its truth, a product with a comparison."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction

from symcell.declare.errors import CellError, cell_being_declared

_OURS = ("sympy.", "symcell.")  # modules that ask whether there is anything, and not whether it is true
_CONDITIONS = (Relational, BooleanFunction)


class Truthless:
    """A mixin: in a class body it is neither true nor false, as its values are not known yet."""

    __slots__ = ()

    def __bool__(self) -> bool:
        if not sys._getframe(1).f_globals.get("__name__", "").startswith(_OURS) and (cell := cell_being_declared()):
            raise CellError(
                f"{cell}{self} has no truth value here: its values come later. For `if` write where(condition, a, b), "
                "for `and`, `or` and `not` between comparisons &, | and ~, for `max` and `min` maximum and minimum.")
        return True


def _guarded(operator: str) -> Callable[[Any, Any], Any]:
    def apply(self: Any, other: Any) -> Any:
        if isinstance(other, _CONDITIONS):
            raise CellError(f"{cell_being_declared()}{self} meets the comparison {other} in arithmetic; a comparison "
                            "is no number: write where(condition, 1, 0).")
        if isinstance(other, type):  # such as int, which SymPy takes for an instance of it
            raise CellError(f"{cell_being_declared()}{self} meets {other.__name__} in arithmetic, a class and no "
                            "value.")
        return getattr(super(Operand, self), operator)(other)

    apply.__name__ = operator
    return apply


class Operand(Truthless):
    """A mixin of what is made of SymPy's Expr: arithmetic with a comparison, and @, say what to write instead."""

    __slots__ = ()
    __add__, __radd__, __sub__, __rsub__ = map(_guarded, ("__add__", "__radd__", "__sub__", "__rsub__"))
    __mul__, __rmul__, __pow__, __rpow__ = map(_guarded, ("__mul__", "__rmul__", "__pow__", "__rpow__"))
    __truediv__, __rtruediv__ = map(_guarded, ("__truediv__", "__rtruediv__"))

    def __matmul__(self, other: Any) -> Any:
        raise CellError(f"{cell_being_declared()}({self}) @ ... : only a matrix stands left of @: U @ (V @ h). For an "
                        "elementwise product of vectors write *.")
