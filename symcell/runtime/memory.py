"""Memory of a run: aligned arrays for the buffers that a generated module asks for."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from sys import getrefcount
from typing import Any, NamedTuple

import numpy as np

from symcell.runtime.arguments import Array, Sizes, check_bytes

LINE = 64  # bytes of a cache line: vector loads that cross one cost twice
CHUNK_BYTES = 512 * 1024  # what one chunk of steps may write between the loop and its batch phases: half of an L2
_FIXED = {"ring": 2, "step": 1, "sequence": 1}
ROW = "1"  # the dimension of a number per row
KEEP_BYTES = 32 * 1024 * 1024  # a larger array is given back at once, so that a kernel does not sit on much memory
GAP = 0  # numbers between the buffers of a block, beyond whole lines: tests put guards there
CHUNK_ROWS = 128  # rows that make a matrix product worth its packed weights
STEP_ROWS = 3  # and rows of a step that make one with what is known before worth being done in the step,
STEP_BYTES = 16 * 1024 * 1024  # where the weights stay in a cache


def empty(shape: tuple[int, ...], dtype: np.dtype[Any], what: str, zero: bool = False) -> Array:
    """Return an uninitialised (or zeroed) C-contiguous array that starts on a cache line."""
    count = 1
    for size in shape:
        count *= size
    size = count * dtype.itemsize
    check_bytes(size + LINE, what)
    raw = np.zeros(size + LINE, np.uint8) if zero else np.empty(size + LINE, np.uint8)
    start = -raw.__array_interface__["data"][0] % LINE
    return np.ndarray(shape, dtype, raw, start)


def _alone() -> tuple[int, int]:
    """Return the references to an array that only a list holds, and to its memory, as Pool counts them.

    Python versions differ. A tracer that looked at this frame's variables would hold the array too, and be counted.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        for array in [np.ndarray((1,), np.uint8, np.empty(1, np.uint8))]:
            return getrefcount(array), getrefcount(array.base)
    finally:
        sys.settrace(tracer)
    raise AssertionError


ARRAY_ALONE, MEMORY_ALONE = _alone()


class Wanted(NamedTuple):
    """Memory that is asked of a pool, uninitialised or zeroed.

    purpose: whose earlier memory may be used again. largest: bytes of the largest part, where it is a block that stands
    for several arrays.
    """

    purpose: str
    shape: tuple[int, ...]
    what: str
    zero: bool = False
    largest: int = 0


class Pool:
    """Arrays of a kernel's earlier calls that nobody holds any more, for its next calls.

    Fresh memory costs a page fault per 4 KiB, in small cells more than the arithmetic that fills it. An array is
    free when nothing but the pool refers to its memory: results and their views that a caller keeps are never
    handed out again. Arrays with more than KEEP_BYTES for one buffer are not kept, and two for each purpose at most:
    the run of the last step of a training loop lives until the next one's is there.
    """

    def __init__(self, dtype: np.dtype[Any]) -> None:
        """Start without any array."""
        self._dtype = dtype
        self._kept: dict[str, list[Array]] = {}

    def take(self, wanted: Iterable[Wanted]) -> list[Array]:
        """Return memory for each purpose, as `empty` does."""
        found = []
        for purpose, shape, what, zero, largest in wanted:
            for array in self._kept.get(purpose, ()):
                if array.shape == shape and getrefcount(array) == ARRAY_ALONE \
                        and getrefcount(array.base) == MEMORY_ALONE:
                    if zero:
                        array.fill(0)
                    break
            else:
                array = empty(shape, self._dtype, what, zero)
                if (largest or array.nbytes) <= KEEP_BYTES:
                    self._kept[purpose] = [*self._kept.get(purpose, ())[-1:], array]
            found.append(array)
        return found

    def empty(self, purpose: str, shape: tuple[int, ...], what: str, zero: bool = False) -> Array:
        """Return one array."""
        return self.take([Wanted(purpose, shape, what, zero)])[0]

    def copy(self, purpose: str, value: Array, what: str) -> Array:
        """Return a contiguous copy."""
        [array] = self.take([Wanted(purpose, value.shape, what)])
        array[...] = value
        return array


def width(dims: Iterable[str], sizes: Sizes) -> int:
    """Return the length of a row."""
    return sum(1 if dim == ROW else sizes[dim] for dim in dims)


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


def in_steps(sizes: Sizes, weights: int) -> bool:
    """Whether sums are begun in the steps, and not for all steps of a chunk at once. weights: bytes of packed ones.

    Those of a single step have to be: its weights are packed block by block, just before the step uses each.
    """
    return sizes["T"] == 1 or (sizes["B"] >= STEP_ROWS and weights <= STEP_BYTES)


def panel_shape(panel: Mapping[str, Any], sizes: Sizes, dtype: np.dtype[Any]) -> tuple[int]:
    """Return the length of a packed panel: its lanes fill whole cache lines."""
    line = LINE // dtype.itemsize
    lanes = -(-sizes[panel["lanes"]] // line) * line
    return (panel["gates"] * lanes * width(panel["K"], sizes),)
