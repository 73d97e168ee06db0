"""Matrices that are computed once per call, of parameters and constants: `A = U - a * V.T`, with a name or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy

from symcell.declare.dimensions import dims_of, is_vector
from symcell.declare.errors import CellError
from symcell.declare.formula import normalise
from symcell.declare.spec import Equation
from symcell.declare.static import is_static
from symcell.declare.symbols import ANONYMOUS, MatrixSymbol

if TYPE_CHECKING:
    from symcell.declare.matrix_sum import MatrixSum
    from symcell.declare.scope import Scope


def define_matrix(name: str, value: MatrixSum, scope: Scope) -> Any:
    """Enter `name = value` and return the matrix; products, and identities alone, stay an abbreviation."""
    if not value.matrices or any(len(factors) > 1 for _, factors in value._terms()):
        return value
    terms = [sympy.Tuple(checked_coefficient(c, value, scope), *factors) for c, factors in value._terms()]
    for matrix in value.matrices:
        if matrix._scope is not scope:
            raise CellError(f"{scope.cell}: {name}: the matrix {matrix} belongs to the cell {matrix._scope.cell}.")
    dims = value.codomain, value.domain
    symbol = MatrixSymbol(name, *dims, scope)
    scope.equations[name] = Equation(name, symbol, value.func(*terms), dims)
    return symbol


def matrix_of(value: MatrixSum, scope: Scope) -> MatrixSymbol:
    """Return the matrix that a sum without a name is; the same sum is computed once."""
    if value not in scope.sums:
        scope.count(value, "a matrix")
        scope.sums[value] = define_matrix(f"{ANONYMOUS}{len(scope.sums) + 1}", value, scope)
    return scope.sums[value]


def checked_coefficient(value: sympy.Expr, matrix: Any, scope: Scope) -> sympy.Expr:
    """Return what stands in front of a matrix, if it is a scalar of parameters and constants.

    Raises:
        CellError: it is a vector, or known only at each step.
    """
    formula = normalise(value, str(matrix), scope)
    if value.is_number:
        return formula
    if is_vector(dims_of(formula, str(matrix), scope)) or not is_static(formula, scope):
        raise CellError(f"{scope.cell}: in {matrix} the factor {formula} is no scalar of parameters and constants; "
                        f"a vector multiplies the result: {formula} * (A @ v).")
    return formula
