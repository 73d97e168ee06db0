"""Sums in a loop that begin before it: in W x + U h, W x is known as soon as x is.

The product with x is then the first part of the same accumulator, and there are two ways to compute it, with the same
bits: in the step, in one tile with U h, which saves a way through memory; or for all steps of a chunk at once, which
reads W once for all of them, where a step has few rows or the weights leave the cache. The runtime chooses by size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import sympy

from symcell.graph.ir import Graph, Map, MatMul


@dataclass(frozen=True)
class _Sum:
    """Products that one accumulator sums: with what a loop computes, and with what is known before."""

    looped: tuple[MatMul, ...]
    known: tuple[MatMul, ...]


def join(graph: Graph, phases: dict[str, int], saved: Collection[str]) -> dict[str, int]:
    """Return the phases, with products moved into the loop where a sum with a product of the loop goes on from them.

    Products that share an operand share its loads, in one panel; so all of them begin with the same, or none does.
    """
    moved = dict(phases)
    for number in {phase for phase in phases.values() if phase % 2}:
        panels: dict[tuple[str, ...], list[_Sum]] = defaultdict(list)
        for found in _sums(graph, phases, number, saved):
            panels[_operands(found.looped)].append(found)
        for sums in panels.values():
            if len({_operands(found.known) for found in sums}) == 1:
                moved |= {product.out: number for found in sums for product in found.known}
    return moved


def _operands(products: Iterable[MatMul]) -> tuple[str, ...]:
    """Return what is multiplied, in an order of its own: a panel has one for all of its sums."""
    return tuple(sorted(product.operand for product in products))


def _sums(graph: Graph, phases: dict[str, int], number: int, saved: Collection[str]) -> Iterator[_Sum]:
    """Yield the accumulators of a loop."""
    ends: dict[str, list[MatMul]] = defaultdict(list)
    for node in graph.nodes:
        if isinstance(node, MatMul) and phases.get(node.out) == number:
            reader = _only_in_sum(graph, node, saved)
            ends[reader.out if reader and phases.get(reader.out) == number else node.out].append(node)
    for end, looped in ends.items():
        known = (node for node in _summands(graph, end) if 0 <= phases[node.out] < number and not phases[node.out] % 2
                 and _only_in_sum(graph, node, saved))
        yield _Sum(tuple(looped), tuple(known))


def _summands(graph: Graph, name: str) -> list[MatMul]:
    """Return the products that are terms of a sum, in the order in which they are computed."""
    node = graph.producer(name)
    terms = set(sympy.Add.make_args(node.expression)) if isinstance(node, Map) else set()
    names = {term.name for term in terms if isinstance(term, sympy.Symbol)}
    return [node for node in graph.nodes if isinstance(node, MatMul) and node.out in names]


def _only_in_sum(graph: Graph, node: MatMul, saved: Collection[str]) -> Map | None:
    """Return the sum of which a product is a term, if nothing else needs the product."""
    readers = list(graph.consumers(node.out))
    if len(readers) != 1 or not graph.value(node.out).anonymous or node.out in saved:
        return None
    reader = readers[0]
    return reader if isinstance(reader, Map) and node in _summands(graph, reader.out) else None
