"""Reductions: the sum, the mean and the maximum of the components of a vector, as nodes of a formula.

What they give is one number per step and row of the batch; in a formula with vectors it meets each component.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import sympy

from symcell.declare.asked import Operand
from symcell.declare.errors import CellError, cell_being_declared
from symcell.declare.size import check_size
from symcell.declare.symbols import ROW

REDUCTIONS = ("reduce_sum", "reduce_mean", "reduce_max", "softmax", "layer_norm", "rms_norm")


def has_quantities(formula: sympy.Expr, word: str) -> bool:
    """Whether a formula is made of quantities, or of numbers alone.

    Raises:
        CellError: it is too large. A normalisation repeats its operand: one inside the other, they grow exponentially.
    """
    if word in REDUCTIONS:  # what a normalisation shares is a part of it
        check_size(formula, f"the formula in {word}()")
    return bool(formula.free_symbols)


class _Held(Operand, sympy.Expr):
    """A formula inside another that SymPy keeps as written."""

    is_commutative = True
    is_real = True
    is_extended_real = True
    word: ClassVar[str]

    def __new__(cls, formula: Any) -> _Held:
        """Hold the formula.

        Raises:
            CellError: it is not a formula of declared quantities.
        """
        if not isinstance(formula, sympy.Expr) or not has_quantities(formula, cls.word):
            raise CellError(f"{cell_being_declared()}{cls.word}() applies to a vector formula, got {formula!r}.")
        return sympy.Expr.__new__(cls, formula)


class Reduction(_Held):
    """One number made of all components of `vector`; `kind` names the row of graph.reductions.KINDS that it is."""

    kind: ClassVar[str]

    @property
    def vector(self) -> sympy.Expr:
        """What is reduced."""
        return self.args[0]

    def _sympystr(self, printer: Any) -> str:
        return f"{self.word}({printer._print(self.vector)})"


class _Sum(Reduction):
    kind, word = "sum", "reduce_sum"


class _Mean(Reduction):
    kind, word = "mean", "reduce_mean"


class _Max(Reduction):
    kind, word = "max", "reduce_max"


class Shift(Reduction):
    """The maximum, not differentiated: for results that do not change when it does, as in `softmax`."""

    kind, word = "shift", "reduce_max"


class Shared(_Held):
    """A formula that becomes a value of its own, computed once, where it would be repeated otherwise.

    `letter`: of its name, mu_f in an equation for f. Without a letter it has none.
    """

    word = "shared"
    letter: ClassVar[str] = ""

    @property
    def formula(self) -> sympy.Expr:
        """What is computed."""
        return self.args[0]

    def _sympystr(self, printer: Any) -> str:
        text = printer._print(self.formula)
        return f"({text})" if isinstance(self.formula, (sympy.Add, sympy.Mul, sympy.Pow)) else str(text)


class SharedMean(Shared):
    """The mean in a normalisation."""

    letter = "mu"


class SharedSpread(Shared):
    """What a normalisation divides by."""

    letter = "s"


class SharedWeight(Shared):
    """A weight of a softmax, before it is divided by their sum."""

    letter = "e"


HELD: Mapping[str, type[_Held]] = {  # as documents write them; all but the first three come from the words made of them
    "reduce_sum": _Sum, "reduce_mean": _Mean, "reduce_max": _Max, "shift": Shift,
    "shared": Shared, "shared_mean": SharedMean, "shared_spread": SharedSpread, "shared_weight": SharedWeight,
}


def reduce_sum(v: Any) -> sympy.Expr:
    """Return the sum of the components of a vector formula: a number per row."""
    return _Sum(v)


def reduce_mean(v: Any) -> sympy.Expr:
    """Return the mean of the components of a vector formula: a number per row."""
    return _Mean(v)


def reduce_max(v: Any) -> sympy.Expr:
    """Return the largest component of a vector formula: a number per row. Its gradient goes to the first of equals."""
    return _Max(v)


def shared(formula: sympy.Expr, kind: type[Shared] = Shared) -> sympy.Expr:
    """Return the formula as a value of its own; a quantity is one already."""
    return formula if formula.is_Atom else kind(formula)


def dims_of_reduction(reduction: Reduction, dims: tuple[str, ...], where: str) -> tuple[str, ...]:
    """Return (ROW,), the dimensions of a reduction of something that has `dims`.

    Raises:
        CellError: it is a scalar.
    """
    if dims in ((), (ROW,)):
        raise CellError(f"{where}: {reduction} reduces a scalar; expected a vector, over whose components it is taken.")
    return (ROW,)
