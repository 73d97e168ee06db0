"""Parameter gradients after the loop: the same rows of deltas serve every product and every sum that reads them."""

from __future__ import annotations

from dataclasses import dataclass

from symcell.graph.ir import BatchSum, Graph, Outer
from symcell.graph.once import wanted_blocks
from symcell.schedule.program import Buffer, Place, Product, RowSum


def products(graph: Graph, buffers: tuple[Buffer, ...], places: dict[str, Place]) -> tuple[Product, ...]:
    """Group the outer products by their left operand, and neighbours in memory that meet the same right ones alike.

    A sum over all steps joins the group that reads its operand; else it reads the rows alone.
    """
    met = _met(graph)
    sums = [RowSum(node.out, node.operand, not graph.value(node.out).dims)
            for node in graph.nodes if isinstance(node, BatchSum)]
    alone = dict.fromkeys(total.operand for total in sums if total.operand not in met)
    groups = [*_groups(met, buffers, places), *((operand,) for operand in alone)]
    return tuple(_product(lefts, met, sums) for lefts in groups)


@dataclass(frozen=True)
class _Meeting:
    """An outer product, seen from its left operand. Outside of so many blocks of `out` it is not wanted."""

    right: str
    out: str
    blocks: int
    height: tuple[str, ...]  # dimension of the left operand

    def is_like(self, other: _Meeting) -> bool:
        """Whether one product can give both: the blocks of vectors side by side are those of equal ones."""
        return self.right == other.right and self.blocks == other.blocks and (
            self.blocks == 1 or self.height == other.height)


def _met(graph: Graph) -> dict[str, list[_Meeting]]:
    """Return the outer products by their left operands, in the order of the rights' names."""
    met: dict[str, list[_Meeting]] = {}
    for node in graph.nodes:
        if isinstance(node, Outer):
            met.setdefault(node.left, []).append(
                _Meeting(node.right, node.out, wanted_blocks(graph, node.out), graph.value(node.left).dims))
    return {left: sorted(pairs, key=lambda pair: pair.right) for left, pairs in met.items()}


def _groups(met: dict[str, list[_Meeting]], buffers: tuple[Buffer, ...],
            places: dict[str, Place]) -> list[tuple[str, ...]]:
    columns = [value for buffer in buffers for value, _ in buffer.columns]
    groups: list[tuple[str, ...]] = []
    for left in sorted(met, key=lambda left: columns.index(left) if left in columns else -1):
        last = groups[-1][-1] if groups else None
        if last is not None and _are_like(met[last], met[left]) and _neighbours(columns, places, last, left):
            groups[-1] += (left,)
        else:
            groups.append((left,))
    return groups


def _are_like(some: list[_Meeting], others: list[_Meeting]) -> bool:
    return len(some) == len(others) and all(a.is_like(b) for a, b in zip(some, others, strict=True))


def _product(lefts: tuple[str, ...], met: dict[str, list[_Meeting]], sums: list[RowSum]) -> Product:
    pairs = [met.get(left, []) for left in lefts]
    outs = tuple(zip(*([pair.out for pair in each] for each in pairs), strict=True))
    return Product(lefts, tuple(pair.right for pair in pairs[0]), outs, tuple(pair.blocks for pair in pairs[0]),
                   tuple(total for total in sums if total.operand in lefts))


def _neighbours(columns: list[str], places: dict[str, Place], a: str, b: str) -> bool:
    return a in columns and b in columns and columns.index(b) == columns.index(a) + 1 \
        and places[a].buffer == places[b].buffer and places[a].shift == places[b].shift == 0
