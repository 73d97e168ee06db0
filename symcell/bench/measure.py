"""One row: equality first, then times in turn, medians, and what they say."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from symcell.bench import machine
from symcell.bench.frameworks import jax_candidate, torch_candidate
from symcell.bench.onnx_operators import onnx_candidate
from symcell.bench.problem import Candidate, MissingError, Problem, compare, kernel_candidate
from symcell.bench.torch_layers import torch_nn_candidate
from symcell.bench.torchrecurrent_layers import torchrecurrent_candidate
from symcell.bench.traffic import least_bytes

PEERS = {"torch.nn": torch_nn_candidate, "ONNX Runtime": onnx_candidate, "JAX": jax_candidate,
         "torchrecurrent": torchrecurrent_candidate, "eager torch": torch_candidate}
MODES = ("infer", "forward", "training")
TIE = 0.03
LONG = 1.0  # seconds; a call that takes longer is repeated three times, a shorter one at least five
PAUSE = 0.02  # seconds before each call on several threads: those of other libraries spin for a while after their work
SHORT = 0.02  # seconds; where the fastest is shorter, calls are timed when they run for the second time in a row
GIVE_UP = 20.0  # seconds; a peer whose first call, compilation included, takes longer does not count


def candidates(kernel: Any, problem: Problem) -> tuple[list[Candidate], dict[str, str]]:
    """Return symcell and the peers that can take part, and why the others cannot."""
    found, missing = [kernel_candidate(kernel, problem)], {}
    for name, make in PEERS.items():
        try:
            found.append(make(problem))
        except MissingError as error:
            missing[name] = str(error)
    return found, missing


def medians(tasks: Sequence[Callable[[], object]], seconds: float = 0.5, pause: float = 0.0) -> list[float]:
    """Return the median seconds of each task, in rounds in which each has its turn, after a pause.

    In its turn a short task runs twice, and the second time counts: the first one pays for what the task before it has
    driven out of the caches, which doubles the time of a small call and differs from task to task. Short are all that
    take less than ten times SHORT, if the fastest takes less than that. There are at least five rounds, three where a
    call takes more than a second, and as many as begin in `seconds`.
    """
    first = [_seconds(task) for task in tasks]
    short = [min(first) < SHORT and each < 10 * SHORT for each in first]
    times: list[list[float]] = [[] for _ in tasks]
    start = time.perf_counter()
    while True:
        for index, task in enumerate(tasks):
            time.sleep(pause)
            if short[index]:
                task()
            times[index].append(_seconds(task))
        least = 3 if max(map(max, times)) > LONG else 5
        if len(times[0]) >= least and time.perf_counter() - start > seconds:
            return [statistics.median(each) for each in times]


def _seconds(task: Callable[[], object]) -> float:
    begin = time.perf_counter()
    task()
    return time.perf_counter() - begin


def measure(everyone: Sequence[Candidate], mode: str, problem: Problem, seconds: float = 0.5) -> dict[str, Any]:
    """Compare and time one row; a near tie is measured three times and its median counts.

    Returns:
        "mode", "seconds" by name, "given_up" (names), "best" (peer or None), "ratio" (best peer / symcell or None),
        and what `_rates` says.

    Raises:
        AssertionError: a peer computes something else.
    """
    here, given_up = _agreeing([each for each in everyone if mode in each.rows], mode, problem)
    tasks = [candidate.rows[mode].run for candidate in here]
    speed = _speed(problem, mode)
    pause = PAUSE if problem.threads > 1 else 0.0
    runs = [medians(tasks, seconds, pause)]
    if len(here) > 1 and abs(_ratio(runs[0]) - 1) < TIE:
        runs = sorted([*runs, *(medians(tasks, seconds, pause) for _ in range(2))], key=_ratio)
    speed = max(speed, _speed(problem, mode))  # before and after: what the machine can do, whoever disturbs it
    times = runs[len(runs) // 2]
    found = dict(zip([candidate.name for candidate in here], times, strict=True))
    best = min((name for name in found if name != "symcell"), key=lambda name: found[name], default=None)
    return {"mode": mode, "seconds": found, "given_up": given_up, "best": best,
            "ratio": _ratio(times) if best else None, **_rates(problem, mode, times[0], speed)}


def _agreeing(here: Sequence[Candidate], mode: str, problem: Problem) -> tuple[list[Candidate], list[str]]:
    """Return the candidates to time, each warm and compared with the first, and who was too slow."""
    expected = here[0].rows[mode].read(here[0].rows[mode].run())
    double = here[0].exact
    exact = None if double is None else lambda: double(mode)
    kept, given_up = [here[0]], []
    for candidate in here[1:]:
        begin = time.perf_counter()
        found = candidate.rows[mode].run()
        if time.perf_counter() - begin > GIVE_UP:
            given_up.append(candidate.name)
            continue
        compare(candidate.name, mode, expected, candidate.rows[mode].read(found), problem.dtype, exact)
        kept.append(candidate)
    return kept, given_up


def _operations(problem: Problem, mode: str) -> float:
    return problem.plan.flops(problem.T * problem.B) * (3 if mode == "training" else 1)


def _speed(problem: Problem, mode: str) -> float:
    """Operations per second of a matrix product, or bytes of a copy for a cell without products."""
    return machine.sgemm(problem.dtype) if _operations(problem, mode) else machine.bandwidth(problem.threads)


def _rates(problem: Problem, mode: str, seconds: float, speed: float) -> dict[str, Any]:
    operations = _operations(problem, mode)
    done = operations or least_bytes(problem, mode)
    return {"rate": done / seconds, "unit": "FLOP/s" if operations else "B/s", "share": done / seconds / speed,
            "machine": speed}


def _ratio(times: Sequence[float]) -> float:
    ours, *peers = times
    return min(peers) / ours


def geometric_mean(values: Sequence[float]) -> float:
    """Return the geometric mean."""
    return float(np.exp(np.mean(np.log(values))))
