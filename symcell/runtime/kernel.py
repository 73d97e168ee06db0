"""Kernel: a generated module with checked arguments and managed memory. It imports NumPy only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from symcell.runtime import checkpoint as checkpoints
from symcell.runtime import initial, memory
from symcell.runtime.arguments import Arguments, Array, check_size, plain, unknown
from symcell.runtime.checked import Checks, Key
from symcell.runtime.passes import Passes
from symcell.runtime.run import Gradients, Ready, Run
from symcell.runtime.tape import Tape

DTYPES = ("float32", "float64")


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
        self._meta: Mapping[str, Any] = module.METADATA
        self.dtype = np.dtype(dtype)
        self._passes = Passes(module, self.dtype)
        self._arguments = Arguments(self._meta, self.dtype)
        self._checks = Checks(self._arguments, self._meta)
        self._given = (*self._meta["params"], *self._meta["constants"])  # what a caller hands over for a whole call
        self._owner = (module, dtype)  # of what this kernel hands out and takes back

    @property
    def threads(self) -> int:
        """How many threads may share the work; at first the cores this process may use. No bit depends on it.

        All kernels of a process have one pool: a call that comes while another one's work is on computes alone.
        """
        return self._passes.threads

    @threads.setter
    def threads(self, count: int) -> None:
        self._passes.threads = check_size("threads", count)

    @property
    def chunk(self) -> int | None:
        """How many steps are treated together; None: by size. Results do not depend on it."""
        return self._passes.chunk

    @chunk.setter
    def chunk(self, steps: int | None) -> None:
        self._passes.chunk = None if steps is None else check_size("chunk", steps)

    @property
    def isa(self) -> str:
        """The instruction set in use."""
        return self._passes.isa

    def __repr__(self) -> str:
        return f"<symcell kernel {self._meta['name']}, {self.dtype}, {self.isa}>"

    @property
    def name(self) -> str:
        """The module's name."""
        return str(self._meta["name"])

    @property
    def path(self) -> Path:
        """The file of the extension module."""
        return Path(str(self._passes.module.__file__))

    def astype(self, dtype: str) -> Kernel:
        """Return a kernel of the same module that computes in float32 or float64."""
        return Kernel(self._passes.module, dtype)

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
        sizes, inputs, checked, initial_state = self._checks.call(x, params, state)
        # What the caller does to x or to the parameters later must not reach the gradient. The run keeps a copy of what
        # backward reads of x; of parameters, which are changed between steps, it keeps none, and refuses changed ones.
        kept = self._passes.with_derived({**checked, **self._arguments.check_constants(constants)})
        reread = inputs if checkpoint is not None else self._meta["backward"]["buffers"]
        steps = {name: self._copy(name, value) if name in reread else plain(value)
                 for name, value in self._slots(inputs).items()}
        record = self._check_record(record)
        if checkpoint is not None:
            every = self._arguments.check_steps("checkpoint", checkpoint)
            return self._forward_stretches(sizes, steps, kept, initial_state, record, every, x, params)
        buffers = self._passes.forward(sizes, steps, kept, initial_state, "train", record)
        tape = Tape(self._owner, sizes, buffers.held(), kept, params, self._fingerprints(kept),
                    not isinstance(x, np.ndarray))
        recorded = {name: self._passes.steps(name, buffers).copy() for name in record}
        return self._run(self._passes.output(buffers), self._passes.states_after(buffers), recorded, tape)

    def _forward_stretches(self, sizes: Key, steps: dict[str, Array], params: dict[str, Array],
                           state: Mapping[str, Array], record: tuple[str, ...], every: int, x: Any,
                           given: Mapping[str, Any]) -> Run:
        state = {name: np.array(value, order="C") for name, value in state.items()}
        y = self._passes.all_steps("y", (self._meta["output"]["dim"],), sizes)
        recorded = {name: self._passes.all_steps(name, self._meta["named"][name]["dims"], sizes) for name in record}
        stretches, last = checkpoints.forward(self._passes, sizes, steps, params, state, y, recorded, every)
        tape = Tape(self._owner, sizes, steps, params, given, self._fingerprints(params), not isinstance(x, np.ndarray),
                    stretches)
        recorded = {name: array[:] for name, array in recorded.items()}
        return self._run(y[:], {name: value.copy() for name, value in last.items()}, recorded, tape)

    def _run(self, y: Array, state: dict[str, Array], recorded: dict[str, Array], tape: Tape) -> Run:
        y.flags.writeable = False  # backward may read it
        for name, array in recorded.items():
            if self._meta["named"][name]["dims"] == (memory.ROW,):  # one number per row has no dimension of its own
                recorded[name] = array[..., 0]
        return Run(y, state, recorded, tape)

    def infer(self, x: Any, params: Mapping[str, Any] | Ready, state: Mapping[str, Array] | None = None, *,
              constants: Mapping[str, float] | None = None) -> tuple[Array, dict[str, Array]]:
        """Run a sequence without a tape; arguments as in `forward`, or what `prepare` returned for params.

        Returns:
            y (T, B, H), and the states after the last step, (B, H) each.
        """
        prepared = params if isinstance(params, Ready) else None
        if prepared is None:
            sizes, inputs, values, initial_state = self._checks.call(x, params, state)
        elif prepared.owner != self._owner:
            raise ValueError(f"{self._meta['cell']}: these parameters were prepared for another kernel.")
        else:
            sizes, inputs, _, initial_state = self._checks.prepared(x, state, prepared.sizes)
            values = dict(prepared.params)
        if prepared is None or constants is not None:
            values = {**values, **self._arguments.check_constants(constants)}
            if self._passes.derives:  # matrices may be made of constants
                values, prepared = self._passes.with_derived(values), None
        steps = {name: plain(value) for name, value in self._slots(inputs).items()}
        panels = prepared.panels if prepared else None
        buffers = self._passes.forward(sizes, steps, values, initial_state, "infer", (), panels, prepared is not None)
        return self._passes.output(buffers), self._passes.states_after(buffers)

    def prepare(self, params: Mapping[str, Any]) -> Ready:
        """Check and pack the parameters once, for many calls of `infer`."""
        sizes, checked = self._checks.params(params)
        values = {name: np.array(value, order="C") for name, value in checked.items()}
        values = self._passes.with_derived({**values, **self._arguments.check_constants(None)})
        return Ready(values, self._passes.prepared(sizes, values), sizes, self._owner)

    def _slots(self, inputs: dict[str, Array]) -> dict[str, Array]:
        """Return the inputs as buffers have them, (slots, B, dim): an input of the whole sequence has one slot."""
        whole = self._arguments.whole
        return {name: value[None] if name in whole else value for name, value in inputs.items()} if whole else inputs

    def _copy(self, name: str, value: Array) -> Array:
        return self._passes.pool.copy(f"input {name}", value, self._meta["cell"])

    def _check_record(self, record: Iterable[str]) -> tuple[str, ...]:
        names = (record,) if isinstance(record, str) else tuple(record or ())
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"{self._meta['cell']}: record must be names such as 'f', got {name!r}.")
            if name not in self._meta["named"]:
                message = unknown("quantity that changes from step to step called", name, self._meta["named"])
                raise ValueError(f"{self._meta['cell']}: record: {message}")
        return names

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
        if dy is None:
            dy = np.zeros(run.y.shape, self.dtype)
        dy, last = self._checks.gradient(dy, dstate, tape.sizes)
        if tape.stretches:
            dx = {name: self._passes.all_steps(f"dx {name}", (dim,), tape.sizes)
                  for name, dim in self._meta["inputs"].items() if name not in self._arguments.whole}
            found = checkpoints.backward(
                self._passes, tape.sizes, tape.stretches, tape.arrays, tape.params, dy, last, dx)
        else:
            buffers = self._passes.backward(tape.sizes, tape.arrays, tape.params, dy, last)
            found = self._passes.gradients(buffers, tape.params)
        x = {name: found.x[name] for name in self._meta["inputs"]} if tape.dict_x else next(iter(found.x.values()))
        return Gradients(x, found.params, found.state)

    def _fingerprints(self, params: Mapping[str, Array]) -> list[int]:
        """Return those of what came from the caller; what is computed of it belongs to the run."""
        return self._passes.fingerprints([*params.values()][: len(self._given)])

    def _check_run(self, run: object) -> Tape:
        cell = self._meta["cell"]
        if not isinstance(run, Run):
            raise TypeError(f"{cell}: backward expects what forward returned, got {type(run).__name__}.")
        tape: Tape = run.tape
        if tape.owner != self._owner:
            raise ValueError(f"{cell}: backward got the run of another kernel ({tape.owner[0].METADATA['cell']}, "
                             f"{tape.owner[1]}); call backward on the kernel that made the run.")
        changed = tape.changed(self._meta["params"], self._fingerprints(tape.params))
        if changed:
            raise ValueError(f"{cell}: {', '.join(changed)} changed since the forward pass; the gradient would be "
                             "neither that of the old nor of the new values. Call forward again, or update after "
                             "backward.")
        return tape
