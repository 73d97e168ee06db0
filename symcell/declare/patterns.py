"""Matrices of a fixed pattern: `Identity(h)` and `BlockDiagonal(U, heads)`."""

from __future__ import annotations

from typing import Any

import sympy

from symcell.declare.dimensions import dims_of
from symcell.declare.errors import CellError, cell_being_declared
from symcell.declare.matrices import ComputedMatrix, MatrixAlgebra, misuse

MAX_BLOCKS = 1_000_000


class IdentityMatrix(MatrixAlgebra, sympy.Basic):
    """The identity of a dimension. It belongs to no cell."""

    __slots__ = ()

    def __new__(cls, dim: Any) -> IdentityMatrix:
        """dim: the name of the dimension."""
        return sympy.Basic.__new__(cls, dim if isinstance(dim, sympy.Basic) else sympy.Symbol(dim))

    @property
    def codomain(self) -> str:
        """The dimension of the vectors it applies to, and gives."""
        return str(self.args[0])

    domain = codomain

    @property
    def T(self) -> IdentityMatrix:
        """The same."""
        return self

    @property
    def matrices(self) -> tuple[Any, ...]:
        """None that is declared."""
        return ()

    @property
    def free_symbols(self) -> set[Any]:
        """None: the argument is a name."""
        return set()

    def _apply(self, vector: sympy.Expr) -> sympy.Expr:
        scope = next((found._scope for found in vector.free_symbols if hasattr(found, "_scope")), None)
        if scope is not None:
            self._check(vector, dims_of(vector, f"{self} @ {vector}", scope), scope.cell)
        return vector

    def _check(self, vector: sympy.Expr, dims: tuple[str, ...], cell: str) -> None:
        if dims != (self.domain,):
            got = f"a vector of {dims[0]}" if dims else "a scalar"
            raise CellError(f"{cell}: the shapes in {self} @ {vector} do not agree: {vector} is {got}.")

    def __str__(self) -> str:
        return f"Identity({self.codomain})"


class BlockMatrix(ComputedMatrix):
    """A matrix with zeros outside of so many blocks along its diagonal. args: the matrix, the number of blocks."""

    __slots__ = ()

    @property
    def matrix(self) -> Any:
        """The declared matrix whose blocks are kept."""
        return self.args[0]

    @property
    def matrices(self) -> tuple[Any, ...]:
        """The one that is declared."""
        return (self.matrix,)

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return int(self.args[1])

    @property
    def codomain(self) -> str:
        """The dimension of its rows."""
        return str(self.matrix.codomain)

    @property
    def domain(self) -> str:
        """The dimension of its columns."""
        return str(self.matrix.domain)

    @property
    def T(self) -> BlockMatrix:
        """The transpose, which has the transposed blocks."""
        return self.func(self.matrix.T, self.args[1])

    def __str__(self) -> str:
        return f"BlockDiagonal({self.matrix}, {self.blocks})"


def identity(vector: Any) -> IdentityMatrix:
    """`Identity(h)`: the identity matrix of the dimension of a declared vector, or of the dimension of this name."""
    scope = getattr(vector, "_scope", None)
    if scope is not None and isinstance(vector, sympy.Symbol):
        return IdentityMatrix(scope.dimension(vector))
    if isinstance(vector, str):
        return IdentityMatrix(vector)
    raise CellError(f"{cell_being_declared()}Identity({vector!r}): expected a declared vector, or a dimension's name.")


def block_diagonal(matrix: Any, blocks: int) -> BlockMatrix:
    """`BlockDiagonal(U, 4)`: the matrix with zeros outside of 4 blocks along its diagonal, one per head.

    Blocks are equal where their number divides both sizes, else they differ by one row or column.
    """
    if not hasattr(matrix, "_apply") or isinstance(matrix, IdentityMatrix):
        raise CellError(f"{cell_being_declared()}BlockDiagonal({matrix}, ...) expects a declared matrix.")
    if isinstance(blocks, bool) or not isinstance(blocks, int) or not 1 <= blocks <= MAX_BLOCKS:
        raise misuse(matrix, f"BlockDiagonal({matrix}, {blocks!r}): the number of blocks is an integer of at least 1 "
                             f"and at most {MAX_BLOCKS}.")
    return BlockMatrix(matrix, sympy.Integer(blocks))
