"""Parameter gradients after the loop: the same rows of deltas serve every product and every sum that reads them."""

from __future__ import annotations

from symcell.graph.ir import BatchSum, Graph, Outer
from symcell.graph.once import diagonal_blocks
from symcell.schedule.program import Buffer, Place, Product, RowSum


def products(graph: Graph, buffers: tuple[Buffer, ...], places: dict[str, Place]) -> tuple[Product, ...]:
    """Group the outer products by their left operand, and neighbours in memory that meet the same right ones.

    A sum over all steps joins the group that reads its operand; else it reads the rows alone.
    """
    met = _met(graph)
    sums = [RowSum(node.out, node.operand, not graph.value(node.out).dims)
            for node in graph.nodes if isinstance(node, BatchSum)]
    alone = dict.fromkeys(total.operand for total in sums if total.operand not in met)
    groups = [*_groups(met, buffers, places), *((operand,) for operand in alone)]
    return tuple(_product(graph, lefts, met, sums) for lefts in groups)


def _met(graph: Graph) -> dict[str, list[tuple[str, str]]]:
    """Return left -> (right, out) of the outer products, in the order of the rights' names."""
    met: dict[str, list[tuple[str, str]]] = {}
    for node in graph.nodes:
        if isinstance(node, Outer):
            met.setdefault(node.left, []).append((node.right, node.out))
    return {left: sorted(pairs, key=lambda pair: pair[0]) for left, pairs in met.items()}


def _groups(met: dict[str, list[tuple[str, str]]], buffers: tuple[Buffer, ...],
            places: dict[str, Place]) -> list[tuple[str, ...]]:
    columns = [value for buffer in buffers for value, _ in buffer.columns]
    groups: list[tuple[str, ...]] = []
    for left in sorted(met, key=lambda left: columns.index(left) if left in columns else -1):
        last = groups[-1][-1] if groups else None
        if last is not None and _rights(met[last]) == _rights(met[left]) and _neighbours(columns, places, last, left):
            groups[-1] += (left,)
        else:
            groups.append((left,))
    return groups


def _product(graph: Graph, lefts: tuple[str, ...], met: dict[str, list[tuple[str, str]]],
             sums: list[RowSum]) -> Product:
    pairs = [met.get(left, []) for left in lefts]
    outs = tuple(zip(*([out for _, out in each] for each in pairs), strict=True))
    blocks = tuple(_blocks(graph, lefts, each) for each in outs)
    return Product(lefts, _rights(pairs[0]), outs, blocks, tuple(total for total in sums if total.operand in lefts))


def _blocks(graph: Graph, lefts: tuple[str, ...], outs: tuple[str, ...]) -> int:
    """Return the blocks of the matrices whose gradients are these, where they are all alike in that and in height."""
    matrices = [name for out in outs for name, adjoint in graph.adjoints.items() if adjoint == out]
    blocks, dims = {diagonal_blocks(graph, name) for name in matrices}, {graph.value(left).dims for left in lefts}
    return blocks.pop() if len(blocks) == len(dims) == 1 else 1


def _rights(pairs: list[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(right for right, _ in pairs)


def _neighbours(columns: list[str], places: dict[str, Place], a: str, b: str) -> bool:
    return a in columns and b in columns and columns.index(b) == columns.index(a) + 1 \
        and places[a].buffer == places[b].buffer and places[a].shift == places[b].shift == 0
