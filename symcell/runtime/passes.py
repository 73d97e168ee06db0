"""Passes: the compiled functions of one module, given memory, packed weights and threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from symcell.runtime import cpu, memory, native, threads
from symcell.runtime.arguments import Array, Sizes
from symcell.runtime.checked import Key
from symcell.runtime.memory import Wanted
from symcell.runtime.plan import Buffers, Plan, Planner

PACK_FIRST, PACKED, PACK_AS_USED = range(3)  # what panels hold, as in symcell/memory.h
REMEMBERED = 1024  # plans
NOTHING = frozenset[str]()


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
        self._work = native.WORK_BYTES // dtype.itemsize  # numbers of memory that each thread works in
        self._states = tuple(self._meta["states"])
        self._learned = [name for name in self._meta["params"] if name not in self._meta["fixed"]]
        self._dims = ("T", "B", *self._meta["dims"])
        self._planners = {way: Planner(self._meta, way, dtype) for way in ("forward", "backward")}
        self._plans: dict[tuple[Any, ...], Plan] = {}

    # --- before a pass -----------------------------------------------------------------------------------

    def plan(self, direction: str, sizes: Key, mode: str = "train", wanted: frozenset[str] = NOTHING) -> Plan:
        """Return what a pass needs for these sizes, worked out once for each; `wanted`: buffers that are recorded.

        Raises:
            ValueError: no argument tells the size of a dimension.
        """
        key = direction, sizes, mode, wanted, self.chunk
        found = self._plans.get(key)
        if found is None:
            if len(self._plans) >= REMEMBERED:
                self._plans.clear()
            known = {dim: size for dim, size in zip(self._dims, sizes, strict=True) if size is not None}
            chunk = self._chunk(direction, known)
            found = self._plans[key] = self._planners[direction].plan({**known, ".chunk": chunk}, mode, wanted)
        return found

    def _chunk(self, direction: str, sizes: Sizes) -> int:
        missing = [dim for dim in self._meta["dims"] if dim not in sizes]
        if missing:
            states = [name for name, dim in self._meta["states"].items() if dim in missing]
            raise ValueError(f"{self._meta['cell']}: neither x nor params tells the size {', '.join(missing)}; pass "
                             f"the initial state of {', '.join(states)}.")
        width = self._planners[direction].chunk_width(sizes)
        return self.chunk or memory.chunk_steps(width, sizes, self.dtype.itemsize)

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
        return native.fingerprints(self.isa, arrays)

    def panels(self, direction: str, sizes: Key) -> dict[str, Array]:
        """Return memory for the packed weights of a pass, for several calls."""
        panels = self.plan(direction, sizes).panels
        return dict(zip(panels, self.pool.take(panels.values()), strict=True))

    def prepared(self, sizes: Key, params: Mapping[str, Array]) -> dict[str, Array]:
        """Return the packed weights of the forward pass, in memory that is nobody else's.

        A sequence of no steps packs and does nothing else.
        """
        empty = 0, 0, *(1 if size is None else size for size in sizes[2:])
        plan = self.plan("forward", empty, "infer")
        panels = dict(zip(plan.panels, memory.Pool(self.dtype).take(plan.panels.values()), strict=True))
        none = {name: np.empty((0, 0, plan.sizes[dim]), self.dtype) for name, dim in self._meta["inputs"].items()}
        self.forward(empty, none, params, {}, "infer", panels=panels)
        return panels

    # --- the passes --------------------------------------------------------------------------------------

    def forward(self, sizes: Key, inputs: Mapping[str, Array], params: Mapping[str, Array],
                state: dict[str, Array], mode: str, record: Iterable[str] = (),
                panels: Mapping[str, Array] | None = None, packed: bool = False) -> Buffers:
        """Run the forward pass; mode "train" keeps what backward needs, "infer" does not.

        panels: memory for packed weights, if several calls are to use them; `packed`: an earlier one has packed them.
        """
        wanted = frozenset(self._meta["named"][name]["buffer"] for name in record) if record else NOTHING
        plan = self.plan("forward", sizes, mode, wanted)
        return self._run(self.module.forward, plan, inputs, params, state, panels, packed)

    def backward(self, sizes: Key, held: Mapping[str, Array], params: Mapping[str, Array], dy: Array,
                 last: dict[str, Array], panels: Mapping[str, Array] | None = None,
                 packed: bool = False) -> Buffers:
        """Run the backward pass on what the forward pass left (`held`), but for the parameters' gradients."""
        given = {**held, self._meta["seed"]: dy}
        return self._run(self.module.backward, self.plan("backward", sizes), given, params, last, panels, packed)

    def _run(self, entry: Any, plan: Plan, given: Mapping[str, Array], params: Mapping[str, Array],
             states: dict[str, Array], panels: Mapping[str, Array] | None, packed: bool) -> Buffers:
        how = PACKED if packed else PACK_AS_USED if plan.sizes["T"] == 1 and panels is None else PACK_FIRST
        arrays = [*map(given.__getitem__, plan.given), *self.pool.take(plan.makes)]
        if panels is None:
            panels = dict(zip(plan.panels, self.pool.take(plan.panels.values()), strict=True))
        native.enter(plan.before, arrays, self._states, states, self.dtype.itemsize)
        self._call(entry, plan, how, arrays, params, panels)
        return Buffers(plan, arrays)

    def gradients(self, buffers: Buffers, params: Mapping[str, Array]) -> Found:
        """Return the gradients from the buffers of a backward pass."""
        found: dict[str, Any] = dict.fromkeys(self._learned)
        self.module.gradients(buffers.plan.sizes, self._over_all_steps(buffers), found)
        if hasattr(self.module, "chain_rule"):
            with np.errstate(all="ignore"):  # NaN and infinity pass in silence, as through the compiled part
                self.module.chain_rule(params, found, self.dtype)
        for name in [name for name, gradient in found.items() if gradient is None]:
            found[name] = np.zeros_like(params[name])
        dx = {name: buffers.view(adjoint)[0 if name in self.whole else slice(None)]
              for name, adjoint in self._meta["dx"].items()}
        return Found(dx, found, self.states_after(buffers))

    def _over_all_steps(self, buffers: Buffers) -> list[list[Array]]:
        """Return what the plan sums: the products of each left (N, M) with its rights, and the sum of its rows."""
        plan, arrays = buffers
        summed = self.pool.take(plan.summed)
        counts = [threads.useful(self.threads, what.work) for what in plan.sums]
        most = max(counts, default=1)
        [work] = self.pool.take([Wanted(f"work of {most}", (self._work * most,), self._meta["cell"], largest=1)])
        for what, count in zip(plan.sums, counts, strict=True):
            native.over_all_steps(
                self.isa, self.dtype.itemsize, what.factors, arrays, summed[what.outs], what.total, work, count)
        return [summed[what.outs] for what in plan.sums]

    def _call(self, entry: Any, plan: Plan, packed: int, arrays: list[Array], params: Mapping[str, Array],
              panels: Mapping[str, Array]) -> None:
        """Run a pass, shared by threads where that pays."""
        count, by_rows = 1, False
        if self.threads > 1:
            T, B, weights = plan.sizes["T"], plan.sizes["B"], sum(panel.size for panel in panels.values())
            work = float(weights) * B * T + threads.NUMBER * sum(array.size for array in arrays)
            cached = weights * self.dtype.itemsize <= memory.STEP_BYTES
            count, by_rows = threads.share(B, weights, threads.useful(self.threads, work), cached)
        if count > 1 and packed == PACK_AS_USED:
            packed = PACK_FIRST  # there is one place for all blocks
        sizes = {**plan.sizes, ".packed": packed}
        try:
            entry(self.isa, self.dtype.itemsize, sizes, (plan.table, arrays), params, panels, count, by_rows)
        except ValueError as error:
            raise ValueError(f"{self._meta['cell']}: {error}") from None

    # --- after a pass ------------------------------------------------------------------------------------

    def output(self, buffers: Buffers) -> Array:
        """Return y (T, B, dim), a view: what a caller does to its flags stays the caller's."""
        array, is_state = buffers.arrays[buffers.plan.output], self._meta["output"]["is_state"]
        return array[1:] if is_state else array[:]

    def states_after(self, buffers: Buffers) -> dict[str, Array]:
        """Return copies of the states after the last step, (B, dim) each; of a backward pass, of their adjoints."""
        plan = buffers.plan
        return native.leave(plan.after, buffers.arrays, plan.states, self.dtype)

    def steps(self, name: str, buffers: Buffers) -> Array:
        """Return (T, B, dim) of a named quantity; of a state, its values after each step."""
        buffer = self._meta["named"][name]["buffer"]
        array = buffers.view(buffer)
        return array[1:] if buffer in self._meta["states"] else array

    def all_steps(self, name: str, dims: tuple[str, ...], sizes: Key) -> Array:
        """Return memory for a result of all steps, (T, B, dim)."""
        known = self.plan("forward", sizes).sizes
        shape = known["T"], known["B"], memory.width(dims, known)
        return self.pool.empty(f"result {name}", shape, self._meta["cell"])
