"""Matrices of a fixed pattern: `Identity(h)` and `BlockDiagonal(U, heads)`."""

from __future__ import annotations

from typing import Any

import sympy

from symcell.declare.errors import CellError, cell_being_declared
from symcell.declare.matrices import BlockMatrix, IdentityMatrix, misuse

MAX_BLOCKS = 1_000_000


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
