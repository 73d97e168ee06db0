"""Reference: a kernel's methods, computed by the float64 interpreter of the graphs. No compiler is needed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symcell.declare.symbols import ROW
from symcell.graph.interpret import Trace, interpret
from symcell.graph.ir import Graph
from symcell.runtime import initial
from symcell.runtime.arguments import Arguments, Array, Sizes, unknown
from symcell.runtime.run import Gradients, Run


@dataclass(frozen=True)
class _Tape:
    owner: object
    sizes: Sizes
    trace: Trace
    params: dict[str, Array]
    given: Mapping[str, Any]
    dict_x: bool


class Reference:
    """Slow, plain and exact: what a compiled kernel is compared with."""

    isa = "numpy"

    def __init__(self, metadata: Mapping[str, Any], forward: Graph, backward: Graph) -> None:
        """Interpret these graphs; the metadata gives names, dimensions and initial values."""
        self._meta, self._forward, self._backward = metadata, forward, backward
        self.dtype = np.dtype("float64")
        self._arguments = Arguments(metadata, self.dtype)
        self._output = forward.outputs[0]
        self.threads = 1  # as a kernel has it; there is only one

    def __repr__(self) -> str:
        return f"<symcell reference {self._meta['name']}, {self.dtype}>"

    def init_params(self, /, seed: int = 0, **dims: int) -> dict[str, Array]:
        """As Kernel.init_params."""
        return initial.init_params(self._meta, self.dtype, seed, dims)

    def explain(self) -> str:
        """Return the graphs that are interpreted."""
        return f"{self!r}\n\n{self._forward}\n\n{self._backward}"

    def forward(self, x: Any, params: Mapping[str, Any], state: Mapping[str, Array] | None = None, *,
                record: Iterable[str] = (), constants: Mapping[str, float] | None = None) -> Run:
        """As Kernel.forward."""
        sizes: Sizes = {}
        checked = self._arguments.check_params(params, sizes)
        inputs = self._arguments.check_inputs(x, sizes)
        first = self._arguments.check_states("state", state, sizes)
        missing = [dim for dim in self._meta["dims"] if dim not in sizes]
        if missing:
            raise ValueError(f"{self._meta['cell']}: neither x nor params tells the size {', '.join(missing)}; pass "
                             "the initial state.")
        values = {name: np.array(value) for name, value in checked.items()} | self._arguments.check_constants(constants)
        carries = {name: first.get(name, np.zeros((sizes["B"], sizes[dim])))
                   for name, dim in self._meta["states"].items()}
        steps = {name: np.array(value) for name, value in inputs.items()}
        trace = interpret(self._forward, sizes["T"], steps, values, carries, sizes)
        tape = _Tape(self._forward, sizes, trace, values, params, isinstance(x, Mapping))
        y = trace.steps[self._output].copy()
        state_after = {name: np.array(array) for name, array in trace.carries.items()}
        return Run(y, state_after, self._recorded(record, trace), tape)

    def _recorded(self, record: Iterable[str], trace: Trace) -> dict[str, Array]:
        result = {}
        for name in (record,) if isinstance(record, str) else record or ():
            if name not in self._meta["named"]:
                message = unknown("quantity that changes from step to step called", name, self._meta["named"])
                raise ValueError(f"{self._meta['cell']}: record: {message}")
            steps = trace.steps[f"{name}.next" if name in self._meta["states"] else name]
            result[name] = (steps[..., 0] if self._meta["named"][name]["dims"] == (ROW,) else steps).copy()
        return result

    def infer(self, x: Any, params: Mapping[str, Any], state: Mapping[str, Array] | None = None, *,
              constants: Mapping[str, float] | None = None) -> tuple[Array, dict[str, Array]]:
        """As Kernel.infer."""
        run = self.forward(x, params, state, constants=constants)
        return run.y, run.state

    def prepare(self, params: Mapping[str, Any]) -> dict[str, Array]:
        """As Kernel.prepare: there is nothing to pack, so this is a checked copy."""
        return {name: np.array(value) for name, value in self._arguments.check_params(params, {}).items()}

    def backward(self, run: Run, dy: Array | None, dstate: Mapping[str, Array] | None = None) -> Gradients:
        """As Kernel.backward."""
        tape = run.tape
        if not isinstance(tape, _Tape) or tape.owner is not self._forward:
            raise ValueError(f"{self._meta['cell']}: backward got the run of another kernel.")
        sizes, backward = dict(tape.sizes), self._backward
        dy = np.zeros(run.y.shape) if dy is None else dy
        dy = self._arguments.array("dy", dy, ("T", "B", self._meta["output"]["dim"]), sizes)
        last = self._arguments.check_states("dstate", dstate, sizes)
        steps = {value.name: tape.trace.steps[value.name] for value in backward.with_role("saved")}
        steps[self._meta["seed"]] = dy
        order = zip(backward.carries, self._meta["states"], strict=True)
        carries = {carry.previous: last.get(name, np.zeros((sizes["B"], sizes[self._meta["states"][name]])))
                   for carry, name in order}
        trace = interpret(backward, sizes["T"], steps, tape.params, carries, sizes)
        return self._gradients(trace, tape)

    def _gradients(self, trace: Trace, tape: _Tape) -> Gradients:
        adjoints = self._backward.adjoints
        dx = {name: trace.steps[adjoint] for name, adjoint in self._meta["dx"].items()}
        params = {name: trace.sums[adjoints[name]] if name in adjoints else np.zeros_like(tape.params[name])
                  for name in self._arguments.learned}
        state = {name: np.array(trace.carries[carry.previous])
                 for carry, name in zip(self._backward.carries, self._meta["states"], strict=True)}
        return Gradients(dx if tape.dict_x else next(iter(dx.values())), params, state)
