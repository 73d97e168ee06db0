"""Points at which a cell is finite and stays clear of its kinks: there every oracle has a right answer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from symcell.declare.functions import Elementwise
from symcell.declare.spec import CellSpec
from symcell.graph.interpret import interpret
from symcell.graph.ir import Graph
from symcell.proof.plain import without_conditions
from symcell.proof.problem import Problem, random_problem

Array = Any
ATTEMPTS = 60
ENORMOUS = 1e6

# Where the derivative of a function jumps: how far the arguments are from it.
_DISTANCES: dict[str, Callable[..., Array]] = {
    **dict.fromkeys(("step", "relu", "abs", "sign", "elu"), np.abs),
    **dict.fromkeys(("maximum", "minimum"), lambda a, b: np.abs(np.subtract(a, b))),
    "hard_sigmoid": lambda x: np.abs(np.abs(x) - 3),
    "hard_tanh": lambda x: np.abs(np.abs(x) - 1),
}


def margin(forward: Graph, problem: Problem) -> float:
    """How near the run comes to a kink, inf where there is none; -1 where a value is NaN or enormous."""
    nearest = [math.inf]

    def watched(function: type[Elementwise]) -> Callable[..., Array]:
        row = function.row

        def call(*arguments: Array) -> Array:
            if row.name in _DISTANCES:
                nearest.append(float(np.min(_DISTANCES[row.name](*arguments), initial=math.inf)))
            return row.numpy(*arguments)

        return call

    with np.errstate(all="ignore"):
        trace = interpret(without_conditions(forward), problem.T, problem.inputs,
                          {**problem.params, **problem.constants}, problem.state, problem.sizes, watched)
    moderate = all((np.abs(array) < ENORMOUS).all() for array in trace.steps.values())
    return min(nearest) if moderate else -1.0


def clear_problem(spec: CellSpec, forward: Graph, T: int, sizes: Mapping[str, int], wanted: float,
                  dtype: Any = np.float64, constants: float = 1.0) -> Problem:
    """Draw problems until one is finite and `wanted` away from every kink; else return the best one seen.

    Every other draw is of positive numbers: log and sqrt of a parameter are rarely finite otherwise. The second half
    of the draws is of small numbers, for cells that explode. constants: what the declared ones are multiplied by.

    Raises:
        ArithmeticError: no draw makes the cell finite.
    """
    best, best_margin = None, -math.inf
    for attempt in range(ATTEMPTS):
        scale = 1.0 if attempt < ATTEMPTS // 2 else 0.25
        problem = random_problem(spec, T, sizes, attempt, attempt % 2 == 1, scale, constants, dtype)
        reached = margin(forward, problem)
        if best is None or reached > best_margin:
            best, best_margin = problem, reached
        if best_margin >= wanted:
            break
    if best is None or best_margin < 0:
        raise ArithmeticError(f"{spec.name} gives NaN or enormous values at each of {ATTEMPTS} random points")
    return best
