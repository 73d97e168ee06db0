"""Sums of matrix products inside an equation: what can share one accumulator."""

from __future__ import annotations

from collections.abc import Callable

import sympy

from symcell.graph.ir import Graph


def sums_of_products(expression: sympy.Expr, free: Callable[[str], bool]) -> list[tuple[sympy.Add, tuple[str, ...]]]:
    """Return the sums in an expression, outermost first, with the names of their terms that are `free` products.

    A product of which the expression speaks twice is no part of either sum: it has to be known by itself.
    """
    found = []
    for total in sympy.preorder_traversal(expression):
        if isinstance(total, sympy.Add):
            names = [term.name for term in total.args if isinstance(term, sympy.Symbol) and free(term.name)
                     and expression.count(term) == 1]
            found.append((total, tuple(names)))
    return found


def is_read_once(graph: Graph, name: str) -> bool:
    """Whether one node reads a value, and nobody else: a caller may ask to record what the author has named."""
    return graph.value(name).anonymous and len(list(graph.consumers(name))) == 1
