"""One row: equality first, then times in turn, medians, and what they say."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symcell.bench.frameworks import jax_candidate, torch_candidate
from symcell.bench.libraries import onnx_candidate, torch_nn_candidate
from symcell.bench.plan import plan
from symcell.bench.problem import Candidate, MissingError, Problem, compare, kernel_candidate

PEERS = {"torch.nn": torch_nn_candidate, "JAX": jax_candidate, "ONNX Runtime": onnx_candidate,
         "eager torch": torch_candidate}
ROWS = ("inference", "forward", "training")
TIE = 0.03


def problem_of(spec: Any, kernel: Any, shape: tuple[int, int, int, int], dtype: str, threads: int) -> Problem:
    """Return seeded arrays for one cell at (T, B, I, H); each dimension that is no input's has size H."""
    from symcell.graph.lower import lower

    T, B, I, H = shape
    graph, rng = lower(spec), np.random.default_rng(0)
    inputs = {value.name: value.dims[0] for value in graph.with_role("input")}
    states = {carry.previous: graph.value(carry.previous).dims[0] for carry in graph.carries}
    dims = {dim for value in graph.values for dim in value.dims}
    sizes = {dim: I if dim in inputs.values() and dim not in states.values() else H for dim in dims}
    def draw(*shape: int) -> Any:
        return (0.5 * rng.standard_normal(shape)).astype(dtype)
    return Problem(
        spec.name, T, B, dtype, threads, plan(graph, sizes), {n: draw(T, B, sizes[d]) for n, d in inputs.items()},
        kernel.init_params(seed=0, **sizes), {c.name: float(c.default) for c in getattr(spec, "constants", ())},
        {n: draw(B, sizes[d]) for n, d in states.items()}, draw(T, B, sizes[graph.value(graph.outputs[0]).dims[0]]))


def candidates(kernel: Any, problem: Problem) -> tuple[list[Candidate], dict[str, str]]:
    """Return symcell and the peers that can take part, and why the others cannot."""
    found, missing = [kernel_candidate(kernel, problem)], {}
    for name, make in PEERS.items():
        try:
            found.append(make(problem))
        except MissingError as error:
            missing[name] = str(error)
    return found, missing


def medians(tasks: Sequence[Callable[[], object]], repetitions: int = 7, seconds: float = 0.5) -> list[float]:
    """Return the median seconds of each task: one warm-up, then rounds in which each runs once.

    Rounds go on until there were `repetitions` of them or, from the third on, `seconds` have passed.
    """
    for task in tasks:
        task()
    times: list[list[float]] = [[] for _ in tasks]
    start = time.perf_counter()
    while len(times[0]) < repetitions:
        for index, task in enumerate(tasks):
            begin = time.perf_counter()
            task()
            times[index].append(time.perf_counter() - begin)
        if len(times[0]) >= 3 and time.perf_counter() - start > seconds:
            break
    return [statistics.median(each) for each in times]


def measure(everyone: Sequence[Candidate], row: str, problem: Problem) -> dict[str, Any]:
    """Compare and time one row; a near tie is measured three times and its median counts."""
    here = [candidate for candidate in everyone if row in candidate.rows]
    work = [candidate.rows[row] for candidate in here]
    expected = work[0].read(work[0].run())
    for candidate, theirs in zip(here[1:], work[1:], strict=True):
        compare(candidate.name, row, expected, theirs.read(theirs.run()), problem.dtype)
    order = 1024
    square = np.ones((order, order), problem.dtype)
    tasks = [each.run for each in work] + [lambda: square @ square]
    runs = [medians(tasks)]
    if _ratio(runs[0]) is not None and abs(_ratio(runs[0]) - 1) < TIE:
        runs = sorted([*runs, medians(tasks), medians(tasks)], key=_ratio)
    *times, gemm = runs[len(runs) // 2]
    seconds = dict(zip([candidate.name for candidate in here], times, strict=True))
    flops = problem.plan.flops(problem.T * problem.B) * (3 if row == "training" else 1)
    best = min((n for n in seconds if n != "symcell"), key=lambda n: seconds[n], default=None)
    return {"row": row, "seconds": seconds, "best": best, "ratio": _ratio([*times, gemm]),
            "gflops": flops / times[0] / 1e9, "sgemm_share": flops / times[0] / (2 * order**3 / gemm)}


def _ratio(times: Sequence[float]) -> Any:
    ours, *peers, _ = times
    return min(peers) / ours if peers else None


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.mean(np.log(values))))
