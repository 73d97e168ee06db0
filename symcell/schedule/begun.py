"""Sums in a loop that begin before it: in W x + U h, W x is known as soon as x is.

The product with x is then the first part of the same accumulator, and there are two ways to compute it, with the same
bits: in the step, in one tile with U h, which saves a way through memory; or for all steps of a chunk at once, which
reads W once for all of them, where a step has few rows or the weights leave the cache. The runtime chooses by size.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from symcell.graph.ir import Graph, Map, MatMul
from symcell.schedule.summands import is_read_once, sums_of_products


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
    products = {node.out: node for node in graph.nodes if isinstance(node, MatMul)}
    alone = {name: node for name, node in products.items() if phases.get(name) == number}

    def free(name: str) -> bool:
        return name in products and name not in saved and is_read_once(graph, name)

    for node in graph.nodes:
        if isinstance(node, Map) and phases.get(node.out) == number:
            for _, names in sums_of_products(node.expression, free):
                terms = [product for name, product in products.items() if name in names]  # as they are computed
                looped = tuple(product for product in terms if phases[product.out] == number)
                before = range(0, number, 2)
                known = (product for product in terms if phases[product.out] in before)
                if looped:
                    yield _Sum(looped, tuple(known))
                for product in looped:
                    del alone[product.out]
    for product in alone.values():
        yield _Sum((product,), ())
