"""Matrices made entry by entry of others: `exp(U)`, `M * U`, and `softmax(U, axis="columns")`.

What such an operation takes is a matrix with a name, or a sum of matrices, which then is computed once per call as a
matrix of its own. A product of matrices is never formed, and so has no entries to take.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy.core.symbol import Str

from symcell.declare.matrices import MatrixAlgebra, MatrixSum, misuse, single

PRODUCT = "*"
SOFTMAX = {"columns": "softmax columns", "rows": "softmax rows"}  # axis -> operation
_TURNED = {SOFTMAX["columns"]: SOFTMAX["rows"], SOFTMAX["rows"]: SOFTMAX["columns"]}  # of the transposed matrix


class EntryMatrix(MatrixAlgebra, sympy.Basic):
    """An operation on the entries of matrices of one shape. args: its name, and the matrices, each with a name."""

    __slots__ = ()
    _dense = True

    @property
    def operation(self) -> str:
        """The name of a function of the table, PRODUCT, or one of SOFTMAX."""
        return str(self.args[0])

    @property
    def operands(self) -> tuple[Any, ...]:
        """The matrices, declared or computed once per call."""
        return self.args[1:]

    _parts = operands

    @property
    def _scope(self) -> Any:
        return self.operands[0]._scope

    @property
    def codomain(self) -> str:
        """The dimension of its rows."""
        return str(self.operands[0].codomain)

    @property
    def domain(self) -> str:
        """The dimension of its columns."""
        return str(self.operands[0].domain)

    @property
    def T(self) -> EntryMatrix:
        """The transpose: the same of the transposed matrices."""
        operation = _TURNED.get(self.operation, self.operation)
        return self.func(Str(operation), *(operand.T for operand in self.operands))

    def __str__(self) -> str:
        texts = [str(operand) for operand in self.operands]
        if self.operation == PRODUCT:
            return " * ".join(texts)
        word, _, axis = self.operation.partition(" ")
        inner = texts[0][1:-1] if texts[0].startswith("(") and texts[0].endswith(")") else texts[0]
        return f'{word}({inner}, axis="{axis}")' if axis else f"{word}({inner})"

    __repr__ = __str__

    def _sympystr(self, printer: Any) -> str:
        return str(self)


def entrywise(operation: str, *matrices: MatrixAlgebra) -> EntryMatrix:
    """Return the matrix whose entries are made of those of the given ones.

    Raises:
        CellError: a matrix is a product or an identity, whose entries are not at hand, or the shapes differ.
    """
    operands = [_operand(matrix) for matrix in matrices]
    shapes = [f"({operand.codomain}, {operand.domain})" for operand in operands]
    if len(set(shapes)) > 1:
        raise misuse(tuple(operands), f"{operands[0]} * {operands[1]}: an elementwise product of matrices of two shapes: "
                                      f"{shapes[0]} and {shapes[1]}. The product of two matrices is @.")
    return EntryMatrix(Str(operation), *operands)


def softmax_of(matrix: MatrixAlgebra, axis: Any) -> EntryMatrix:
    """Return the softmax of each of the columns, or rows, of a matrix.

    Raises:
        CellError: the axis is neither.
    """
    if axis not in SOFTMAX:
        raise misuse(matrix, f"softmax({matrix}, axis={axis!r}): of a matrix it is that of each of its columns, which "
                             'then sum to 1, or of each of its rows: axis="columns" or axis="rows".')
    return entrywise(SOFTMAX[axis], matrix)


def _operand(matrix: MatrixAlgebra) -> Any:
    """Return a matrix that has a name, or one that is computed once per call."""
    if hasattr(matrix, "name"):
        return matrix
    terms = matrix._terms()
    parts = [part for _, factors in terms for factor in factors for part in factor._parts]
    if not parts or any(len(factors) > 1 for _, factors in terms):
        raise misuse(matrix, f"{matrix} is a product or an identity, and is not formed: functions and elementwise "
                             "products take declared matrices and sums of these.")
    return parts[0]._scope.matrix_of(matrix if isinstance(matrix, MatrixSum) else single(terms))
