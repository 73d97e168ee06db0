"""The compiled kernel of a random cell against the interpreter, in both precisions.

What rounding may do to a random formula is measured: the interpreter runs again with noise of a few units in the last
place on all data and on each function's value. A kernel may differ by some times what that changes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import symcell
from symcell.graph.adjoint import adjoint
from symcell.graph.lower import lower
from symcell.proof.kernel import run_kernel, tolerance, with_inference
from symcell.proof.problem import Problem, run_graphs
from symcell.proof.result import Results
from symcell.proof.rounding import noisy
from tests.random_cells.generator import Drawn
from tests.random_cells.oracles import NO_POINT, finite_problem

DTYPES = ("float64", "float32")
DRAWS = 3  # of data; at one of them rounding may carry a value across a kink, at most of them it does not
TIMES = 16  # what a kernel may differ by, in changes by noise
HOPELESS = 0.01  # relative change by noise beyond which nothing is compared


def check_kernel(drawn: Drawn, seed: int = 0) -> str:
    """Compare; return "", or what could not be checked.

    Raises:
        AssertionError: results differ at most of the draws.
    """
    for dtype in DTYPES:
        kernel = symcell.compile(drawn.cell, dtype=dtype)
        problems = [finite_problem(drawn.cell.spec, drawn.large, seed + k, np.dtype(dtype)) for k in range(DRAWS)]
        known = [problem for problem in problems if problem is not None]
        if not known:
            return NO_POINT
        faults = [fault for problem in known if (fault := compare(drawn.cell.spec, kernel, problem))]
        assert 2 * len(faults) <= len(known), f"{dtype}: {faults[0]}"
    return ""


def compare(spec: Any, kernel: Any, problem: Problem) -> str:
    """What differs at this problem, or ""."""
    forward = lower(spec)
    backward = adjoint(forward)

    def interpreted(changed: Problem, functions: Callable[..., Any] = lambda f: f.row.numpy) -> Results:
        with np.errstate(all="ignore"):
            return with_inference(run_graphs(forward, backward, changed, functions))

    dtype = np.dtype(kernel.dtype)
    expected = interpreted(problem)
    changes = [interpreted(*noisy(problem, dtype, seed)) for seed in range(3)]
    longest = {"B": problem.sizes["B"], **problem.sizes}
    for chunks in ((None, None), (2, 3)):
        with np.errstate(all="ignore"):
            found = run_kernel(kernel, problem, chunks)
        assert set(found) == set(expected), f"other arrays: {set(found) ^ set(expected)}"
        for key, array in expected.items():
            scale = max(1.0, float(np.max(np.abs(array), initial=0.0)))
            change = max(float(np.max(np.abs(other[key] - array), initial=0.0)) for other in changes) / scale
            error = float(np.max(np.abs(found[key] - array), initial=0.0)) / scale
            if not change < HOPELESS:
                continue
            if found[key].shape != array.shape or not error <= tolerance(dtype, longest, problem.T) + TIMES * change:
                return f"{key[0]} {key[1]}: error {error:.2e}, noise changes it by {change:.2e}, chunks {chunks}"
    return ""
