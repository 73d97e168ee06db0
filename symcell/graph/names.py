"""Symbols of a graph: names of values; in what is computed once per call also transposes, patterns, repetitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

TRANSPOSED = ".T"  # behind a matrix's name: with a dot no author's name can collide
DOWN = ".down"  # behind a vector's name: the matrix whose columns are all this vector, entry (i, j) is v[i]
ACROSS = ".across"  # the matrix whose rows are all this vector: entry (i, j) is v[j]
EYE = "identity."
SIZE, INDEX = "size.of.", "index.of."  # with a dimension: how many components its vectors have, and 0, 1, 2, ...
BLOCKS = "blocks.of."  # with a number: so many blocks along the diagonal


def dim_of(name: str) -> str:
    """Return the dimension in the name of a size or of indices."""
    return name.removeprefix(SIZE).removeprefix(INDEX)


def symbol(name: str) -> sympy.Symbol:
    """Return the symbol that stands for a value in an expression."""
    return sympy.Symbol(name, real=True)


def base(name: str) -> str:
    """Return the name of the value itself, without its transposition or repetition."""
    if name.startswith((SIZE, INDEX)):  # of a dimension that may be called "down"
        return name
    return name.removesuffix(TRANSPOSED).removesuffix(DOWN).removesuffix(ACROSS)


def is_repeated(name: str) -> bool:
    """Whether a symbol is the matrix that repeats a vector."""
    return name.endswith((DOWN, ACROSS)) and base(name) != name


def mirror(name: str) -> str:
    """Return the name of the transpose of a matrix."""
    if is_repeated(name):
        return base(name) + (ACROSS if name.endswith(DOWN) else DOWN)
    return base(name) if name.endswith(TRANSPOSED) else name + TRANSPOSED


def seen(name: str, array: Any) -> Any:
    """Return what a symbol stands for, given the array of its value, of any library: it broadcasts to a matrix."""
    if is_repeated(name) and name.endswith(DOWN):
        return array[:, None]
    return array.T if name.endswith(TRANSPOSED) else array


def is_pattern(name: str) -> bool:
    """Whether a symbol is a matrix of ones and zeros, of the shape of the expression that it stands in."""
    return name == EYE or name.startswith(BLOCKS)


def pattern(name: str, rows: int, cols: int) -> Any:
    """Return a pattern as integers. Blocks are equal where their number divides rows and columns, else nearly so."""
    if name == EYE:
        return np.eye(rows, cols, dtype=int)
    count = int(name.removeprefix(BLOCKS))
    return np.equal.outer(np.arange(rows) * count // rows, np.arange(cols) * count // cols).astype(int)
