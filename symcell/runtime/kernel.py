"""Kernel: a generated module with checked arguments and managed memory. It imports NumPy only."""

from __future__ import annotations

import contextlib
import numbers
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from symcell.runtime import cpu, initial, memory, threads
from symcell.runtime.arguments import Arguments, Array, Sizes, check_size, plain, unknown
from symcell.runtime.checkpoint import Stretch, edges
from symcell.runtime.run import Gradients, Ready, Run

DTYPES = ("float32", "float64")
PACK_FIRST, PACKED, PACK_AS_USED = range(3)  # what panels hold, as in symcell/memory.h
LAYOUTS = 256  # sizes whose buffers' shapes a kernel remembers
COPY_BYTES = 4096  # below that copies of two arrays cost less than views of them


@dataclass(frozen=True)
class _Tape:
    """What backward needs of a forward pass: sizes, buffers, and the parameters, which must not have changed since.

    params: those given, the constants, and what was computed of both once per call.
    """

    owner: tuple[ModuleType, str]
    sizes: Sizes
    arrays: dict[str, Array]
    params: dict[str, Array]
    given: Mapping[str, Any]
    fingerprints: list[int]  # of those params that the caller gave, as they were
    dict_x: bool
    stretches: tuple[Stretch, ...] = ()  # with checkpoints: where backward computes the tape again; arrays is x then

    @property
    def nbytes(self) -> int:
        held = [*self.arrays.values(), *(a for name, a in self.params.items() if a is not self.given.get(name))]
        return sum(a.nbytes for a in [*held, *(a for part in self.stretches for a in part.state.values())])


@dataclass(frozen=True)
class _Buffer:
    """An array that a pass asks for: how many steps it holds, its shape (None: given), whether it starts as zeros."""

    name: str
    kind: str
    shape: tuple[int, ...] | None
    zero: bool
    purpose: str


