"""Oracle 3: the declaration run step by step with NumPy, functions written anew, no graph.

Outputs and final states are compared entry by entry; gradients by derivatives in random directions, taken by complex
steps of this second implementation. (The base cells have NumPy references written by hand besides, in
tests/zoo/references.py.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from symcell.declare.functions import FUNCTIONS
from symcell.declare.spec import CellSpec
from symcell.graph.adjoint import adjoint
from symcell.graph.ir import Graph
from symcell.graph.lower import lower
from symcell.proof.declared import one_step
from symcell.proof.definitions import UnknownFunctionError, defined
from symcell.proof.kinks import clear_problem
from symcell.proof.numeric import CENTRAL, CLEAR, difference, is_analytic, sizes_of
from symcell.proof.plain import calls
from symcell.proof.problem import Problem, run_graphs
from symcell.proof.result import FINAL, OUTPUT, Outcome, Results, compare

Array = Any
ORACLE = "declaration, step by step"
DIRECTIONS = 4
TOLERANCE = 1e-11  # rounding, as in symcell.proof.numeric


class NumPyPrimitives:
    """The primitives on float64 and complex128; a step looks at real parts."""

    exp, log, tanh, root = map(staticmethod, (np.exp, np.log, np.tanh, np.sqrt))

    @staticmethod
    def sigmoid(x: Array) -> Array:
        """By the half-angle identity, which does not overflow."""
        return (1 + np.tanh(x / 2)) / 2

    @staticmethod
    def softplus(x: Array) -> Array:
        """log(1 + exp(x)), for x of moderate size."""
        return np.log(1 + np.exp(x))

    @staticmethod
    def erf(x: Array) -> Array:
        """Of a complex argument to first order in its imaginary part, which is a complex step."""
        real = np.real(x)
        slope = 2 / math.sqrt(math.pi) * np.exp(-real * real)
        value = np.vectorize(math.erf, otypes=[np.float64])(real)
        return value + 1j * slope * np.imag(x) if np.iscomplexobj(x) else value

    @staticmethod
    def step(x: Array) -> Array:
        """1 for x > 0."""
        return np.where(np.real(x) > 0, 1.0, 0.0)


class NumPy:
    """NumPy as a library of arrays."""

    def constant(self, value: float | list[list[float]]) -> Array:
        """A number as an array."""
        return np.asarray(value)

    def real(self, value: Array) -> Array:
        """Comparisons of complex numbers are by real parts."""
        return np.real(value)

    def broadcast(self, value: Array, shape: tuple[int, ...]) -> Array:
        """The array with this shape."""
        return np.broadcast_to(value, shape)

    def apply(self, vector: Array, matrix: Array) -> Array:
        """The product of (B, n) and (n, m)."""
        return np.dot(vector, matrix)

    def reduce(self, kind: str, array: Array) -> Array:
        """A reduction; the largest of complex numbers is that of the largest real part."""
        if kind in ("sum", "mean"):
            return np.sum(array, -1, keepdims=True) / (1 if kind == "sum" else array.shape[-1])
        largest = np.real(array) == np.max(np.real(array), -1, keepdims=True)
        first = largest & (np.cumsum(largest, -1) == 1)
        return np.sum(np.where(first, array, 0), -1, keepdims=True)

    def function(self, name: str) -> Callable[..., Array]:
        """The function written anew, or that of the table where a user added it."""
        if name == "where":
            return np.where
        try:
            return defined(NumPyPrimitives(), name)
        except UnknownFunctionError:
            return FUNCTIONS[name].row.numpy


def run_declaration(spec: CellSpec, problem: Problem) -> Results:
    """Outputs and final states."""
    state, outputs = dict(problem.state), []
    for t in range(problem.T):
        given = {**problem.params, **problem.constants, **problem.now(t, problem.inputs), **state}
        state, y = one_step(spec, NumPy(), problem.sizes["B"], problem.sizes, given)
        outputs.append(y)
    return {(OUTPUT, "y"): np.array(outputs), **{(FINAL, name): array for name, array in state.items()}}


def check(spec: CellSpec) -> list[Outcome]:
    """Compare outputs, final states, and the derivatives in random directions."""
    forward = lower(spec)
    sizes, T = sizes_of(spec, B=3, first=4), 5
    problem = clear_problem(spec, forward, T, sizes, CLEAR)
    derived = run_graphs(forward, adjoint(forward), problem)
    # Kinks look at real parts here: complex steps hold for all but functions that a user added.
    analytic = _all_known(forward) or is_analytic(forward)
    random = np.random.default_rng(0)
    ours, expected = dict(derived), dict(run_declaration(spec, problem))
    for key, at in problem.variables.items():
        directions = random.normal(size=(DIRECTIONS, *at.shape))
        expected[key] = np.array([difference(_loss(spec, problem, key), at, v, analytic) for v in directions])
        ours[key] = np.array([np.sum(derived[key] * v) for v in directions])
    shown = ", ".join(f"{dim}={size}" for dim, size in {"T": T, **sizes}.items())
    how = f"NumPy, without the graph; gradients in {DIRECTIONS} random directions, {shown}"
    return compare(ORACLE, ours, expected, TOLERANCE if analytic else CENTRAL, how)


def _loss(spec: CellSpec, problem: Problem, key: tuple[str, str]) -> Callable[[Array], Any]:
    def loss(array: Array) -> Any:
        changed = problem.with_variable(key, array)
        results = run_declaration(spec, changed)
        return changed.loss(results[OUTPUT, "y"], {name: results[FINAL, name] for name in changed.dstate})

    return loss


def _all_known(graph: Graph) -> bool:
    library = NumPyPrimitives()
    try:
        for name in {call.row.name for call in calls(graph)} - {"where"}:
            defined(library, name)
    except UnknownFunctionError:
        return False
    return True
