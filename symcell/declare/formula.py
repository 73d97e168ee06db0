"""Checks on one formula: what it may contain, and how large it may be."""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from sympy.core.relational import Relational

from symcell.declare.errors import CellError
from symcell.declare.functions import (
    CONDITIONS,
    FUNCTIONS,
    Elementwise,
    absolute,
    exp,
    log,
    maximum,
    minimum,
    sign,
    sqrt,
    tanh,
)
from symcell.declare.reductions import Reduction, Shared
from symcell.declare.symbols import Apply, MatrixSymbol, Quantity

if TYPE_CHECKING:
    from symcell.declare.scope import Scope

LARGEST = 10**18  # of an exact integer
MAX_BITS = 4096  # of a power of numbers, which SymPy computes at once
BITS = range(53, 257)  # of a decimal number
MAX_POWER = 64  # powers are repeated multiplications
_PLAIN = (sympy.Number, sympy.NumberSymbol, sympy.Add, sympy.Mul, sympy.Pow)

# SymPy's own functions that people write by habit, in symcell's terms.
_SYNONYMS: dict[Any, Any] = {
    sympy.exp: exp, sympy.log: log, sympy.tanh: tanh, sympy.Abs: absolute, sympy.sign: sign,
}
_FOLDED: dict[Any, Any] = {sympy.Max: maximum, sympy.Min: minimum}


def in_own_words(formula: sympy.Expr) -> sympy.Expr:
    """Return a formula of which SymPy's own functions are those of the table, where that has them."""
    replaced = formula.replace(lambda node: node.func in _SYNONYMS, lambda node: _SYNONYMS[node.func](*node.args))
    return replaced.replace(lambda node: node.func in _FOLDED, lambda node: reduce(_FOLDED[node.func], node.args))


def normalise(formula: sympy.Expr, name: str, scope: Scope) -> sympy.Expr:
    """Return the formula in the functions of the table; refuse what has no place in a cell.

    Raises:
        CellError: a constant that is not finite and real, an unknown function, a power that is not a root or an
            integer, a formula that is too large.
    """
    scope.count(formula, name)
    return _rewrite(formula, name, scope.cell)


def _rewrite(node: sympy.Basic, name: str, cell: str) -> sympy.Basic:
    if isinstance(node, (Quantity, MatrixSymbol)):
        return node
    if isinstance(node, sympy.Symbol):
        raise CellError(f"{cell}: {name}: the symbol {node} was not declared in this cell.")
    if isinstance(node, sympy.Expr) and node.is_number and not node.has(Elementwise):
        return _number(node, name, cell)
    if isinstance(node, (sympy.Piecewise, sympy.Derivative, sympy.Integral, sympy.Sum)):
        raise _unknown_function(node, name, cell)
    arguments = [_rewrite(argument, name, cell) for argument in node.args]
    _check_arguments(node, name, cell)
    if isinstance(node, sympy.Pow):
        return _power(node, arguments, name, cell)
    if isinstance(node, (sympy.Add, sympy.Mul, Apply, Reduction, Shared, Elementwise, *CONDITIONS)):
        # Rebuilding what did not change would only re-run SymPy's automatic simplification.
        return node if tuple(arguments) == node.args else node.func(*arguments)
    if node.func in _SYNONYMS:
        return _SYNONYMS[node.func](*map(_evaluated, arguments))
    if node.func in _FOLDED:
        return reduce(_FOLDED[node.func], arguments)
    raise _unknown_function(node, name, cell)


def _check_arguments(node: sympy.Basic, name: str, cell: str) -> None:
    if isinstance(node, (Relational, Apply, Reduction, Shared, sympy.Add, sympy.Mul, sympy.Pow)) and _conditions(node):
        raise CellError(f"{cell}: {name}: {node} uses a comparison as a number; write where(condition, 1, 0).")
    if isinstance(node, sympy.Expr) and not node.free_symbols and not node.has(Apply):
        _check_value(node, name, cell)
    if not isinstance(node, Apply) and any(isinstance(argument, MatrixSymbol) for argument in node.args):
        raise CellError(f"{cell}: {name}: a matrix stands inside {node.func.__name__}(); it takes only @, on a vector.")


