"""What noise of a few units in the last place changes, no comparison can decide."""

from __future__ import annotations

import numpy as np

from symcell.graph.ir import Graph
from symcell.proof.problem import Problem
from symcell.proof.result import Results
from symcell.proof.rounding import changes


def change(forward: Graph, backward: Graph, problem: Problem, derived: Results) -> float:
    """How much of a result noise changes, at most, relative to the largest entry where that is above 1."""
    return max(changes(forward, backward, problem, derived, np.float64, 1.0).values(), default=0.0)
