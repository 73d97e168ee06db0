"""Memory of a run: aligned arrays for the buffers that a generated module asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from symcell.runtime.arguments import Array, Sizes, check_bytes

LINE = 64  # bytes of a cache line: vector loads that cross one cost twice
CHUNK_BYTES = 512 * 1024  # what one chunk of steps may write between the loop and its batch phases: half of an L2
_FIXED = {"ring": 2, "step": 1}
CHUNK_ROWS = 128  # rows that make a matrix product worth its packed weights


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], what: str, zero: bool = False) -> Array:
    """Return an uninitialised (or zeroed) C-contiguous array that starts on a cache line."""
    count = 1
    for size in shape:
        count *= size
    size = count * dtype.itemsize
    check_bytes(size + LINE, what)
    raw = np.zeros(size + LINE, np.uint8) if zero else np.empty(size + LINE, np.uint8)
    start = -raw.__array_interface__["data"][0] % LINE
    return np.ndarray(shape, dtype, raw, start)  # a third of the time of a slice, a view and a reshape


def width(dims: Iterable[str], sizes: Sizes) -> int:
    """Return the length of a row."""
    return sum(sizes[dim] for dim in dims)


def slots(kind: str, sizes: Sizes) -> int:
    """Return how many steps a buffer of this kind holds."""
    if kind in _FIXED:
        return _FIXED[kind]
    return sizes[".chunk"] if kind == "chunk" else sizes["T"] + (kind == "history")


def chunk_steps(dims: Iterable[str], sizes: Sizes, itemsize: int) -> int:
    """Return how many steps to treat together, for rows of these dimensions."""
    T, B = max(sizes["T"], 1), max(sizes["B"], 1)
    row = max(width(dims, sizes), 1) * itemsize
    return min(T, max(CHUNK_BYTES // (B * row), -(-CHUNK_ROWS // B), 1))


def panels(layout: Mapping[str, Any], sizes: Sizes, dtype: np.dtype[Any]) -> dict[str, Array]:
    """Return memory for the packed weights of a pass."""
    line = LINE // dtype.itemsize
    result = {}
    for name, panel in layout.items():
        lanes = -(-sizes[panel["lanes"]] // line) * line
        result[name] = empty((panel["gates"] * lanes * width(panel["K"], sizes),), dtype, f"packed weights {name}")
    return result
