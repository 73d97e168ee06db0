"""Passes: the compiled functions of one module, given memory, packed weights and threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from symcell.runtime import cpu, memory, threads
from symcell.runtime.arguments import Array, Sizes

PACK_FIRST, PACKED, PACK_AS_USED = range(3)  # what panels hold, as in symcell/memory.h
REMEMBERED = 1024  # facts about sizes
Arrays = dict[str, tuple[Array, str]]  # name -> buffer (slots, B, dim), and how many steps it holds


@dataclass(frozen=True)
class _Buffer:
    """An array that a pass asks for: how many steps it holds, its shape (None: given), whether it starts as zeros."""

    name: str
    kind: str
    shape: tuple[int, ...] | None
    zero: bool
    purpose: str


class Found(NamedTuple):
    """Gradients by the names of inputs, parameters and states."""

    x: dict[str, Array]
    params: dict[str, Array]
    state: dict[str, Array]


class Passes:
    """The forward and the backward pass of a generated module. Arguments have been checked.

    threads: how many may share a batch. chunk: steps treated together, None: by size. Results depend on neither.
    """

    def __init__(self, module: ModuleType, dtype: np.dtype[Any]) -> None:
        """Choose the instruction set.

        Raises:
            ValueError: the module has no code for this machine.
        """
        self.module, self.dtype = module, dtype
        self.isa = cpu.chosen_isa(module.isas())
        self.threads = threads.default()
        self.chunk: int | None = None
        self.pool = memory.Pool(dtype)
        self._meta: Mapping[str, Any] = module.METADATA
        self.whole: tuple[str, ...] = self._meta["whole"]  # inputs without a time axis
        self._learned = [name for name in self._meta["params"] if name not in self._meta["fixed"]]
        self._by_sizes: dict[tuple[Any, ...], Any] = {}

    # --- before a pass -----------------------------------------------------------------------------------

    def complete(self, sizes: Sizes, direction: str) -> None:
        """Enter what a pass needs besides the dimensions. Keys with a dot are ours; no dimension can be called so.

        Raises:
            ValueError: no argument tells the size of a dimension.
        """
        sizes[".chunk"] = self._known(("chunk", direction, self.chunk, *sizes.items()), self._chunk, direction, sizes)
        if ".packed" not in sizes:
            sizes[".packed"] = PACK_AS_USED if sizes["T"] == 1 else PACK_FIRST

    def _chunk(self, direction: str, sizes: Sizes) -> int:
        missing = [dim for dim in self._meta["dims"] if dim not in sizes]
        if missing:
            states = [name for name, dim in self._meta["states"].items() if dim in missing]
            raise ValueError(f"{self._meta['cell']}: neither x nor params tells the size {', '.join(missing)}; pass "
                             f"the initial state of {', '.join(states)}.")
        return self.chunk or memory.chunk_steps(self._meta[direction]["chunk_width"], sizes, self.dtype.itemsize)

    def _known(self, key: tuple[Any, ...], work_out: Callable[..., Any], *arguments: Any) -> Any:
        """Return what depends on sizes only, worked out once for each."""
        found = self._by_sizes.get(key)
        if found is None:
            if len(self._by_sizes) >= REMEMBERED:
                self._by_sizes.clear()
            found = self._by_sizes[key] = work_out(*arguments)
        return found

    @property
    def derives(self) -> bool:
        """Whether something is computed from parameters and constants once per call."""
        return hasattr(self.module, "derive")

    def with_derived(self, values: dict[str, Array]) -> dict[str, Array]:
        """Add what is computed from parameters and constants once per call, which a pass reads like a parameter."""
        if not self.derives:
            return values
        with np.errstate(all="ignore"):  # as through the compiled part
            return {**values, **self.module.derive(values, self.dtype)}

    def fingerprints(self, arrays: Mapping[str, Array]) -> dict[str, int]:
        """Return a number for each contiguous array, which is another one once the array has changed."""
        return dict(zip(arrays, self.module.fingerprints(self.isa, arrays.values()), strict=True))

    def panels(self, direction: str, sizes: Sizes, kept: bool = False) -> dict[str, Array]:
        """Return memory for the packed weights of a pass; where they are kept it is nobody else's."""
        pool = memory.Pool(self.dtype) if kept else self.pool
        wanted = self._known(("panels", direction, *sizes.items()), self._panels, direction, sizes)
        return {name: pool.empty(purpose, shape, what) for name, purpose, shape, what in wanted}

    def _panels(self, direction: str, sizes: Sizes) -> tuple[tuple[str, str, tuple[int], str], ...]:
        return tuple((name, f"{direction} {name}", memory.panel_shape(panel, sizes, self.dtype),
                      f"{self._meta['cell']}: packed weights {name}")
                     for name, panel in self._meta[direction]["panels"].items())

    def pack(self, sizes: Sizes, params: Mapping[str, Array], panels: Mapping[str, Array]) -> None:
        """Pack the weights of the forward pass: a sequence of no steps packs and does nothing else."""
        empty = {**dict.fromkeys(self._meta["dims"], 1), **sizes, "T": 0, "B": 0}
        none = {name: np.empty((0, 0, empty[dim]), self.dtype) for name, dim in self._meta["inputs"].items()}
        self.forward(empty, none, params, {}, "infer", (), panels)

    # --- the passes --------------------------------------------------------------------------------------

    def forward(self, sizes: Sizes, inputs: Mapping[str, Array], params: Mapping[str, Array],
                state: Mapping[str, Array], mode: str, record: Iterable[str],
                panels: Mapping[str, Array] | None = None) -> Arrays:
        """Run the forward pass; mode "train" keeps what backward needs, "infer" does not."""
        self.complete(sizes, "forward")
        wanted = frozenset(self._meta["named"][name]["buffer"] for name in record)
        arrays = self._allocate("forward", sizes, inputs, mode, wanted)
        for name in self._meta["states"]:
            arrays[name][0][0] = state.get(name, 0)
        if panels is None:
            panels = self.panels("forward", sizes)
        self._call(self.module.forward, sizes, arrays, params, panels)
        return arrays

    def backward(self, sizes: Sizes, held: Mapping[str, Array], params: Mapping[str, Array], dy: Array,
                 last: Mapping[str, Array], panels: Mapping[str, Array]) -> Arrays:
        """Run the backward pass on what the forward pass left (`held`), but for the parameters' gradients."""
        self.complete(sizes, "backward")
        # By name alone the forward pass's scratch would pass for this one's, where both compute a value.
        arrays = self._allocate("backward", sizes, {**held, self._meta["seed"]: dy}, "train")
        for name, adjoint in self._meta["dstate"].items():
            array, kind = arrays[adjoint]
            array[sizes["T"] & 1 if kind == "ring" else sizes["T"]] = last.get(name, 0)
        self._call(self.module.backward, sizes, arrays, params, panels)
        return arrays

    def gradients(self, sizes: Sizes, arrays: Arrays, params: Mapping[str, Array]) -> Found:
        """Return the gradients from the buffers of a backward pass."""
        with np.errstate(all="ignore"):  # NaN and infinity pass in silence, as through the compiled part
            buffers = {name: array for name, (array, _) in arrays.items()}
            found = self.module.gradients(sizes, buffers, self._over_all_steps)
            if hasattr(self.module, "chain_rule"):
                self.module.chain_rule(params, found, self.dtype)
        return Found(
            {name: buffers[adjoint][0 if name in self.whole else slice(None)]
             for name, adjoint in self._meta["dx"].items()},
            {name: found[name] if name in found else np.zeros_like(params[name]) for name in self._learned},
            {name: buffers[adjoint][0].copy() for name, adjoint in self._meta["dstate"].items()})

    def _over_all_steps(self, name: str, left: Array, rights: tuple[Array, ...],
                        total: bool) -> tuple[list[Array], Array | None]:
        """Return left^T right for each right (N, K), left being (N, M), and the sum of left's rows if asked for."""
        (N, M), cell = left.shape, self._meta["cell"]
        outs = [self.pool.empty(f"gradient {name} {k}", (M, right.shape[1]), cell) for k, right in enumerate(rights)]
        sums = self.pool.empty(f"gradient {name} total", (M,), cell) if total else None
        parts = threads.split(M, self.threads, float(N) * M * sum(right.shape[1] for right in rights))
        length = (self.module.WORK_BYTES // self.dtype.itemsize,)
        work = {first: self.pool.empty(f"work {k}", length, cell) for k, (first, _) in enumerate(parts)}

        def task(first: int, last: int) -> None:
            self.module.over_all_steps(
                self.isa, self.dtype.itemsize, left, rights, outs, sums, work[first], first, last)

        threads.run(parts, task)
        return outs, sums

    def _call(self, entry: Any, sizes: Sizes, arrays: Arrays, params: Mapping[str, Array],
              panels: Mapping[str, Array]) -> None:
        """Run a pass, shared by threads where that pays: they take rows each, or lanes where rows are too few."""
        B, weights = sizes["B"], sum(panel.size for panel in panels.values())
        work = float(weights) * B * sizes["T"] + threads.NUMBER * sum(array.size for array, _ in arrays.values())
        parts = threads.split(B, self.threads, work)
        team = threads.team(self.threads, weights, work)

        def task(first: int, last: int, packed: int, **changed: int) -> None:
            span = {**sizes, ".from": first, ".to": last, ".packed": packed, **changed}
            entry(self.isa, self.dtype.itemsize, span, arrays, params, panels)

        if team > len(parts):
            self._share_lanes(entry, team, sizes, arrays, params, panels)
        elif len(parts) == 1:
            task(0, B, sizes[".packed"])
        else:
            if sizes[".packed"] != PACKED:  # once for all: a sequence of no steps packs and does nothing else
                task(0, B, PACK_FIRST, T=0)
            threads.run(parts, lambda first, last: task(first, last, PACKED))

    def _share_lanes(self, entry: Any, team: int, sizes: Sizes, *rest: Any) -> None:
        packed = PACKED if sizes[".packed"] == PACKED else PACK_FIRST
        span = {**sizes, ".from": 0, ".to": sizes["B"], ".packed": packed}
        seats = memory.empty((team * self.module.SEAT_BYTES,), np.dtype(np.uint8), "threads", zero=True)
        parts = [(k, k + 1) for k in range(team)]
        threads.run(parts, lambda own, _: entry(self.isa, self.dtype.itemsize, span, *rest, seats, own))

    # --- memory ------------------------------------------------------------------------------------------

    def all_steps(self, name: str, dims: tuple[str, ...], sizes: Sizes) -> Array:
        """Return memory for a result of all steps, (T, B, dim)."""
        shape = sizes["T"], sizes["B"], memory.width(dims, sizes)
        return self.pool.empty(f"result {name}", shape, self._meta["cell"])

    def _allocate(self, direction: str, sizes: Sizes, given: Mapping[str, Array], mode: str,
                  wanted: frozenset[str] = frozenset()) -> Arrays:
        """Return the arrays of a pass, and how many steps each holds; `wanted`: buffers kept because of `record`."""
        key = ("layout", direction, mode, wanted, *sizes.items())
        layout = self._known(key, self._layout, direction, sizes, mode, wanted)
        new, cell = self.pool.empty, self._meta["cell"]
        return {b.name: (given[b.name] if b.shape is None else new(b.purpose, b.shape, cell, b.zero), b.kind)
                for b in layout}

    def _layout(self, direction: str, sizes: Sizes, mode: str, wanted: frozenset[str]) -> tuple[_Buffer, ...]:
        buffers = []
        for name, buffer in self._meta[direction]["buffers"].items():
            kind = _recorded_kind(buffer[mode], name in self._meta["states"]) if name in wanted else buffer[mode]
            if kind is not None:
                shape = (memory.slots(kind, sizes), sizes["B"], memory.width(buffer["width"], sizes))
                buffers.append(_Buffer(name, kind, None if buffer["given"] else shape, buffer["zero"],
                                       f"{direction} {name}"))
        return tuple(buffers)

    # --- after a pass ------------------------------------------------------------------------------------

    def output(self, arrays: Arrays) -> Array:
        """Return y (T, B, dim), a view: what a caller does to its flags stays the caller's."""
        output = self._meta["output"]
        array = arrays[output["buffer"]][0]
        return array[1:] if output["is_state"] else array[:]

    def final_state(self, arrays: Arrays, sizes: Sizes) -> dict[str, Array]:
        """Return the states after the last step, (B, dim) each."""
        T = sizes["T"]
        last = {name: T & 1 if arrays[name][1] == "ring" else T for name in self._meta["states"]}
        return {name: arrays[name][0][slot].copy() for name, slot in last.items()}

    def steps(self, name: str, arrays: Arrays) -> Array:
        """Return (T, B, dim) of a named quantity; of a state, its values after each step."""
        buffer = self._meta["named"][name]["buffer"]
        array = arrays[buffer][0]
        return array[1:] if buffer in self._meta["states"] else array


def _recorded_kind(kind: str | None, is_state: bool) -> str:
    return "history" if is_state else "all" if kind != "history" else kind
