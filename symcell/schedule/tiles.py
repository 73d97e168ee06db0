"""Tile shapes: how many rows and vectors of a product are held in registers at once.

Measured with hand-written kernels: the accumulators want to fill the registers, less a few for operands
(24 of 32, 12 of 16), and four vectors side by side use each broadcast operand four times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from symcell.schedule.program import Panel

MAX_GATES = 4  # accumulators of one panel; more are dealt out to several panels
_ROWS = {32: {1: 8, 2: 8, 3: 8, 4: 6}, 16: {1: 6, 2: 6, 3: 4, 4: 3}}  # registers -> vectors -> rows
_VECTORS = {32: 4, 16: 2}  # registers -> vectors side by side that a single accumulator is widened to


def block_vectors(panels: tuple[Panel, ...], registers: int) -> int:
    """Return V, how many vectors of lanes a block holds: several where there are few accumulators."""
    gates = max(len(panel.accumulators) for panel in panels)
    return max(1, _VECTORS[registers] // gates)


def tile_rows(panels: tuple[Panel, ...], registers: int) -> int:
    """Return R, the rows of a tile: all panels of a stage share them, and its epilogue."""
    V = block_vectors(panels, registers)
    return min(_ROWS[registers][len(panel.accumulators) * V] for panel in panels)


def deal(names: list[str]) -> list[list[str]]:
    """Deal accumulators out to panels of at most MAX_GATES, about equally."""
    parts = -(-len(names) // MAX_GATES)
    size = -(-len(names) // parts)
    return [names[k : k + size] for k in range(0, len(names), size)]
