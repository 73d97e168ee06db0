"""Plans: what a pass needs for some sizes, worked out once for each, so that a call has little left to do.

What a caller gets has an array of its own, so that whoever keeps y does not keep the tape. What backward needs besides
lies in one block, and what only the pass itself needs in another.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, NamedTuple

import numpy as np

from symcell.runtime import memory
from symcell.runtime.arguments import Array, Sizes, check_bytes
from symcell.runtime.memory import Wanted

TAPE, SCRATCH = ".tape", ".scratch"  # with a dot no author's name can collide
KINDS = ("all", "history", "ring", "chunk", "step", "sequence")  # as symcell.runtime.native counts them
Shape = tuple[int, int, int]
Columns = tuple[str, int, tuple[str, ...], tuple[str, ...]]  # buffer, slots left out, dimensions before, dimensions


class Place(NamedTuple):
    """Where a buffer lies: which array of a call, from which of its numbers on; its shape is (slots, B, width)."""

    array: int
    start: int
    kind: str
    shape: Shape


class Sum(NamedTuple):
    """Products left^T right over all rows, and the sum of left's rows, of which the gradients of parameters are parts.

    factors: (1 + rights, 6): array, first number, rows, columns, numbers from row to row, parts; left (N, M), so many
    vectors side by side, and rights (N, K), whose product with each of these is 0 outside of so many blocks.
    outs: which arrays of what the plan sums are its products, (M, K) each, and its sum, (M,), if a total is asked for.
    columns: M. work: multiply-adds.
    """

    factors: Array
    outs: slice
    total: bool
    columns: int
    work: float


@dataclass(frozen=True)
class Plan:
    """A pass for some sizes.

    sizes: of dimensions, T, B, and ".chunk", the steps treated together.
    given: the arrays that the caller hands over, by name; they come first, then those of `makes`.
    held: which arrays of a forward pass its backward pass is given, as (name, index).
    table: (buffers, 4): array, first number, count, index of the kind; -1 if a buffer is not kept.
    sums: of a backward pass, over all steps; `summed` is memory for them. states: name and shape.
    output: the array of y, in a backward pass of the first dx.
    before, after: (states, 3): array, first number, count of each state's slot before the first step, after the last.
    """

    sizes: Sizes
    given: tuple[str, ...]
    makes: tuple[Wanted, ...]
    held: tuple[tuple[str, int], ...]
    places: Mapping[str, Place]
    table: Array
    before: Array
    after: Array
    panels: Mapping[str, Wanted]
    sums: tuple[Sum, ...]
    summed: tuple[Wanted, ...]
    states: dict[str, tuple[int, int]]
    output: int


class Buffers(NamedTuple):
    """The memory of one pass, arrays in the order of the plan."""

    plan: Plan
    arrays: list[Array]

    def view(self, name: str) -> Array:
        """Return a buffer, (slots, B, width)."""
        place = self.plan.places[name]
        array = self.arrays[place.array]
        if array.ndim == len(place.shape):  # it has an array of its own
            return array
        return np.ndarray(place.shape, array.dtype, array, place.start * array.itemsize)

    def held(self) -> dict[str, Array]:
        """Return the arrays of a forward pass that its backward pass is given."""
        return {name: self.arrays[k] for name, k in self.plan.held}


class Planner:
    """Makes the plans of one pass, "forward" or "backward", of a generated module."""

    def __init__(self, metadata: Mapping[str, Any], direction: str, dtype: np.dtype[Any]) -> None:
        """Read what the pass asks for."""
        self._meta, self._direction, self._dtype = metadata, direction, dtype
        self._buffers: Mapping[str, Any] = metadata[direction]["buffers"]
        output = metadata["output"]["buffer"]
        self._results = (output,) if direction == "forward" else tuple(metadata["dx"].values())
        self._states = tuple(metadata["states"] if direction == "forward" else metadata["dstate"].values())
        apart = {*metadata["inputs"], output, metadata["seed"]}
        self._sums = metadata["sums"] if direction == "backward" else ()
        self._needed = [name for name, buffer in metadata["backward"]["buffers"].items() if buffer["given"]]
        self._saved = [name for name in self._needed if name not in apart]

    def plan(self, sizes: Sizes, mode: str, wanted: Container[str]) -> Plan:
        """Return the plan for these sizes, with ".chunk"; `wanted`: buffers kept because of `record`."""
        kinds = self._kinds(mode, wanted)
        if self._in_steps(sizes):
            kinds = {name: kind for name, kind in kinds.items() if not self._buffers[name]["begun"]}
        shapes = {name: _shape(self._buffers[name], kind, sizes) for name, kind in kinds.items()}
        for name, shape in shapes.items():
            check_bytes(prod(shape) * self._dtype.itemsize, f"{self._meta['cell']}: {name}, of shape {shape},")
        members = self._members(kinds, mode)
        given = [home for home, names in members.items() if self._buffers[names[0]]["given"]]
        made = [home for home in members if home not in given]
        places = {}
        for k, home in enumerate([*given, *made]):
            start = 0
            for name in members[home]:
                places[name] = Place(k, start, kinds[name], shapes[name])
                start += self._whole_lines(prod(shapes[name]))
        first, last = (0, sizes["T"]) if self._direction == "forward" else (sizes["T"], 0)
        return Plan(
            sizes, tuple(given), tuple(self._wanted(home, [shapes[name] for name in members[home]]) for home in made),
            tuple((home, k) for k, home in enumerate([*given, *made]) if home == TAPE or home in self._needed),
            places, self._table(places), self._slots(places, first), self._slots(places, last), self.panels(sizes),
            *self._summed(places, sizes),
            {name: (sizes["B"], sizes[dim]) for name, dim in self._meta["states"].items()},
            places[self._results[0]].array)

    def chunk_width(self, sizes: Sizes) -> tuple[str, ...]:
        """Return the dimensions of what is handed on from what runs for all steps of a chunk to its loop, or back."""
        meta = self._meta[self._direction]
        width: tuple[str, ...] = meta["chunk_width"]
        return width if self._in_steps(sizes) else (*width, *meta["begun_width"])

    def _in_steps(self, sizes: Sizes) -> bool:
        weights = sum(prod(panel.shape) for panel in self.panels(sizes).values())
        return memory.in_steps(sizes, weights * self._dtype.itemsize)

    def _members(self, kinds: Collection[str], mode: str) -> dict[str, list[str]]:
        """Return the arrays of a call, and the buffers in each. On the tape they have the same order in both passes."""
        members: dict[str, list[str]] = {}
        for name in dict.fromkeys((*self._saved, *kinds)):
            if name in kinds:
                members.setdefault(self._home(name, mode), []).append(name)
        return members

    def _kinds(self, mode: str, wanted: Container[str]) -> dict[str, str]:
        """Return how many steps each buffer holds that is kept at all."""
        kinds = {name: _recorded(buffer[mode], name in self._states) if name in wanted else buffer[mode]
                 for name, buffer in self._buffers.items()}
        return {name: kind for name, kind in kinds.items() if kind is not None}

    def _home(self, name: str, mode: str) -> str:
        """Return the array in which a buffer lies."""
        if mode == "train" and name in self._saved:
            return TAPE
        buffer = self._buffers[name]
        return name if buffer["given"] or buffer["zero"] or name in self._results else SCRATCH

    def _wanted(self, home: str, shapes: list[Shape]) -> Wanted:
        """Return what to ask the pool for: an array of its own shape, or a block."""
        apart = home not in (TAPE, SCRATCH)
        shape = shapes[0] if apart else (sum(self._whole_lines(prod(shape)) for shape in shapes),)
        return Wanted(f"{self._direction} {home}", shape, self._meta["cell"], apart and self._buffers[home]["zero"],
                      max(map(prod, shapes)) * self._dtype.itemsize)

    def _whole_lines(self, count: int) -> int:
        line = memory.LINE // self._dtype.itemsize
        return -(-count // line) * line + memory.GAP

    def _table(self, places: Mapping[str, Place]) -> Array:
        return _integers([(place.array, place.start, prod(place.shape), KINDS.index(place.kind))
                          if (place := places.get(name)) else (-1, 0, 0, 0) for name in self._buffers])

    def _slots(self, places: Mapping[str, Place], step: int) -> Array:
        """Return where the states of a step lie."""
        found = []
        for array, start, kind, (_, B, width) in map(places.__getitem__, self._states):
            found.append((array, start + (step & 1 if kind == "ring" else step) * B * width, B * width))
        return _integers(found)

    def _summed(self, places: Mapping[str, Place], sizes: Sizes) -> tuple[tuple[Sum, ...], tuple[Wanted, ...]]:
        """Return what is summed over all steps, and the memory for it."""
        sums: list[Sum] = []
        shapes: list[tuple[int, ...]] = []
        for what in self._sums:
            factors = [(*_factor(columns, places, sizes), parts) for columns, parts in
                       zip((what["left"], *what["rights"]), (what["side"], *what["blocks"]), strict=True)]
            (_, _, N, M, *_), *rights = factors
            outs = [*((M, right[3]) for right in rights), *[(M,)] * what["total"]]
            sums.append(Sum(_integers(factors), slice(len(shapes), len(shapes) + len(outs)), what["total"], M,
                            float(N) * M * sum(right[3] for right in rights)))
            shapes += outs
        return tuple(sums), tuple(Wanted(f"sum {k}", shape, self._meta["cell"]) for k, shape in enumerate(shapes))

    def panels(self, sizes: Sizes) -> dict[str, Wanted]:
        """Return what the packed weights need; T and B do not matter."""
        return {name: Wanted(f"{self._direction} {name}", memory.panel_shape(panel, sizes, self._dtype),
                             f"{self._meta['cell']}: packed weights {name}")
                for name, panel in self._meta[self._direction]["panels"].items()}


def _shape(buffer: Mapping[str, Any], kind: str, sizes: Sizes) -> Shape:
    return memory.slots(kind, sizes), sizes["B"], memory.width(buffer["width"], sizes)


def _recorded(kind: str | None, is_state: bool) -> str:
    return "history" if is_state else "all" if kind != "history" else kind


def _factor(columns: Columns, places: Mapping[str, Place], sizes: Sizes) -> tuple[int, int, int, int, int]:
    """Return where some columns of a buffer lie: all rows of its first T slots after `shift` ones."""
    buffer, shift, before, dims = columns
    array, start, _, (slots, B, width) = places[buffer]
    rows = (min(slots, shift + sizes["T"]) - shift) * B
    return array, start + shift * B * width + memory.width(before, sizes), rows, memory.width(dims, sizes), width


def _integers(rows: Sequence[tuple[int, ...]]) -> Array:
    return np.array(rows, np.int64)
