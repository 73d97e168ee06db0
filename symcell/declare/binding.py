"""`name = value` in a class body: the assignment gives a declaration its name, and an equation or a matrix too."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any

import sympy

from symcell.declare.derived import define_matrix
from symcell.declare.errors import CellError
from symcell.declare.matrices import ComputedMatrix
from symcell.declare.matrix_sum import MatrixSum, single
from symcell.declare.members import MEMBERS, Constant, Input, Matrix, Output, Scalar, State, Vector
from symcell.declare.scope import Scope
from symcell.declare.size import check_size
from symcell.declare.spec import Parameter
from symcell.declare.symbols import MatrixSymbol, Quantity

_INITS = ("uniform", "orthogonal", "glorot", "identity", "normal")


def bind(name: str, value: Any, scope: Scope) -> Any:
    """Enter `name = value` and return what the name stands for from now on.

    Raises:
        CellError: the name cannot be used or is taken, or the value has no place in a cell.
    """
    if isinstance(value, (Quantity, MatrixSymbol)) and value in scope.named and not scope.has(name):
        return value
    if isinstance(value, sympy.Expr):
        check_size(value, name, scope.cell)
    equation = isinstance(value, sympy.Expr) and not value.is_number
    if isinstance(value, ComputedMatrix):
        value = single(value._terms())
    if equation or isinstance(value, (*MEMBERS, MatrixSum)) or scope.has(name):
        scope.check_new(name)
    if isinstance(value, MEMBERS):
        return _BIND[type(value)](name, value, scope)
    if isinstance(value, MatrixSum):
        return define_matrix(name, value, scope)
    if equation:
        return scope.define(name, value)
    _check_plain(name, value, scope)
    return value  # a number, a helper function, a transpose: plain Python


def _check_plain(name: str, value: Any, scope: Scope) -> None:
    """Refuse what looks like plain Python, and was meant as a declaration or a formula."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list, set)) else ()
    if any(isinstance(item, MEMBERS) for item in items):
        raise CellError(f"{scope.cell}: {name} holds declarations in a {type(value).__name__}; give each its own "
                        "name: a, b = State(), State(), or in a loop named(\"a_1\", State()).")
    if type(value).__module__ == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") == "O":
        raise CellError(f"{scope.cell}: {name} mixes a formula with a NumPy array; a vector of the cell is declared "
                        "as Vector, a number as Scalar or Constant.")
    if isinstance(value, type) and value in MEMBERS:
        word = value.__name__
        raise CellError(f"{scope.cell}: {name} = {word} lacks its parentheses: write {word}(...).")
    if isinstance(value, sympy.Expr) and not (value.is_real and value.is_finite):
        raise CellError(f"{scope.cell}: {name} = {value}: not a finite real number (a division by zero?).")


# --- a row per word of `members` -------------------------------------------------------------------------


def _input(name: str, declared: Input, scope: Scope) -> Quantity:
    scope.inputs[name] = scope.dimension(declared.dim)
    if not isinstance(declared.each, str) or declared.each not in ("step", "sequence"):
        raise CellError(f"{scope.cell}: {name}: each={declared.each!r} is not known; an input is given for each "
                        '"step" or for each "sequence".')
    scope.whole += [name] if declared.each == "sequence" else []
    return scope.quantity(name, (scope.inputs[name],))


def _state(name: str, declared: State, scope: Scope) -> Quantity:
    scope.states[name] = scope.dimension(declared.dim)
    return scope.quantity(name, (scope.states[name],))


def _matrix(name: str, declared: Matrix, scope: Scope) -> MatrixSymbol:
    rows, cols = scope.dimension(declared.rows), scope.dimension(declared.cols)
    symbol = MatrixSymbol(name, rows, cols, scope)
    init, learned = _init(name, declared.init, _INITS, scope), _learned(name, declared.learned, scope)
    scope.parameters[name] = Parameter(name, symbol, (rows, cols), init, learned)
    return symbol


def _vector(name: str, declared: Vector, scope: Scope) -> Quantity:
    dims = (scope.dimension(declared.dim),)
    symbol = scope.quantity(name, dims)
    init, learned = _init(name, declared.init, ("uniform",), scope), _learned(name, declared.learned, scope)
    scope.parameters[name] = Parameter(name, symbol, dims, init, learned)
    return symbol


def _scalar(name: str, declared: Scalar, scope: Scope) -> Quantity:
    symbol = scope.quantity(name, ())
    scope.parameters[name] = Parameter(name, symbol, (), _init(name, declared.init, (), scope))
    return symbol


def _constant(name: str, declared: Constant, scope: Scope) -> Quantity:
    scope.constants[name] = _number(name, declared.value, scope)
    return scope.quantity(name, ())


def _output(name: str, declared: Output, scope: Scope) -> Quantity:
    if scope.output is not None:
        raise CellError(f"{scope.cell}: {name}: a second Output; a step returns one value, here {scope.output}.")
    scope.output = name
    expression = declared.expression
    if not isinstance(expression, sympy.Expr):
        raise CellError(f"{scope.cell}: {name} = Output(...) expects a vector expression; got {expression!r}.")
    return scope.define(name, expression, vector=True)


_BIND: Mapping[type, Callable[[str, Any, Scope], Any]] = {
    Input: _input, State: _state, Matrix: _matrix, Vector: _vector, Scalar: _scalar, Constant: _constant,
    Output: _output,
}


def _learned(name: str, learned: Any, scope: Scope) -> bool:
    if not isinstance(learned, bool):
        raise CellError(f"{scope.cell}: {name}: learned={learned!r} is neither True nor False.")
    return learned


def _init(name: str, init: Any, words: tuple[str, ...], scope: Scope) -> str | float:
    if isinstance(init, str):
        if init not in words:
            raise CellError(f"{scope.cell}: {name}: init={init!r} is not known here; expected a number"
                            + (f" or one of {', '.join(words)}." if words else "."))
        return init
    return _number(name, init, scope)


def _number(name: str, value: Any, scope: Scope) -> float:
    real = isinstance(value, (numbers.Real, sympy.Number)) and not isinstance(value, bool)
    try:
        number = float(value) if real else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise CellError(f"{scope.cell}: {name}: expected a finite number, got {value!r}.")
    return number
