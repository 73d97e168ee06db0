"""Symbols of a graph: names of values, and in what is computed once per call also transposes and patterns."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy

TRANSPOSED = ".T"  # behind a matrix's name: with a dot no author's name can collide
EYE = "identity."
BLOCKS = "blocks."  # with a number: so many blocks along the diagonal


def symbol(name: str) -> sympy.Symbol:
    """Return the symbol that stands for a value in an expression."""
    return sympy.Symbol(name, real=True)


def base(name: str) -> str:
    """Return the name of the value itself, without its transposition."""
    return name.removesuffix(TRANSPOSED)


def is_pattern(name: str) -> bool:
    """Whether a symbol is a matrix of ones and zeros, of the shape of the expression that it stands in."""
    return name == EYE or name.startswith(BLOCKS)


def pattern(name: str, rows: int, cols: int) -> Any:
    """Return a pattern as integers. Blocks are equal where their number divides rows and columns, else nearly so."""
    if name == EYE:
        return np.eye(rows, cols, dtype=int)
    count = int(name.removeprefix(BLOCKS))
    return np.equal.outer(np.arange(rows) * count // rows, np.arange(cols) * count // cols).astype(int)
