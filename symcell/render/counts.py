"""What a cell costs, as polynomials in its dimensions: parameters, and multiply-adds of one step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import gcd, prod

from symcell.graph.ir import Graph, MatMul, Outer
from symcell.render.latex import beside
from symcell.render.names import braced, name_of

Counts = Mapping[tuple[str, ...], int]  # {("H", "I"): 2, ("H",): 2} is 2 H I + 2 H


def parameter_counts(graph: Graph) -> Counts:
    """Count the learned numbers."""
    return Counter(tuple(sorted(value.dims)) for value in graph.with_role("param"))


def multiply_adds(graph: Graph) -> Counts:
    """Count the multiply-adds of the matrix products of one step and one sequence, those of gradients too.

    Of a matrix of blocks the zeros are counted: how many a kernel leaves out depends on its tiles.
    """
    matrices = [node.matrix if isinstance(node, MatMul) else node.out for node in graph.nodes
                if isinstance(node, (MatMul, Outer)) and not graph.is_of_sequence(node)]
    return Counter(tuple(sorted(graph.value(name).dims)) for name in matrices)


def total(counts: Counts, sizes: Mapping[str, int]) -> int:
    """Return the number for given sizes."""
    return sum(count * prod(sizes[dim] for dim in monomial) for monomial, count in counts.items())


def formula(counts: Counts, order: tuple[str, ...]) -> str:
    """Print a polynomial in the dimensions, such as 2(HI + H^2 + H): {("H", "I"): 2, ...}, in the order of `order`."""
    if not counts:
        return "0"
    factor = gcd(*counts.values())

    def key(monomial: tuple[str, ...]) -> tuple[int, list[int]]:
        return -len(monomial), sorted(order.index(dim) for dim in monomial)

    terms = [_monomial(counts[monomial] // factor, monomial) for monomial in sorted(counts, key=key)]
    if factor == 1:
        return " + ".join(terms)
    if len(terms) == 1:
        return _monomial(factor, next(iter(counts)))
    return f"{factor} ({' + '.join(terms)})"


def _monomial(factor: int, monomial: tuple[str, ...]) -> str:
    powers = {dim: monomial.count(dim) for dim in sorted(monomial)}
    factors = [str(factor)] if factor != 1 or not monomial else []
    for dim, power in powers.items():
        base = name_of(dim).latex()
        factors.append(base if power == 1 else f"{base}^{braced(str(power))}")
    return beside(*factors)
