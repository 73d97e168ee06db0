"""The dimensions of a formula, and the refusal of shapes that do not agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from symcell.declare.errors import CellError
from symcell.declare.reductions import Reduction, dims_of_reduction
from symcell.declare.symbols import ROW, Apply

if TYPE_CHECKING:
    from symcell.declare.scope import Scope


def dims_of(formula: sympy.Basic, name: str, scope: Scope) -> tuple[str, ...]:
    """() of a scalar formula, (dim,) of a vector one, (ROW,) of a number per row.

    Raises:
        CellError: vectors of different dimensions meet, or a matrix meets a vector of the wrong one.
    """
    if isinstance(formula, sympy.Symbol):
        return scope.dims_of_symbol(formula)
    if isinstance(formula, Apply):
        return _dims_of_apply(formula, name, scope)
    if isinstance(formula, Reduction):
        return dims_of_reduction(formula, dims_of(formula.vector, name, scope), f"{scope.cell}: {name}")
    found: dict[tuple[str, ...], sympy.Basic] = {}
    for argument in formula.args:
        dims = dims_of(argument, name, scope)
        if dims:
            found.setdefault(dims, argument)
    if len(found) > 1:
        found.pop((ROW,), None)  # a number per row meets each component of a vector
    if len(found) > 1:
        parts = " and ".join(f"{argument} is a vector of {dims[0]}" for dims, argument in found.items())
        raise CellError(f"{scope.cell}: {name}: the shapes in {formula} do not agree: {parts}.")
    return next(iter(found), ())


def is_vector(dims: tuple[str, ...]) -> bool:
    """Whether these are the dimensions of a vector, and of no number."""
    return dims not in ((), (ROW,))


def describe(dims: tuple[str, ...]) -> str:
    """Return what has these dimensions, for error messages."""
    return f"a vector of {dims[0]}" if is_vector(dims) else "a scalar"


def _dims_of_apply(formula: Apply, name: str, scope: Scope) -> tuple[str, ...]:
    matrix = formula.matrix
    if matrix._scope is not scope:
        raise CellError(f"{scope.cell}: {name}: the matrix {matrix} belongs to the cell {matrix._scope.cell}.")
    dims = dims_of(formula.vector, name, scope)
    if dims != (matrix.domain,):
        got = describe(dims)
        raise CellError(
            f"{scope.cell}: {name}: the shapes in {formula} do not agree: {matrix} is ({matrix.codomain}, "
            f"{matrix.domain}) and applies to vectors of {matrix.domain}; {formula.vector} is {got}.")
    return (matrix.codomain,)
