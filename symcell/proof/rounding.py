"""How much of a result rounding may change, measured: by noise of some units in the last place on everything.

A gradient that nearly cancels, or a recurrence that amplifies, loses digits in whatever way it is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from symcell.graph.ir import Graph
from symcell.proof.problem import Problem, run_graphs
from symcell.proof.result import Results, distance

NOISE = 4  # units in the last place
DRAWS = 3


def noisy(problem: Problem, dtype: Any, seed: int) -> tuple[Problem, Callable[..., Any]]:
    """The problem and the functions with noise: on all data, and on the value of each function."""
    random, level = np.random.default_rng(seed), NOISE * float(np.finfo(dtype).eps)

    def around(array: Any) -> Any:
        return array * (1 + level * random.uniform(-1, 1, size=np.shape(array)))

    def function(applied: Any) -> Callable[..., Any]:
        exact = applied.row.name in ("sign", "where")  # their values are small integers, or one of the arguments
        return applied.row.numpy if exact else lambda *arguments: around(applied.row.numpy(*arguments))

    moved: dict[str, Any] = {
        name: {key: around(array) for key, array in getattr(problem, name).items()}
        for name in ("inputs", "params", "state")}
    return replace(problem, **moved), function


def changes(forward: Graph, backward: Graph, problem: Problem, expected: Results, dtype: Any, floor: float,
            ) -> dict[tuple[str, str], float]:
    """By how much noise changes each array, at most of DRAWS draws, as `distance` measures it."""
    with np.errstate(all="ignore"):
        found = [run_graphs(forward, backward, *noisy(problem, dtype, seed)) for seed in range(DRAWS)]
    return {key: max(distance(other[key], array, floor) for other in found) for key, array in expected.items()}
