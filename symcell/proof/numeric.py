"""Oracle 2: the interpreted gradient against differences of the interpreted forward pass, entry by entry.

Where every function is analytic, by a complex step: f(x + ih) = f(x) + ih f'(x) - ..., whose imaginary part has
no cancellation, so that h can be 1e-30 and the result is exact to rounding (Squire and Trapp 1998, SIAM Review 40).
Elsewhere by central differences, at a point that is clear of the kinks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from symcell.declare.spec import CellSpec
from symcell.graph.adjoint import adjoint
from symcell.graph.interpret import interpret
from symcell.graph.ir import Graph
from symcell.graph.lower import lower
from symcell.proof.kinks import clear_problem
from symcell.proof.plain import calls
from symcell.proof.problem import Problem, run_graphs
from symcell.proof.result import GRADIENTS, Outcome, Results, compare

Array = Any
ORACLE = "differences"
STEP = 1e-30
EXACT = 1e-11  # rounding of sums of some hundred terms, of which the largest is some hundred times the gradient
CENTRAL_STEP = 1e-5  # the balance of step**2 and eps / step
CENTRAL = 1e-6  # step**2 * f''' / 6 is 1e-10 and eps * loss / step 1e-9, each times what f has of both
CLEAR = 1e-3  # from kinks: a hundred times the step, which weights and later steps may amplify


def sizes_of(spec: CellSpec, B: int = 2, first: int = 3) -> dict[str, int]:
    """A size of its own for every dimension, so that no two can be mistaken for each other."""
    return {"B": B, **{dim: first + k for k, dim in enumerate(spec.dims)}}


def is_analytic(graph: Graph) -> bool:
    """Whether complex steps hold for every function of the graph."""
    return all(call.row.analytic for call in calls(graph))


def difference(loss: Callable[[Array], Any], at: Array, direction: Array, analytic: bool) -> float:
    """The derivative of `loss` at a point in a direction."""
    if analytic:
        return float(np.imag(loss(at + 1j * STEP * direction)) / STEP)
    there, back = loss(at + CENTRAL_STEP * direction), loss(at - CENTRAL_STEP * direction)
    return float((there - back) / (2 * CENTRAL_STEP))


def check(spec: CellSpec) -> list[Outcome]:
    """Compare every entry of every gradient."""
    forward = lower(spec)
    analytic, sizes, T = is_analytic(forward), sizes_of(spec), 3
    problem = clear_problem(spec, forward, T, sizes, CLEAR)
    derived = run_graphs(forward, adjoint(forward), problem)
    means = "complex step" if analytic else "central differences away from kinks,"
    shown = ", ".join(f"{dim}={size}" for dim, size in {"T": T, **sizes}.items())
    return compare(ORACLE, {key: derived[key] for key in problem.variables}, differences(forward, problem, analytic),
                   EXACT if analytic else CENTRAL, f"{means} of the interpreter: every entry, {shown}")


def differences(forward: Graph, problem: Problem, analytic: bool) -> Results:
    """The gradient of the loss by differences."""

    def loss_with(key: tuple[str, str], array: Array) -> Any:
        changed = problem.with_variable(key, array)
        trace = interpret(forward, changed.T, changed.inputs, {**changed.params, **changed.constants},
                          changed.state, changed.sizes)
        return changed.loss(trace.steps[forward.outputs[0]], trace.carries)

    gradients = {}
    for key, at in problem.variables.items():
        assert key[0] in GRADIENTS
        gradient = np.zeros(at.shape)
        for index in np.ndindex(at.shape):
            direction = np.zeros(at.shape)
            direction[index] = 1.0
            gradient[index] = difference(partial(loss_with, key), at, direction, analytic)
        gradients[key] = gradient
    return gradients
