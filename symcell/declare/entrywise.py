"""Matrices made of others, entry by entry or line by line: `U * V`, `exp(U)`, and `softmax(U, axis="columns")`.

A sum of matrices that a function takes is computed once per call as a matrix of its own. A product of matrices is
never formed, and so has no entries to take.
"""

from __future__ import annotations

from typing import Any

import sympy
from sympy.core.symbol import Str

from symcell.declare.derived import matrix_of
from symcell.declare.matrices import ComputedMatrix, MatrixAlgebra, misuse
from symcell.declare.matrix_sum import MAX_FACTORS, check_shapes, combined, single
from symcell.declare.size import check_size
from symcell.declare.symbols import ANONYMOUS, MatrixSymbol

SOFTMAX = {"columns": "softmax_columns", "rows": "softmax_rows"}  # axis -> operation
AXES = {operation: axis for axis, operation in SOFTMAX.items()}
_TURNED = {SOFTMAX["columns"]: SOFTMAX["rows"], SOFTMAX["rows"]: SOFTMAX["columns"]}  # of the transposed matrix


class Entrywise(ComputedMatrix):
    """A matrix made of others of one shape, entry by entry."""

    __slots__ = ()

    @property
    def factors(self) -> tuple[Any, ...]:
        """What it is made of."""
        return self.args

    @property
    def matrices(self) -> tuple[Any, ...]:
        """The declared matrices in it."""
        return tuple(matrix for factor in self.factors for matrix in factor.matrices)

    @property
    def codomain(self) -> str:
        """The dimension of its rows."""
        return str(self.factors[0].codomain)

    @property
    def domain(self) -> str:
        """The dimension of its columns."""
        return str(self.factors[0].domain)


class EntrywiseProduct(Entrywise):
    """The product of matrices entry by entry, as of a mask and a matrix. args: the matrices."""

    __slots__ = ()

    @property
    def T(self) -> EntrywiseProduct:
        """The transpose: the product of the transposes."""
        return self.func(*(factor.T for factor in self.args))

    def __str__(self) -> str:
        return "*".join(str(factor) for factor in self.args)


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


def product_of(left: MatrixAlgebra, right: MatrixAlgebra) -> Any:
    """Return `left * right`, entry by entry.

    Raises:
        CellError: the shapes differ, or one holds a product of matrices, whose entries are not at hand.
    """
    return combined((a * b, (_entrywise(first, second),)) for a, first in left._terms() for b, second in right._terms())


def _entrywise(left: tuple[Any, ...], right: tuple[Any, ...]) -> Any:
    """Return the product, entry by entry, of two terms of one factor each."""
    _check_single(left, right)
    check_shapes([left, right])
    parts = [part for [factor] in (left, right)
             for part in (factor.args if isinstance(factor, EntrywiseProduct) else (factor,))]
    if len(parts) > MAX_FACTORS:
        raise misuse(tuple(parts), f"an elementwise product has more than {MAX_FACTORS} factors; give its parts names "
                                   "of their own.")
    identities = not any(part.matrices for part in parts)
    return parts[0] if identities else sympy.Basic.__new__(EntrywiseProduct, *parts)


def _check_single(left: tuple[Any, ...], right: tuple[Any, ...]) -> None:
    names = [str(single([(sympy.S.One, factors)])) for factors in (left, right)]
    names = [f"({name})" if len(factors) > 1 else name for name, factors in zip(names, (left, right), strict=True)]
    for product, name in zip((left, right), names, strict=True):
        if len(product) > 1:
            raise misuse((*left, *right), f"{names[0]} * {names[1]}: the product {name} is never formed, so it has no "
                                          "entries to multiply. An elementwise product takes single matrices.")


def function_of(operation: str, matrix: MatrixAlgebra) -> EntrywiseFunction:
    """Return the matrix whose entries are made of those of another.

    Raises:
        CellError: the matrix is a product or an identity, whose entries are not at hand.
    """
    terms, found = matrix._terms(), matrix.matrices
    if not found or any(len(factors) > 1 for _, factors in terms):
        raise misuse(matrix, f"{operation}({matrix}): a product of matrices is never formed, and an identity is no "
                             "parameter: a function takes a declared matrix, or a sum of such.")
    alone = len(terms) == 1 and terms[0][0] is sympy.S.One
    scope = found[0]._scope
    operand = terms[0][1][0] if alone else matrix_of(single(terms), scope)
    check_size(operand, f"{operation}(...)", scope.cell)
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
