"""Symbols of a graph: names of values, and in what is computed once per call also transposes and the identity."""

from __future__ import annotations

import sympy

TRANSPOSED = ".T"  # behind a matrix's name: with a dot no author's name can collide
EYE = "identity."


def symbol(name: str) -> sympy.Symbol:
    """Return the symbol that stands for a value in an expression."""
    return sympy.Symbol(name, real=True)


def base(name: str) -> str:
    """Return the name of the value itself, without its transposition."""
    return name.removesuffix(TRANSPOSED)
