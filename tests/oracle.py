"""Run any cell in float64 through the graph interpreter, on random data: what others are compared with.

    sample = Sample.draw(LSTM, T=7, B=3, I=5, H=4, seed=1)
    results = run(LSTM, sample)
    assert_close(other, results, tolerance=1e-9)

The loss whose gradients these are is sum(dy * y) + sum over the states of sum(dstate[s] * state[s]).
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass, field

import numpy as np

from symcell.declare.cell import Cell
from symcell.graph.adjoint import adjoint
from symcell.graph.interpret import interpret
from symcell.graph.ir import Graph
from symcell.graph.lower import lower

Arrays = dict[str, np.ndarray]
DEFAULT_SIZE = 3  # of a dimension that no keyword names


@functools.cache
def graphs(cell: type[Cell]) -> tuple[Graph, Graph]:
    """The forward graph of a cell and its adjoint, made once."""
    forward = lower(cell.spec)
    return forward, adjoint(forward)


@dataclass(frozen=True)
class Sample:
    """Everything that a forward and a backward run take.

    x: (T, B, I), a dict of such arrays where the cell has several inputs, (B, dim) those of the whole sequence.
    dy: like y. state and dstate: (B, dim) by the name of the state. sizes: of every dimension of the cell, and "T"
    and "B".
    """

    x: np.ndarray | Arrays
    params: Arrays
    state: Arrays
    dy: np.ndarray
    dstate: Arrays
    sizes: dict[str, int]
    constants: dict[str, float] = field(default_factory=dict)

    @classmethod
    def draw(cls, cell: type[Cell], T: int = 4, B: int = 3, seed: int = 0, **sizes: int) -> Sample:
        """Draw normal numbers; matrices are scaled so that gates do not saturate at larger sizes."""
        spec, random = cell.spec, np.random.default_rng(seed)
        sizes = {dim: sizes.get(dim, DEFAULT_SIZE) for dim in spec.dims} | {"T": T, "B": B}

        def normal(*dims: str) -> np.ndarray:
            return random.normal(size=tuple(sizes[dim] for dim in dims))

        inputs = {name: normal(*(() if name in spec.whole else "T"), "B", dim) for name, dim in spec.inputs}
        params = {p.name: normal(*p.dims) for p in spec.parameters}
        for name in (p.name for p in spec.parameters if len(p.dims) == 2):
            params[name] /= max(1, params[name].shape[1]) ** 0.5
        forward, _ = graphs(cell)
        return cls(
            x=next(iter(inputs.values())) if len(inputs) == 1 else inputs,
            params=params,
            state={name: normal("B", dim) for name, dim in spec.states},
            dy=normal("T", "B", *forward.value(forward.outputs[0]).dims),
            dstate={name: normal("B", dim) for name, dim in spec.states},
            sizes=sizes,
            constants=dict(spec.constants),
        )

    def inputs(self, cell: type[Cell]) -> Arrays:
        """The inputs by name."""
        return self.x if isinstance(self.x, dict) else {cell.spec.inputs[0][0]: self.x}

    def with_params(self, **params: np.ndarray) -> Sample:
        """The same data with other parameters: these, and no others."""
        return dataclasses.replace(self, params=params)


@dataclass(frozen=True)
class Results:
    """y and the final state; the gradients of the loss by x, the parameters and the initial state."""

    y: np.ndarray
    state: Arrays
    dx: np.ndarray | Arrays
    dparams: Arrays
    dstate: Arrays

    def flat(self) -> Arrays:
        """Every array under one name: "y", "state h", "dx", "dparams W", "dstate h"."""
        parts: Arrays = {}
        for part in dataclasses.fields(self):
            value = getattr(self, part.name)
            if isinstance(value, dict):
                parts |= {f"{part.name} {key}": array for key, array in value.items()}
            else:
                parts[part.name] = value
        return parts


def run(cell: type[Cell], sample: Sample) -> Results:
    """Interpret the forward graph and its adjoint."""
    forward, backward = graphs(cell)
    T, params, inputs = sample.sizes["T"], {**sample.params, **sample.constants}, sample.inputs(cell)
    trace = interpret(forward, T, inputs, params, sample.state, sample.sizes)
    output, adjoints = forward.outputs[0], backward.adjoints
    steps = {value.name: trace.steps[value.name] for value in backward.with_role("saved")}
    steps[adjoints[f"{output}.out"]] = sample.dy
    later = {back.previous: sample.dstate[carry.previous]
             for back, carry in zip(backward.carries, forward.carries, strict=True)}
    swept = interpret(backward, T, steps, params, later, sample.sizes)
    dx = {name: swept.steps[adjoints[name]] for name in inputs}
    return Results(
        y=trace.steps[output],
        state=dict(trace.carries),
        dx=dx if isinstance(sample.x, dict) else next(iter(dx.values())),
        dparams={p.name: swept.sums[adjoints[p.name]] for p in cell.spec.parameters if p.learned},
        dstate={carry.previous: swept.carries[back.previous]
                for back, carry in zip(backward.carries, forward.carries, strict=True)},
    )


def assert_close(got: Results, expected: Results, tolerance: float) -> None:
    """Compare all arrays, by name, shape and value. NaN anywhere, a missing array and one too many fail too.

    The tolerance is relative to the array's largest entry, and absolute where that is below 1.
    """
    ours, theirs = got.flat(), expected.flat()
    assert set(ours) == set(theirs), f"other arrays: {sorted(set(ours) ^ set(theirs))}"
    for name, array in theirs.items():
        assert ours[name].shape == array.shape, f"{name}: shape {ours[name].shape}, expected {array.shape}"
        scale = max(1.0, float(np.abs(array).max(initial=0.0)))
        error = float(np.abs(ours[name] - array).max(initial=0.0)) / scale
        assert error <= tolerance, f"{name}: error {error:.3g}, tolerance {tolerance:.3g}"


def assert_alive(results: Results) -> None:
    """Every output and every gradient has an entry that is not 0: comparing them says something."""
    dead = [name for name, array in results.flat().items() if not np.any(array)]
    assert not dead, f"all zero: {', '.join(dead)}"
