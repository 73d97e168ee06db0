"""Parameter gradients after the loop: one GEMM per right operand, one row sum per bias."""

from __future__ import annotations

from collections import defaultdict

from symcell.graph.ir import BatchSum, Graph, Outer
from symcell.schedule.program import Buffer, Place, Product, RowSum


def products(graph: Graph, buffers: tuple[Buffer, ...], places: dict[str, Place]) -> tuple[Product, ...]:
    """Group the outer products by their right operand, and neighbours on the left into one GEMM."""
    columns = [value for buffer in buffers for value, _ in buffer.columns]
    groups: dict[str, list[Outer]] = defaultdict(list)
    for node in graph.nodes:
        if isinstance(node, Outer):
            groups[node.right].append(node)
    result = []
    for right, nodes in groups.items():
        nodes = sorted(nodes, key=lambda n: columns.index(n.left) if n.left in columns else -1)
        for run in _neighbours(nodes, columns, places):
            outs = tuple((node.out, graph.value(node.out).dims[0]) for node in run)
            result.append(Product(outs, tuple(node.left for node in run), right))
    return tuple(result)


def _neighbours(nodes: list[Outer], columns: list[str], places: dict[str, Place]) -> list[list[Outer]]:
    result: list[list[Outer]] = []
    for node in nodes:
        last = result[-1][-1].left if result else None
        follows = last in columns and node.left in columns \
            and columns.index(node.left) == columns.index(last) + 1 and _same_buffer(places, last, node.left)
        if follows:
            result[-1].append(node)
        else:
            result.append([node])
    return result


def _same_buffer(places: dict[str, Place], a: str, b: str) -> bool:
    return places[a].buffer == places[b].buffer and places[a].shift == places[b].shift == 0


def row_sums(graph: Graph) -> tuple[RowSum, ...]:
    """Return the sums over batch and time."""
    return tuple(RowSum(node.out, node.operand, not graph.value(node.out).dims)
                 for node in graph.nodes if isinstance(node, BatchSum))
