"""Matrices of a declaration -> expressions of an entry, and the nodes that these need."""

from __future__ import annotations

from typing import Any

import sympy

from symcell.declare.entrywise import AXES, Entrywise, EntrywiseFunction
from symcell.declare.functions import FUNCTIONS, exp
from symcell.declare.patterns import BlockMatrix, IdentityMatrix
from symcell.graph.builder import Builder, symbol
from symcell.graph.names import ACROSS, BLOCKS, DOWN, EYE, TRANSPOSED, base
from symcell.graph.once import reduced_dims


def entry(build: Builder, factor: Any, name: str, anonymous: bool) -> sympy.Expr:
    """Return the expression of an entry of a single matrix, in the equation of this name, which is not its author's."""
    if isinstance(factor, IdentityMatrix):
        return symbol(EYE)
    if isinstance(factor, BlockMatrix):
        return symbol(f"{BLOCKS}{factor.blocks}") * entry(build, factor.matrix, name, anonymous)
    if isinstance(factor, Entrywise):
        entries = [entry(build, part, name, anonymous) for part in factor.factors]
        if not isinstance(factor, EntrywiseFunction):
            return sympy.Mul(*entries)
        if factor.operation in AXES:
            dims = factor.codomain, factor.domain
            return _softmax(build, entries[0], dims, AXES[factor.operation], name.replace(".", "_"), anonymous)
        return FUNCTIONS[factor.operation](*entries)
    return symbol(factor.name + TRANSPOSED * factor.transposed)


def _softmax(build: Builder, matrix: sympy.Expr, dims: tuple[str, ...], axis: str, name: str,
             anonymous: bool) -> sympy.Expr:
    """Return weight / sum, the weights e_R and their sums s_R of the equation for R being values of their own.

    In an equation without a name they are named after the matrix. The maximum that is subtracted first keeps exp from
    overflow and changes nothing, so it is not differentiated.
    """
    if anonymous and isinstance(matrix, sympy.Symbol) and not build.values[base(matrix.name)].anonymous:
        name, anonymous = base(matrix.name), False
    along, repeated = reduced_dims(axis, dims), ACROSS if axis == "columns" else DOWN
    largest = build.once(build.fresh(f"m_{name}"), matrix, along, anonymous, over=axis, kind="shift")
    weights = build.once(build.fresh(f"e_{name}"), exp(matrix - symbol(largest + repeated)), dims, anonymous)
    sums = build.once(build.fresh(f"s_{name}"), symbol(weights), along, anonymous, over=axis)
    return symbol(weights) / symbol(sums + repeated)
