"""Threads share the rows of a batch for a whole sequence, or, where rows are few, the lanes of each stage of a step.

Rows are independent: nobody waits. Threads that share lanes meet after each stage (symcell/team.h), but each then reads
only its part of the weights, by which a step of few rows is bound.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

MIN_ROWS = 4  # below that a tile of rows uses too little of each packed weight
MIN_WORK = 2_000_000  # multiply-adds per thread that are worth handing over
MIN_WEIGHTS = 32_768  # numbers per thread that a step reads, worth a meeting of a microsecond
NUMBER = 4  # multiply-adds that take as long as a number of an array takes to come or go

_pools: dict[int, ThreadPoolExecutor] = {}


def default() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def split(rows: int, threads: int, work: float) -> list[tuple[int, int]]:
    """Return (first, past the last) row of each thread's part, for `work` multiply-adds in all."""
    parts = max(1, min(threads, rows // MIN_ROWS, int(work // MIN_WORK)))
    edges = [rows * k // parts for k in range(parts + 1)]
    return list(pairwise(edges))


def team(threads: int, weights: int, work: float) -> int:
    """Return how many threads may share the lanes of a step that reads so many weights."""
    return max(1, min(threads, weights // MIN_WEIGHTS, int(work // MIN_WORK)))


def run(parts: list[tuple[int, int]], task: Callable[[int, int], None]) -> None:
    """Call task(first, last) for each part, the first one in this thread; raise what any of them raised."""
    if len(parts) == 1:
        task(*parts[0])
        return
    pool = _pools.get(len(parts))
    if pool is None:
        from concurrent.futures import ThreadPoolExecutor  # not needed by whoever runs on one thread

        pool = _pools.setdefault(len(parts), ThreadPoolExecutor(len(parts) - 1, "symcell"))
    waiting = [pool.submit(task, *part) for part in parts[1:]]
    task(*parts[0])
    for future in waiting:
        future.result()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)  # a child has the pool but not its threads