def _evaluated(node: sympy.Basic) -> sympy.Basic:
    """Return a formula as its operators make it: SymPy's Abs leaves 2 - k as an unevaluated -(k - 2)."""
    if not isinstance(node, (sympy.Add, sympy.Mul, sympy.Pow, Apply, Elementwise, *CONDITIONS)):
        return node
    arguments = [_evaluated(argument) for argument in node.args]
    if isinstance(node, Relational):  # SymPy could decide it
        return node.func(*arguments, evaluate=False)
    return node.func(*arguments)


def _check_value(node: sympy.Expr, name: str, cell: str) -> None:
    """Refuse functions of constants that have no finite value, such as log(0)."""

    def value(part: sympy.Basic) -> Any:
        if isinstance(part, Elementwise) and not _conditions(part):
            return part.row.numpy(*(value(argument) for argument in part.args))
        if isinstance(part, (sympy.Add, sympy.Mul)):
            return (sum if isinstance(part, sympy.Add) else math.prod)(value(argument) for argument in part.args)
        if isinstance(part, sympy.Pow):
            return np.float64(value(part.base)) ** float(part.exp)
        return np.float64(part) if part.is_number and not part.has(Elementwise) else np.float64(1)

    with np.errstate(all="ignore"):
        if not np.isfinite(value(node)):
            raise CellError(f"{cell}: {name} holds the constant {node}, which has no finite value.")


def _conditions(node: sympy.Basic) -> bool:
    return any(isinstance(argument, CONDITIONS) for argument in node.args)


def _unknown_function(node: sympy.Basic, name: str, cell: str) -> CellError:
    return CellError(
        f"{cell}: {name} uses {node.func.__name__}, which symcell cannot differentiate and compile. "
        f"The functions are {', '.join(sorted(FUNCTIONS))}.")


def _number(node: sympy.Expr, name: str, cell: str) -> sympy.Expr:
    if node.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise CellError(f"{cell}: {name} divides by zero or holds a constant that is not finite ({node}).")
    if not node.is_real:
        raise CellError(f"{cell}: {name} holds the constant {node}, which is not real.")
    try:
        finite = math.isfinite(float(node))
    except OverflowError:
        finite = False
    if not finite:
        raise CellError(f"{cell}: {name} holds a constant that is too large for float64.")
    parts = list(sympy.preorder_traversal(node))
    if not all(isinstance(part, _PLAIN) for part in parts):
        return sympy.Float(node.evalf(17), 17)
    return node if all(map(_moderate, parts)) else sympy.Float(float(node))


def _moderate(part: sympy.Expr) -> bool:
    """Whether a document can hold this part of a constant exactly; else it is rounded to float64, as in a kernel."""
    if isinstance(part, sympy.Rational):
        return max(abs(part.p), part.q) <= LARGEST
    if isinstance(part, sympy.Float):
        return part._prec in BITS
    return not isinstance(part, sympy.Pow) or (is_exponent(part.exp) and is_computable(part.base, part.exp))


def is_exponent(exponent: sympy.Expr) -> bool:
    """Whether a document can hold a power with this exponent."""
    return isinstance(exponent, (sympy.Rational, sympy.Float)) and abs(exponent) <= MAX_POWER \
        and getattr(exponent, "q", 1) <= MAX_POWER


def is_computable(base: sympy.Expr, exponent: sympy.Expr) -> bool:
    """Whether SymPy computes this power of constants at once: it is exact, whatever that takes."""
    if base.is_Rational:
        return max(base.p.bit_length(), base.q.bit_length()) * abs(exponent) <= MAX_BITS
    return len(base.atoms(sympy.Pow)) < 4 and sum(1 for _ in sympy.preorder_traversal(base)) < 32


def _power(node: sympy.Pow, arguments: list[sympy.Basic], name: str, cell: str) -> sympy.Expr:
    base, exponent = arguments
    # 2.0 and 0.5 come as floats
    exact = sympy.Rational(exponent) if exponent.is_Rational or exponent.is_Float else sympy.nan
    if exact is not sympy.nan and exact.q <= 2 and abs(exact) <= MAX_POWER:
        return sympy.Pow(base, exact) if exact.q == 1 else sqrt(base) ** exact.p
    raise CellError(f"{cell}: {name} holds the power {node}; exponents are integers and halves up to {MAX_POWER}. "
                    "For others write exp(a * log(b)).")
