"""Matrices made of another one, entry by entry or line by line: `exp(U)`, and `softmax(U, axis="columns")`.

A sum of matrices that such a function takes is computed once per call as a matrix of its own. A product of matrices is
never formed, and so has no entries to take.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy.core.symbol import Str

from symcell.declare.matrices import Entrywise, MatrixAlgebra, declared, misuse
from symcell.declare.size import check_size
from symcell.declare.symbols import ANONYMOUS, MatrixSymbol

SOFTMAX = {"columns": "softmax_columns", "rows": "softmax_rows"}  # axis -> operation
AXES = {operation: axis for axis, operation in SOFTMAX.items()}
_TURNED = {SOFTMAX["columns"]: SOFTMAX["rows"], SOFTMAX["rows"]: SOFTMAX["columns"]}  # of the transposed matrix


class EntrywiseFunction(Entrywise):
    """A function of the entries of a matrix. args: the name of the operation, the matrix."""

    __slots__ = ()

    @property
    def operation(self) -> str:
        """The name of a function of the table, or one of SOFTMAX."""
        return str(self.args[0])

    @property
    def factors(self) -> tuple[Any, ...]:
        """The matrix."""
        return self.args[1:]

    @property
    def T(self) -> EntrywiseFunction:
        """The transpose: the same of the transposed matrix."""
        return self.func(Str(_TURNED.get(self.operation, self.operation)), self.args[1].T)

    def __str__(self) -> str:
        text, inner = str(self.args[1]), self.args[1]
        if isinstance(inner, MatrixSymbol) and inner.name.startswith(ANONYMOUS) and not inner.transposed:
            text = text.removeprefix("(").removesuffix(")")  # a sum, which comes in parentheses of its own
        axis = AXES.get(self.operation)
        return f'softmax({text}, axis="{axis}")' if axis else f"{self.operation}({text})"

    __repr__ = __str__


def function_of(operation: str, matrix: MatrixAlgebra) -> EntrywiseFunction:
    """Return the matrix whose entries are made of those of another.

    Raises:
        CellError: the matrix is a product or an identity, whose entries are not at hand.
    """
    terms = matrix._terms()
    found = declared(factor for _, factors in terms for factor in factors)
    if not found or any(len(factors) > 1 for _, factors in terms):
        raise misuse(matrix, f"{operation}({matrix}): a product of matrices is never formed, and an identity is no "
                             "parameter: a function takes a declared matrix, or a sum of such.")
    alone = len(terms) == 1 and terms[0][0] is sympy.S.One
    operand = terms[0][1][0] if alone else found[0]._scope.matrix_of(matrix)
    check_size(operand, f"{operation}(...)", found[0]._scope.cell)
    return EntrywiseFunction(Str(operation), operand)


def softmax_of(matrix: MatrixAlgebra, axis: Any) -> EntrywiseFunction:
    """Return the softmax of each of the columns, or rows, of a matrix.

    Raises:
        CellError: the axis is neither.
    """
    if not isinstance(axis, str) or axis not in SOFTMAX:
        raise misuse(matrix, f"softmax({matrix}, axis={axis!r}): of a matrix it is that of each of its columns, which "
                             'then sum to 1, or of each of its rows: axis="columns" or axis="rows".')
    return function_of(SOFTMAX[axis], matrix)
