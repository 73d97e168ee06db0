"""Noise of a few units in the last place: what it changes, no comparison can decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from symcell.graph.ir import Graph
from symcell.proof.problem import Problem, run_graphs
from symcell.proof.result import Results

NOISE = 4  # units in the last place
DRAWS = 3


def noisy(problem: Problem, dtype: Any, seed: int) -> tuple[Problem, Callable[..., Any]]:
    """The problem and the functions with noise."""
    random, level = np.random.default_rng(seed), NOISE * float(np.finfo(dtype).eps)

    def around(array: Any) -> Any:
        return array * (1 + level * random.uniform(-1, 1, size=np.shape(array)))

    def function(applied: Any) -> Callable[..., Any]:
        exact = applied.row.name in ("sign", "where")  # their values are small integers, or one of the arguments
        return applied.row.numpy if exact else lambda *arguments: around(applied.row.numpy(*arguments))

    moved = {name: {key: around(array) for key, array in getattr(problem, name).items()}
             for name in ("inputs", "params", "state")}
    return replace(problem, **moved), function


def change(forward: Graph, backward: Graph, problem: Problem, derived: Results) -> float:
    """How much of a result noise changes, at most, relative to the largest entry where that is above 1."""
    worst = 0.0
    for seed in range(DRAWS):
        moved, functions = noisy(problem, np.float64, seed)
        for key, array in run_graphs(forward, backward, moved, functions).items():
            scale = max(1.0, float(np.max(np.abs(derived[key]), initial=0.0)))
            worst = max(worst, float(np.max(np.abs(array - derived[key]), initial=0.0)) / scale)
    return worst
