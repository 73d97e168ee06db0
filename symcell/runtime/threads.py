"""Threads share the rows of a batch for a whole sequence, or, where rows are few, the lanes of each stage of a step.

Rows are independent: nobody waits. Threads that share lanes meet after each stage (symcell/team.h), but each then reads
only its part of the weights, by which a step of few rows is bound.
"""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future

MIN_ROWS = 4  # below that a tile of rows uses too little of each packed weight
MIN_WORK = 2_000_000  # multiply-adds per thread that are worth handing over
MIN_WEIGHTS = 32_768  # numbers per thread that a step reads, worth a meeting of a microsecond
MIN_TEAM_WORK = 10_000_000  # multiply-adds per thread that are worth many meetings
NUMBER = 4  # multiply-adds that take as long as a number of an array takes to come or go

_pools: dict[int, _Pool] = {}


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
    return max(1, min(threads, weights // MIN_WEIGHTS, int(work // MIN_TEAM_WORK)))


def run(parts: list[tuple[int, int]], task: Callable[[int, int], None]) -> None:
    """Call task(first, last) for each part, the first one in this thread; raise what any of them raised."""
    if len(parts) == 1:
        task(*parts[0])
        return
    pool = _pools.get(len(parts)) or _pools.setdefault(len(parts), _Pool(len(parts) - 1))
    waiting = pool.submit(task, parts[1:])
    task(*parts[0])
    for future in waiting:
        future.result()


class _Pool:
    """Threads that wait for work, on other cores than whoever hands it to them.

    Linux likes to wake a thread on the core of the one that wakes it, where the two would run in turn.
    """

    def __init__(self, threads: int) -> None:
        from concurrent.futures import ThreadPoolExecutor  # not needed by whoever runs on one thread

        self._ids: list[int] = []
        self._placed: tuple[frozenset[int], int] = frozenset(), 0  # where, and how many threads
        self._executor = ThreadPoolExecutor(
            threads, "symcell", initializer=lambda: self._ids.append(threading.get_native_id()))

    def submit(self, task: Callable[[int, int], None], parts: list[tuple[int, int]]) -> list[Future[None]]:
        if hasattr(os, "sched_setaffinity"):
            self._move(frozenset(os.sched_getaffinity(0)) - {_core()()})
        return [self._executor.submit(task, *part) for part in parts]

    def _move(self, cores: frozenset[int]) -> None:
        wanted = cores, len(self._ids)
        if cores and wanted != self._placed:
            with contextlib.suppress(OSError):  # cores that have just been taken away; any will do
                for thread in self._ids:
                    os.sched_setaffinity(thread, cores)
            self._placed = wanted


@functools.cache
def _core() -> Callable[[], int]:
    """Return the function that returns the number of the core that runs this thread, or -1."""
    import ctypes  # for threads only

    found = getattr(ctypes.CDLL(None), "sched_getcpu", None)
    return found or (lambda: -1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)  # a child has the pool but not its threads
