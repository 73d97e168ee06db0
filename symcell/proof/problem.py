"""A sequence on which implementations are compared: all that a cell takes, and what its graphs make of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symcell.declare.spec import CellSpec
from symcell.graph.evaluate import Functions, number, numpy_function
from symcell.graph.interpret import Trace, interpret
from symcell.graph.ir import Graph
from symcell.proof.result import D_INPUT, D_PARAM, D_STATE, FINAL, OUTPUT, Results

Array = Any
Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Problem:
    """The arrays of one call, by name. The loss is sum(dy * y) + the sum over states of sum(dstate * state).

    inputs: (T, B, dim), or (B, dim). params: as declared. constants: numbers. state, dstate: (B, dim). dy: like y.
    sizes: of every dimension, and "B".
    """

    T: int
    sizes: Mapping[str, int]
    inputs: Arrays
    params: Arrays
    constants: Arrays
    state: Arrays
    dy: Array
    dstate: Arrays
    fixed: tuple[str, ...] = ()  # the parameters that are not learned
    whole: tuple[str, ...] = ()  # the inputs of the whole sequence: (B, dim)

    @property
    def given(self) -> dict[tuple[str, str], Array]:
        """Everything but the constants, under the keys of gradients."""
        groups = ((D_INPUT, self.inputs), (D_PARAM, self.params), (D_STATE, self.state))
        return {(group, name): array for group, arrays in groups for name, array in arrays.items()}

    @property
    def variables(self) -> dict[tuple[str, str], Array]:
        """What gradients are taken by, under the keys of the gradients."""
        return {key: array for key, array in self.given.items() if key not in [(D_PARAM, name) for name in self.fixed]}

    def now(self, t: int, named: Arrays) -> dict[str, Array]:
        """The inputs that step t sees, of arrays of any library by name."""
        return {name: named[name] if name in self.whole else named[name][t] for name in self.inputs}

    def with_variable(self, key: tuple[str, str], array: Array) -> Problem:
        """The same problem with another array in one place."""
        group, name = key
        if group == D_INPUT:
            return replace(self, inputs={**self.inputs, name: array})
        if group == D_PARAM:
            return replace(self, params={**self.params, name: array})
        return replace(self, state={**self.state, name: array})

    def loss(self, y: Array, state: Arrays) -> Any:
        """The loss of these results."""
        return (y * self.dy).sum() + sum((state[name] * self.dstate[name]).sum() for name in self.dstate)


def build(spec: CellSpec, T: int, sizes: Mapping[str, int], make: Callable[[str, tuple[int, ...]], Array],
          constant: Callable[[float], Any] = float) -> Problem:
    """Return a problem whose arrays `make` gives, by a name that is unique and a shape; sizes has "B" too."""
    dims_of = {equation.name: equation.dims for equation in spec.equations}

    def array(name: str, *dims: str) -> Array:
        return make(name, tuple(T if dim == "T" else sizes[dim] for dim in dims))

    return Problem(
        T, dict(sizes),
        inputs={name: array(name, *(() if name in spec.whole else ("T",)), "B", dim) for name, dim in spec.inputs},
        params={p.name: array(p.name, *p.dims) for p in spec.parameters},
        constants={name: np.asarray(constant(value)) for name, value in spec.constants},
        state={name: array(name, "B", dim) for name, dim in spec.states},
        dy=array(".dy", "T", "B", *dims_of[spec.output]),
        dstate={name: array(f".d{name}", "B", dim) for name, dim in spec.states},
        fixed=tuple(p.name for p in spec.parameters if not p.learned), whole=spec.whole,
    )


def random_problem(spec: CellSpec, T: int, sizes: Mapping[str, int], seed: int, positive: bool = False,
                   scale: float = 1.0, constants: float = 1.0, dtype: Any = np.float64) -> Problem:
    """Draw normal numbers, or their absolute values; matrices are scaled so that gates do not saturate.

    dtype: of the kernel that will see the numbers; the arrays hold float64 that are exact in it.
    """
    random = np.random.default_rng(seed)
    matrices = {p.name for p in spec.parameters if len(p.dims) == 2}

    def make(name: str, shape: tuple[int, ...]) -> Array:
        drawn = random.normal(size=shape)
        drawn = np.abs(drawn) + 0.1 if positive and not name.startswith(".") else drawn
        drawn = drawn / max(1, shape[-1]) ** 0.5 if name in matrices else drawn
        return np.asarray(scale * drawn).astype(dtype).astype(np.float64)

    return build(spec, T, sizes, make, lambda value: float(np.asarray(constants * value, dtype)))


@dataclass(frozen=True)
class Seeds:
    """Adjoints that come in: of a graph's outputs, final carries and sums, by their names in the graph."""

    outputs: Arrays
    carries: Arrays
    sums: Arrays


def sweep(graph: Graph, backward: Graph, T: int, steps: Arrays, params: Arrays, carries: Arrays, seeds: Seeds,
          sizes: Mapping[str, int], functions: Functions = numpy_function, constant: Any = number,
          ) -> tuple[Trace, dict[str, Array]]:
    """Run a graph and then its adjoint; return the graph's trace, and the adjoints of what it was given.

    It serves any graph: `graph` may itself be a backward graph, and `backward` its adjoint.
    """
    trace = interpret(graph, T, steps, params, carries, sizes, functions, constant)
    adjoints = backward.adjoints
    saved = {value.name: trace.steps[value.name] for value in backward.with_role("saved")}
    incoming = {adjoints[f"{name}.out"]: seed for name, seed in seeds.outputs.items()}
    given = {**params, **trace.sums, **{adjoints[name]: seed for name, seed in seeds.sums.items()}}
    pairs = [(ours.previous, theirs.previous)
             for ours, theirs in zip(backward.carries, graph.carries, strict=True)]
    later = {ours: seeds.carries[theirs] for ours, theirs in pairs}
    swept = interpret(backward, T, {**saved, **incoming}, given, later, sizes, functions, constant)
    found = {name: swept.steps[adjoints[name]] for name in steps}
    found |= {value.name: swept.sums[adjoints[value.name]] for value in graph.with_role("param")}
    return trace, found | {theirs: swept.carries[ours] for ours, theirs in pairs}


def run_graphs(forward: Graph, backward: Graph, problem: Problem, functions: Functions = numpy_function,
               constant: Any = number) -> Results:
    """What the two graphs of a cell make of a problem."""
    seeds = Seeds({forward.outputs[0]: problem.dy}, problem.dstate, {})
    params = {**problem.params, **problem.constants}
    with np.errstate(all="ignore"):  # a NaN fails when it is compared
        trace, found = sweep(forward, backward, problem.T, problem.inputs, params, problem.state, seeds,
                             problem.sizes, functions, constant)
    results = {(OUTPUT, "y"): trace.steps[forward.outputs[0]]}
    results |= {(FINAL, name): array for name, array in trace.carries.items()}
    return results | {key: found[key[1]] for key in problem.variables}
