"""Fair timing on noisy machines: candidates in turn, medians, and ratios rather than times."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

Task = Callable[[], object]


def medians(tasks: Sequence[Task], repetitions: int = 9, seconds: float = 1.0) -> list[float]:
    """Return the median time of each task in seconds; one warm-up, then rounds in which each runs once.

    Rounds go on until there were `repetitions` of them and `seconds` have passed.
    """
    for task in tasks:
        task()
    times: list[list[float]] = [[] for _ in tasks]
    start = time.perf_counter()
    while len(times[0]) < repetitions or time.perf_counter() - start < seconds:
        for index, task in enumerate(tasks):
            begin = time.perf_counter()
            task()
            times[index].append(time.perf_counter() - begin)
    return [statistics.median(each) for each in times]
