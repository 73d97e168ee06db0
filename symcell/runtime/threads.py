"""How many threads share a piece of work, and by what.

Rows of a batch are independent: threads that share them go through all steps without waiting for each other. Where
rows are few, or weights do not stay in a cache, threads share the lanes of each stage of a step instead, and meet after
each: such a step is bound by reading weights, and each thread then reads only its part of them. The threads themselves
are those of symcell/pool.h.
"""

from __future__ import annotations

import os

MIN_ROWS = 4  # below that a tile of rows uses too little of each packed weight
MIN_WORK = 2_000_000  # multiply-adds per thread that are worth handing over
MIN_WEIGHTS = 32_768  # numbers per thread that a step reads, worth a meeting after each stage
MOST = 64  # as in symcell/pool.h
NUMBER = 4  # multiply-adds that take as long as a number of an array takes to come or go


def default() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def useful(threads: int, work: float) -> int:
    """Return how many threads so many multiply-adds are worth."""
    return max(1, min(threads, MOST, int(work // MIN_WORK)))


def share(rows: int, weights: int, threads: int, cached: bool) -> tuple[int, bool]:
    """Return how many threads share a pass, and whether by rows, where a step reads so many weights.

    cached: whether these stay in a cache from step to step.
    """
    by_rows, by_lanes = min(threads, rows // MIN_ROWS) if cached else 0, min(threads, weights // MIN_WEIGHTS)
    return max(1, by_rows, by_lanes), by_rows >= by_lanes
