"""Which formulas are computed once per call: those of parameters and constants, in functions that NumPy has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sympy
from sympy.logic.boolalg import BooleanAtom

from symcell.declare import numeric
from symcell.declare.functions import CONDITIONS, Elementwise, Function
from symcell.declare.reductions import Reduction, Shared
from symcell.declare.symbols import Apply, MatrixSymbol

if TYPE_CHECKING:
    from symcell.declare.scope import Scope

# Every matrix is a parameter, or computed once per call.
_COMPUTED = (sympy.Symbol, sympy.Number, sympy.NumberSymbol, sympy.Add, sympy.Mul, sympy.Pow, BooleanAtom, *CONDITIONS,
             Apply, MatrixSymbol, Reduction, Shared)


def numpy_text(row: Function) -> str | None:
    """Return how a generated module calls the NumPy version of a function; None of one that a user added."""
    name = getattr(row.numpy, "__name__", "")
    homes = (("np", np), ("numeric", numeric))
    return next((f"{home}.{name}" for home, module in homes if getattr(module, name, None) is row.numpy), None)


def computable(formula: sympy.Basic) -> bool:
    """Whether a formula holds nothing but what a generated module can compute outside the steps."""
    return all(isinstance(part, _COMPUTED) or (isinstance(part, Elementwise) and numpy_text(part.row) is not None)
               for part in sympy.preorder_traversal(formula))


def is_static(formula: sympy.Basic, scope: Scope) -> bool:
    """Whether a formula is made of parameters and constants alone."""
    def static(name: str) -> bool:
        equation = scope.equations.get(name)
        return name in scope.parameters or name in scope.constants or (
            equation is not None and is_static(equation.expression, scope))

    return computable(formula) and all(static(symbol.name) for symbol in formula.free_symbols)