class Kernel:
    """A compiled cell. T time steps, B members of the batch; other dimensions as the cell declares them."""

    def __init__(self, module: ModuleType, dtype: str) -> None:
        """Wrap a generated module.

        Raises:
            ValueError: the dtype is not float32 or float64, or the module has no code for this machine.
        """
        with contextlib.suppress(TypeError):  # what is no dtype at all is shown by the message below
            dtype = np.dtype(dtype).name if dtype is not None else "None"
        if dtype not in DTYPES:
            raise ValueError(f"dtype={dtype!r}: kernels compute in {' or '.join(DTYPES)}.")
        self._module = module
        self._meta: Mapping[str, Any] = module.METADATA
        self.dtype = np.dtype(dtype)
        self.isa = cpu.chosen_isa(module.isas())
        self._arguments = Arguments(self._meta, self.dtype)
        self._given = (*self._meta["params"], *self._meta["constants"])  # what a caller hands over for a whole call
        self._pool = memory.Pool(self.dtype)
        self._owner = (module, dtype)  # of what this kernel hands out and takes back
        self._layouts: dict[Any, tuple[_Buffer, ...]] = {}
        self._threads = threads.default()
        self.chunk: int | None = None  # steps treated together, None: by size; results do not depend on it

    @property
    def threads(self) -> int:
        """How many threads may share a batch; at first the cores this process may use. Results do not depend on it.

        The products that end in weight gradients are NumPy's, whose BLAS has threads of its own.
        """
        return self._threads

    @threads.setter
    def threads(self, count: int) -> None:
        self._threads = check_size("threads", count)

    def __repr__(self) -> str:
        return f"<symcell kernel {self._meta['name']}, {self.dtype}, {self.isa}>"

    @property
    def name(self) -> str:
        """The module's name."""
        return str(self._meta["name"])

    @property
    def path(self) -> Path:
        """The file of the extension module."""
        return Path(str(self._module.__file__))

    def init_params(self, /, seed: int = 0, **dims: int) -> dict[str, Array]:
        """Return initial parameters, each as its declaration says, for sizes such as I=64, H=128.

        Raises:
            TypeError, ValueError: a size is missing, unknown, or no positive integer.
        """
        return initial.init_params(self._meta, self.dtype, seed, dims)

    def explain(self) -> str:
        """Return what the scheduler decided: stages, products, tape, and why; and the instruction set in use."""
        return f"{self!r}\n\n{self._meta['explain']}"

    # --- forward -----------------------------------------------------------------------------------------

    def forward(self, x: Any, params: Mapping[str, Any], state: Mapping[str, Array] | None = None, *,
                record: Iterable[str] = (), constants: Mapping[str, float] | None = None,
                checkpoint: int | None = None) -> Run:
        """Run a sequence and keep what the backward pass needs.

        Args:
            x: (T, B, I); a dict of arrays where the cell has several inputs, (B, dim) for one of the whole sequence.
            params: one array per declared parameter, `W @ v` being the usual product: Matrix(h, x) is (H, I).
            state: (B, H) per state before the first step; one left out is zero.
            record: named quantities to return for every step: (T, B, dim), of a number per row (T, B).
            constants: values of declared Constants for this call.
            checkpoint: keep only x and the states every so many steps, and let `backward` compute the rest again, one
                stretch at a time. Gradients of parameters, and of inputs of the whole sequence, are then summed by
                stretches, which rounds differently; all else is the same bit for bit. A number near the square root of
                T needs the least memory.

        Raises:
            TypeError, ValueError: an argument has the wrong type, dtype or shape, is missing or unknown.
        """
        sizes: Sizes = {}
        checked = self._arguments.check_params(params, sizes)
        inputs = self._arguments.check_inputs(x, sizes)
        initial_state = self._arguments.check_states("state", state, sizes)
        # What the caller does to x or to the parameters later must not reach the gradient. The run keeps a copy of what
        # backward reads of x; of parameters, which are changed between steps, it keeps none, and refuses changed ones.
        kept = {name: plain(value) for name, value in checked.items()}
        kept = self._with_derived({**kept, **self._arguments.check_constants(constants)})
        reread = inputs if checkpoint is not None else self._meta["backward"]["buffers"]
        copies = {name: self._pool.copy(f"input {name}", value, self._meta["cell"]) if name in reread else plain(value)
                  for name, value in self._slots(inputs).items()}
        record = self._check_record(record)
        if checkpoint is not None:
            every = self._arguments.check_steps("checkpoint", checkpoint)
            return self._forward_stretches(sizes, copies, kept, initial_state, record, every, x, params)
        arrays = self._run_forward(sizes, copies, kept, initial_state, "train", record)
        needed = {name for name, buffer in self._meta["backward"]["buffers"].items() if buffer["given"]}
        held = {name: array for name, (array, _) in arrays.items() if name in needed}  # not the pass's scratch
        tape = _Tape(self._owner, sizes, held, kept, params, self._fingerprints(kept), isinstance(x, Mapping))
        y = self._output(arrays)
        y.flags.writeable = False
        recorded = {name: self._numbers(name, self._steps(name, arrays)).copy() for name in record}
        return Run(y, self._final_state(arrays, sizes), recorded, tape)

    def _forward_stretches(self, sizes: Sizes, inputs: dict[str, Array], params: dict[str, Array],
                           state: Mapping[str, Array], record: tuple[str, ...], every: int, x: Any,
                           given: Mapping[str, Any]) -> Run:
        self._complete(sizes, "forward")
        state = {name: np.array(value, order="C") for name, value in state.items()}
        panels = self._panels("forward", sizes)
        output = self._meta["output"]
        y = self._all_steps("y", (output["dim"],), sizes)
        recorded = {name: self._all_steps(name, self._meta["named"][name]["dims"], sizes) for name in record}
        stretches = []
        for start, stop in edges(sizes["T"], every):
            part = Stretch(start, stop, state)
            stretches.append(part)
            state = self._forward_stretch(part, part.sizes(sizes, start > 0), inputs, params, panels, y, recorded)
        tape = _Tape(self._owner, sizes, inputs, params, given, self._fingerprints(params), isinstance(x, Mapping),
                     tuple(stretches))
        y = y[:]
        y.flags.writeable = False
        recorded = {name: self._numbers(name, array[:]) for name, array in recorded.items()}
        return Run(y, {name: value.copy() for name, value in state.items()}, recorded, tape)

    def _forward_stretch(self, part: Stretch, sizes: Sizes, inputs: Mapping[str, Array], params: Mapping[str, Array],
                         panels: dict[str, Array], y: Array, recorded: Mapping[str, Array]) -> dict[str, Array]:
        """Write a stretch's y and recorded quantities; return the states after it. Its tape ends with the call."""
        mode = "train" if recorded else "infer"  # the same bits, and without a tape less is written
        steps = part.of(inputs, self._arguments.whole)
        arrays = self._run_forward(sizes, steps, params, part.state, mode, recorded, panels)
        y[part.start : part.stop] = self._output(arrays)
        for name, array in recorded.items():
            array[part.start : part.stop] = self._steps(name, arrays)
        return self._final_state(arrays, sizes)

    def infer(self, x: Any, params: Mapping[str, Any] | Ready, state: Mapping[str, Array] | None = None, *,
              constants: Mapping[str, float] | None = None) -> tuple[Array, dict[str, Array]]:
        """Run a sequence without a tape; arguments as in `forward`, or what `prepare` returned for params.

        Returns:
            y (T, B, H), and the states after the last step, (B, H) each.
        """
        ready = params if isinstance(params, Ready) else self.prepare(params, copy=False)
        if ready.owner != self._owner:
            raise ValueError(f"{self._meta['cell']}: these parameters were prepared for another kernel.")
        sizes = dict(ready.sizes)
        inputs = self._arguments.check_inputs(x, sizes)
        initial_state = self._arguments.check_states("state", state, sizes)
        values, panels = {**ready.params, **self._arguments.check_constants(constants)}, ready.panels
        if constants is not None and hasattr(self._module, "derive"):  # matrices may be made of constants
            values, panels = self._with_derived(values), self._panels("forward", sizes)
            sizes.pop(".packed", None)
        steps = {name: plain(value) for name, value in self._slots(inputs).items()}
        arrays = self._run_forward(sizes, steps, values, initial_state, "infer", (), panels)
        return self._output(arrays), self._final_state(arrays, sizes)

    def prepare(self, params: Mapping[str, Any], *, copy: bool = True) -> Ready:
        """Check and pack the parameters once, for many calls of `infer`."""
        sizes: Sizes = {}
        checked = self._arguments.check_params(params, sizes)
        values = {name: np.array(value, order="C") if copy else plain(value) for name, value in checked.items()}
        values = self._with_derived({**values, **self._arguments.check_constants(None)})
        panels = self._panels("forward", sizes, kept=copy)
        ready = Ready(values, panels, sizes, self._owner)
        if copy:
            self._pack(sizes, values, panels)
            object.__setattr__(ready, "sizes", {**sizes, ".packed": PACKED})
        return ready

    def _slots(self, inputs: dict[str, Array]) -> dict[str, Array]:
        """Return the inputs as buffers have them, (slots, B, dim): an input of the whole sequence has one slot."""
        return {name: value[None] if name in self._arguments.whole else value for name, value in inputs.items()}

    def _with_derived(self, values: dict[str, Array]) -> dict[str, Array]:
        """Add what is computed from parameters and constants once per call, which a pass reads like a parameter."""
        if not hasattr(self._module, "derive"):
            return values
        with np.errstate(all="ignore"):  # as through the compiled part
            return {**values, **self._module.derive(values, self.dtype)}

    def _run_forward(self, sizes: Sizes, inputs: Mapping[str, Array], params: Mapping[str, Array],
                     state: Mapping[str, Array], mode: str, record: Iterable[str],
                     panels: Mapping[str, Array] | None = None) -> dict[str, tuple[Array, str]]:
        self._complete(sizes, "forward")
        wanted = frozenset(self._meta["named"][name]["buffer"] for name in record)
        arrays = self._allocate("forward", sizes, inputs, mode, wanted)
        for name in self._meta["states"]:
            arrays[name][0][0] = state.get(name, 0)
        if panels is None:
            panels = self._panels("forward", sizes)
        self._call(self._module.forward, sizes, arrays, params, panels)
        return arrays

    def _call(self, entry: Any, sizes: Sizes, arrays: Mapping[str, tuple[Array, str]],
              params: Mapping[str, Array], panels: Mapping[str, Array]) -> None:
        """Run a pass, its rows shared by threads where that pays."""
        B = sizes["B"]
        parts = [(0, B)]
        if self._threads > 1:
            weights = sum(panel.size for panel in panels.values())
            parts = threads.split(B, self._threads, float(weights) * B * sizes["T"])

        def task(first: int, last: int, **changed: int) -> None:
            span = {**sizes, ".from": first, ".to": last, **changed}
            entry(self.isa, self.dtype.itemsize, span, arrays, params, panels)

        if len(parts) == 1:
            task(0, B)
            return
        if sizes[".packed"] != PACKED:  # weights are packed once for all: a sequence of no steps does nothing else
            task(0, B, **{"T": 0, ".packed": PACK_FIRST})
        threads.run(parts, lambda first, last: task(first, last, **{".packed": PACKED}))

    def _complete(self, sizes: Sizes, direction: str) -> None:
        missing = [dim for dim in self._meta["dims"] if dim not in sizes]
        if missing:
            states = [name for name, dim in self._meta["states"].items() if dim in missing]
            raise ValueError(f"{self._meta['cell']}: neither x nor params tells the size {', '.join(missing)}; pass "
                             f"the initial state of {', '.join(states)}.")
        # Keys with a dot are the runtime's own; no dimension can be called so.
        chunk_width = self._meta[direction]["chunk_width"]
        sizes[".chunk"] = self.chunk or memory.chunk_steps(chunk_width, sizes, self.dtype.itemsize)
        sizes.setdefault(".packed", PACK_AS_USED if sizes["T"] == 1 else PACK_FIRST)

    def _allocate(self, direction: str, sizes: Sizes, given: Mapping[str, Array], mode: str,
                  wanted: frozenset[str] = frozenset()) -> dict[str, tuple[Array, str]]:
        """Return the arrays of a pass, and how many steps each holds; `wanted`: buffers kept because of `record`."""
        key = (direction, mode, wanted, *sizes.items())
        layout = self._layouts.get(key)
        if layout is None:
            if len(self._layouts) >= LAYOUTS:
                self._layouts.clear()
            layout = self._layouts[key] = self._layout(direction, sizes, mode, wanted)
        new, cell = self._pool.empty, self._meta["cell"]
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

    def _pack(self, sizes: Sizes, params: Mapping[str, Array], panels: Mapping[str, Array]) -> None:
        """Pack the weights of the forward pass: a sequence of no steps packs and does nothing else."""
        empty = {**dict.fromkeys(self._meta["dims"], 1), **sizes, "T": 0, "B": 0}
        none = {name: np.empty((0, 0, empty[dim]), self.dtype) for name, dim in self._meta["inputs"].items()}
        self._run_forward(empty, none, params, {}, "infer", (), panels)

    def _all_steps(self, name: str, dims: tuple[str, ...], sizes: Sizes) -> Array:
        shape = sizes["T"], sizes["B"], memory.width(dims, sizes)
        return self._pool.empty(f"result {name}", shape, self._meta["cell"])

    def _panels(self, direction: str, sizes: Sizes, kept: bool = False) -> dict[str, Array]:
        """Return memory for the packed weights of a pass; where they are kept it is nobody else's."""
        pool = memory.Pool(self.dtype) if kept else self._pool
        return {name: pool.empty(f"{direction} {name}", memory.panel_shape(panel, sizes, self.dtype),
                                 f"{self._meta['cell']}: packed weights {name}")
                for name, panel in self._meta[direction]["panels"].items()}

    def _output(self, arrays: Mapping[str, tuple[Array, str]]) -> Array:
        output = self._meta["output"]
        array = arrays[output["buffer"]][0]
        return array[1:] if output["is_state"] else array[:]  # a view: what a caller does to flags stays the caller's

    def _final_state(self, arrays: Mapping[str, tuple[Array, str]], sizes: Sizes) -> dict[str, Array]:
        T = sizes["T"]
        last = {name: T & 1 if arrays[name][1] == "ring" else T for name in self._meta["states"]}
        return {name: arrays[name][0][slot].copy() for name, slot in last.items()}

    # --- record ------------------------------------------------------------------------------------------

    def _check_record(self, record: Iterable[str]) -> tuple[str, ...]:
        names = (record,) if isinstance(record, str) else tuple(record or ())
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"{self._meta['cell']}: record must be names such as 'f', got {name!r}.")
            if name not in self._meta["named"]:
                message = unknown("quantity that changes from step to step called", name, self._meta["named"])
                raise ValueError(f"{self._meta['cell']}: record: {message}")
        return names

    def _steps(self, name: str, arrays: Mapping[str, tuple[Array, str]]) -> Array:
        """Return (T, B, dim) of a named quantity; of a state, its values after each step."""
        buffer = self._meta["named"][name]["buffer"]
        array = arrays[buffer][0]
        return array[1:] if buffer in self._meta["states"] else array

    def _numbers(self, name: str, steps: Array) -> Array:
        """Return a recorded array; what is one number per row loses the dimension of size 1."""
        return steps[..., 0] if self._meta["named"][name]["dims"] == (memory.ROW,) else steps

    # --- backward ----------------------------------------------------------------------------------------

    def backward(self, run: Run, dy: Array | None, dstate: Mapping[str, Array] | None = None) -> Gradients:
        """Return the gradients of a loss, given those with respect to y and to the final states.

        Args:
            run: what `forward` of this kernel returned.
            dy: (T, B, H), like run.y; None for zero.
            dstate: (B, H) per state; one left out is zero.

        Raises:
            TypeError, ValueError: as for `forward`; also a run of another kernel, or parameters that have
                changed since the forward pass.
        """
        tape = self._check_run(run)
        sizes = dict(tape.sizes)
        output = self._meta["output"]
        if dy is None:
            dy = np.zeros(run.y.shape, self.dtype)
        dy = self._arguments.array("dy", dy, ("T", "B", output["dim"]), sizes)
        last = self._arguments.check_states("dstate", dstate, sizes)
        panels = self._panels("backward", sizes)
        if tape.stretches:
            return self._backward_stretches(tape, sizes, plain(dy), last, panels)
        return self._backward(tape, sizes, tape.arrays, plain(dy), last, panels)

    def _backward_stretches(self, tape: _Tape, sizes: Sizes, dy: Array, last: dict[str, Array],
                            panels: dict[str, Array]) -> Gradients:
        again = self._panels("forward", sizes)
        whole = self._arguments.whole
        dx = {name: self._all_steps(f"dx {name}", (dim,), sizes) for name, dim in self._meta["inputs"].items()
              if name not in whole}
        params: dict[str, Array] = {}
        for k, part in enumerate(reversed(tape.stretches)):
            steps = part.of(tape.arrays, whole)
            arrays = self._run_forward(part.sizes(sizes, k > 0), steps, tape.params, part.state, "train", (), again)
            held = {name: array for name, (array, _) in arrays.items()}
            found = self._backward(tape, part.sizes(sizes, k > 0), held, dy[part.start : part.stop], last, panels)
            for name, array in dx.items():
                if name not in whole:
                    array[part.start : part.stop] = found.x[name] if isinstance(found.x, dict) else found.x
            dx |= {name: dx[name] + found.x[name] if k else found.x[name] for name in whole}
            last = found.state
            params = {name: params[name] + value if k else value for name, value in found.params.items()}
            del arrays, held, found  # one stretch's tape at a time
        dx = {name: dx[name][:] for name in self._meta["inputs"]}
        return Gradients(dx if tape.dict_x else next(iter(dx.values())), params, last)

    def _backward(self, tape: _Tape, sizes: Sizes, held: Mapping[str, Array], dy: Array, last: Mapping[str, Array],
                  panels: Mapping[str, Array]) -> Gradients:
        self._complete(sizes, "backward")
        # By name alone the forward pass's scratch would pass for this one's, where both compute a value.
        arrays = self._allocate("backward", sizes, {**held, self._meta["seed"]: dy}, "train")
        for name, adjoint in self._meta["dstate"].items():
            array, kind = arrays[adjoint]
            array[sizes["T"] & 1 if kind == "ring" else sizes["T"]] = last.get(name, 0)
        self._call(self._module.backward, sizes, arrays, tape.params, panels)
        return self._gradients(tape, arrays, sizes)

    def _gradients(self, tape: _Tape, arrays: Mapping[str, tuple[Array, str]], sizes: Sizes) -> Gradients:
        with np.errstate(all="ignore"):  # NaN and infinity pass in silence, as through the compiled part
            found = self._module.gradients(sizes, {name: array for name, (array, _) in arrays.items()}, self._gradient)
            if hasattr(self._module, "chain_rule"):
                self._module.chain_rule(tape.params, found, self.dtype)
        params = {name: found[name] if name in found else np.zeros_like(tape.params[name])
                  for name in self._arguments.learned}
        dx = {name: arrays[adjoint][0][0 if name in self._arguments.whole else slice(None)]
              for name, adjoint in self._meta["dx"].items()}
        state = {name: arrays[adjoint][0][0].copy() for name, adjoint in self._meta["dstate"].items()}
        return Gradients(dx if tape.dict_x else next(iter(dx.values())), params, state)

    def _gradient(self, name: str, shape: tuple[int, ...]) -> Array:
        return self._pool.empty(f"gradient {name}", shape, self._meta["cell"])

    def _fingerprints(self, params: Mapping[str, Array]) -> list[int]:
        """Return those of what came from the caller; what is computed of it belongs to the run."""
        found: list[int] = self._module.fingerprints(self.isa, [params[name] for name in self._given])
        return found

    def _check_run(self, run: object) -> _Tape:
        cell = self._meta["cell"]
        if not isinstance(run, Run):
            raise TypeError(f"{cell}: backward expects what forward returned, got {type(run).__name__}.")
        tape: _Tape = run.tape
        if tape.owner != self._owner:
            raise ValueError(f"{cell}: backward got the run of another kernel ({tape.owner[0].METADATA['cell']}, "
                             f"{tape.owner[1]}); call backward on the kernel that made the run.")
        now = zip(self._given, self._fingerprints(tape.params), tape.fingerprints, strict=True)
        changed = [name for name, found, expected in now if found != expected
                   or (name in self._meta["params"] and not _same(tape.given.get(name), tape.params[name]))]
        if changed:
            raise ValueError(f"{cell}: {', '.join(changed)} changed since the forward pass; the gradient would be "
                             "neither that of the old nor of the new values. Call forward again, or update after "
                             "backward.")
        return tape


def _recorded_kind(kind: str | None, is_state: bool) -> str:
    return "history" if is_state else "all" if kind != "history" else kind


def _same(now: Any, then: Array) -> bool:
    """Compare bit for bit, so that NaN equals itself; a scalar may have been given as a plain number."""
    if now is then:
        return True
    if not isinstance(now, np.ndarray):
        if then.shape != () or not isinstance(now, numbers.Real):
            return False
        now = np.asarray(now, then.dtype)
    if now.dtype != then.dtype or now.shape != then.shape:
        return False
    if not now.flags.c_contiguous or now.nbytes < COPY_BYTES:
        return now.tobytes() == then.tobytes()
    bits = np.dtype(f"u{then.itemsize}")  # integers: no copies of the bytes
    return bool((now.view(np.ndarray).view(bits) == then.view(bits)).all())
