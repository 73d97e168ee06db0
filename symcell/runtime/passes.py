"""Passes: the compiled functions of one module, given memory, packed weights and threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from symcell.runtime import cpu, memory, threads
from symcell.runtime.arguments import Array, Sizes
from symcell.runtime.plan import Buffers, Plan, Planner

PACK_FIRST, PACKED, PACK_AS_USED = range(3)  # what panels hold, as in symcell/memory.h
REMEMBERED = 1024  # plans


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
        self._dims = ("T", "B", *self._meta["dims"])
        self._planners = {way: Planner(self._meta, way, dtype) for way in ("forward", "backward")}
        self._plans: dict[tuple[Any, ...], Plan] = {}

    # --- before a pass -----------------------------------------------------------------------------------

    def plan(self, direction: str, sizes: Sizes, mode: str = "train", wanted: frozenset[str] = frozenset()) -> Plan:
        """Return what a pass needs for these sizes, worked out once for each; `wanted`: buffers that are recorded.

        Raises:
            ValueError: no argument tells the size of a dimension.
        """
        key = (direction, mode, wanted, self.chunk, *map(sizes.get, self._dims))
        found = self._plans.get(key)
        if found is None:
            if len(self._plans) >= REMEMBERED:
                self._plans.clear()
            own = {dim: sizes[dim] for dim in self._dims if dim in sizes}
            own[".chunk"] = self._chunk(direction, own)
            found = self._plans[key] = self._planners[direction].plan(own, mode, wanted)
        return found

    def _chunk(self, direction: str, sizes: Sizes) -> int:
        missing = [dim for dim in self._meta["dims"] if dim not in sizes]
        if missing:
            states = [name for name, dim in self._meta["states"].items() if dim in missing]
            raise ValueError(f"{self._meta['cell']}: neither x nor params tells the size {', '.join(missing)}; pass "
                             f"the initial state of {', '.join(states)}.")
        return self.chunk or memory.chunk_steps(self._meta[direction]["chunk_width"], sizes, self.dtype.itemsize)

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

    def fingerprints(self, arrays: Iterable[Array]) -> list[int]:
        """Return a number for each contiguous array, which is another one once the array has changed."""
        found: list[int] = self.module.fingerprints(self.isa, arrays)
        return found

    def panels(self, direction: str, sizes: Sizes, kept: bool = False) -> dict[str, Array]:
        """Return memory for the packed weights of a pass; where they are kept it is nobody else's."""
        pool = memory.Pool(self.dtype) if kept else self.pool
        wanted = self._planners[direction].panels(sizes)
        return {name: pool.empty(*wanted) for name, wanted in wanted.items()}

    def pack(self, sizes: Sizes, params: Mapping[str, Array], panels: Mapping[str, Array]) -> None:
        """Pack the weights of the forward pass: a sequence of no steps packs and does nothing else."""
        empty = {**dict.fromkeys(self._meta["dims"], 1), **sizes, "T": 0, "B": 0}
        none = {name: np.empty((0, 0, empty[dim]), self.dtype) for name, dim in self._meta["inputs"].items()}
        self.forward(empty, none, params, {}, "infer", (), panels)

    # --- the passes --------------------------------------------------------------------------------------

    def forward(self, sizes: Sizes, inputs: Mapping[str, Array], params: Mapping[str, Array],
                state: Mapping[str, Array], mode: str, record: Iterable[str],
                panels: Mapping[str, Array] | None = None) -> Buffers:
        """Run the forward pass; mode "train" keeps what backward needs, "infer" does not."""
        wanted = frozenset(self._meta["named"][name]["buffer"] for name in record)
        plan = self.plan("forward", sizes, mode, wanted)
        return self._run(self.module.forward, plan, sizes, inputs, params, map(state.get, self._meta["states"]), panels)

    def backward(self, sizes: Sizes, held: Mapping[str, Array], params: Mapping[str, Array], dy: Array,
                 last: Mapping[str, Array], panels: Mapping[str, Array] | None = None) -> Buffers:
        """Run the backward pass on what the forward pass left (`held`), but for the parameters' gradients."""
        given = {**held, self._meta["seed"]: dy}
        plan = self.plan("backward", sizes)
        return self._run(self.module.backward, plan, sizes, given, params, map(last.get, self._meta["dstate"]), panels)

    def _run(self, entry: Any, plan: Plan, sizes: Sizes, given: Mapping[str, Array], params: Mapping[str, Array],
             states: Iterable[Array | None], panels: Mapping[str, Array] | None) -> Buffers:
        new = self.pool.empty
        buffers = Buffers(plan, [*[given[name] for name in plan.given], *[new(*wanted) for wanted in plan.makes]])
        if panels is None:
            panels = {name: new(*wanted) for name, wanted in plan.panels.items()}
        self.module.enter(plan.before, buffers.arrays, list(states), self.dtype.itemsize)
        packed = sizes.get(".packed", PACK_AS_USED if sizes["T"] == 1 else PACK_FIRST)
        self._call(entry, {**plan.sizes, ".packed": packed}, (plan.table, buffers.arrays), params, panels)
        return buffers

    def gradients(self, buffers: Buffers, params: Mapping[str, Array]) -> Found:
        """Return the gradients from the buffers of a backward pass."""
        found = self.module.gradients(buffers.plan.sizes, buffers.rows, self._over_all_steps)
        if hasattr(self.module, "chain_rule"):
            with np.errstate(all="ignore"):  # NaN and infinity pass in silence, as through the compiled part
                self.module.chain_rule(params, found, self.dtype)
        return Found(
            {name: buffers.view(adjoint)[0 if name in self.whole else slice(None)]
             for name, adjoint in self._meta["dx"].items()},
            {name: found[name] if name in found else np.zeros_like(params[name]) for name in self._learned},
            self.states_after(buffers))

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

    def _call(self, entry: Any, sizes: Sizes, buffers: tuple[Array, list[Array]], params: Mapping[str, Array],
              panels: Mapping[str, Array]) -> None:
        """Run a pass, its rows shared by threads where that pays."""
        B = sizes["B"]
        parts = [(0, B)]
        if self.threads > 1:
            weights = sum(panel.size for panel in panels.values())
            parts = threads.split(B, self.threads, float(weights) * B * sizes["T"])

        def task(first: int, last: int, **changed: int) -> None:
            span = {**sizes, ".from": first, ".to": last, **changed}
            entry(self.isa, self.dtype.itemsize, span, buffers, params, panels)

        if len(parts) == 1:
            task(0, B)
            return
        if sizes[".packed"] != PACKED:  # weights are packed once for all: a sequence of no steps does nothing else
            task(0, B, **{"T": 0, ".packed": PACK_FIRST})
        threads.run(parts, lambda first, last: task(first, last, **{".packed": PACKED}))

    # --- after a pass ------------------------------------------------------------------------------------

    def output(self, buffers: Buffers) -> Array:
        """Return y (T, B, dim), a view: what a caller does to its flags stays the caller's."""
        output = self._meta["output"]
        array = buffers.view(output["buffer"])
        return array[1:] if output["is_state"] else array[:]

    def states_after(self, buffers: Buffers) -> dict[str, Array]:
        """Return copies of the states after the last step, (B, dim) each; of a backward pass, of their adjoints."""
        plan = buffers.plan
        found = {name: np.empty((plan.sizes["B"], plan.sizes[dim]), self.dtype)
                 for name, dim in self._meta["states"].items()}
        self.module.leave(plan.after, buffers.arrays, list(found.values()), self.dtype.itemsize)
        return found

    def steps(self, name: str, buffers: Buffers) -> Array:
        """Return (T, B, dim) of a named quantity; of a state, its values after each step."""
        buffer = self._meta["named"][name]["buffer"]
        array = buffers.view(buffer)
        return array[1:] if buffer in self._meta["states"] else array

    def all_steps(self, name: str, dims: tuple[str, ...], sizes: Sizes) -> Array:
        """Return memory for a result of all steps, (T, B, dim)."""
        shape = sizes["T"], sizes["B"], memory.width(dims, sizes)
        return self.pool.empty(f"result {name}", shape, self._meta["cell"])
