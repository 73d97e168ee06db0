"""Parameter gradients after the loop: the same rows of deltas serve every product and every sum that reads them."""

from __future__ import annotations

from symcell.graph.ir import BatchSum, Graph, Outer
from symcell.schedule.program import Buffer, Place, Product, RowSum


def products(graph: Graph, buffers: tuple[Buffer, ...], places: dict[str, Place]) -> tuple[Product, ...]:
    """Group the outer products by their left operand, and neighbours in memory that meet the same right ones."""
    met: dict[str, list[tuple[str, str]]] = {}  # left -> (right, out), in the order of the rights' names
    for node in graph.nodes:
        if isinstance(node, Outer):
            met.setdefault(node.left, []).append((node.right, node.out))
            met[node.left].sort(key=lambda pair: pair[0])
    columns = [value for buffer in buffers for value, _ in buffer.columns]
    groups: list[list[str]] = []
    for left in sorted(met, key=lambda left: columns.index(left) if left in columns else -1):
        last = groups[-1][-1] if groups else None
        if last is not None and _rights(met[last]) == _rights(met[left]) and _neighbours(columns, places, last, left):
            groups[-1].append(left)
        else:
            groups.append([left])
    return tuple(
        Product(tuple(lefts), _rights(met[lefts[0]]), tuple(zip(*(_outs(met[left]) for left in lefts), strict=True)))
        for lefts in groups)


def _rights(pairs: list[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(right for right, _ in pairs)


def _outs(pairs: list[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(out for _, out in pairs)


def _neighbours(columns: list[str], places: dict[str, Place], a: str, b: str) -> bool:
    return a in columns and b in columns and columns.index(b) == columns.index(a) + 1 \
        and places[a].buffer == places[b].buffer and places[a].shift == places[b].shift == 0


def row_sums(graph: Graph) -> tuple[RowSum, ...]:
    """Return the sums over batch and time."""
    return tuple(RowSum(node.out, node.operand, not graph.value(node.out).dims)
                 for node in graph.nodes if isinstance(node, BatchSum))
