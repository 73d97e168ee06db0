"""How kernels go faster on several threads, beside how a matrix product does: `python -m benchmarks.scaling`.

The cores of a virtual machine come and go: for a while two of them may be one, or one somebody else's. So the kernel
on one thread, the kernel on several, and as many matrix products as threads, each in a thread of its own, take turns;
and a turn counts where the products found their cores each time, before, between and after.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import click

from symcell.bench import machine
from symcell.cli import terminal
from symcell.cli.bench import MODES, Shape, ShapeType
from symcell.cli.errors import CliError
from symcell.cli.program import Program

CELLS = ("lstm", "gru")
SHAPES = ((100, 16, 128, 128), (100, 32, 256, 256), (200, 20, 40, 100))
THERE = 0.875  # of the threads: where products scale by less, a core is not there
ORDER, EACH = 768, 2  # of the matrices, and products in each thread
BURST = 0.02  # seconds that a kernel is repeated in its turn, three times at least
PATIENCE = 4  # turns that are tried for each one that is wanted

Task = Callable[[], object]


@dataclass(frozen=True)
class Turn:
    """Seconds of a call on one thread and on several, and how many times as fast several products were as one."""

    one: float
    several: float
    products: float

    @property
    def times(self) -> float:
        """How many times as fast the kernel is on several threads."""
        return self.one / self.several


class Products:
    """Matrix products, one in each thread."""

    def __init__(self, threads: int) -> None:
        """Make the matrices and the threads."""
        import numpy as np

        a = np.random.default_rng(0).random((ORDER, ORDER)).astype(np.float32)
        self._tasks = [partial(np.matmul, a, a, out=np.empty_like(a)) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads)

    def times(self) -> float:
        """Return how many times as many products all threads do as one, in the same time."""
        alone = _seconds(lambda: [self._tasks[0]() for _ in range(EACH)])
        together = _seconds(lambda: list(self._pool.map(lambda task: [task() for _ in range(EACH)], self._tasks)))
        return alone * len(self._tasks) / together


def turns(one: Task, several: Task, products: Callable[[], float], threads: int, wanted: int) -> Iterator[Turn]:
    """Yield so many turns that count, or as many as come until patience is over."""
    found = 0
    for _ in range(PATIENCE * wanted):
        before, quick, between, slow, after = products(), _burst(several), products(), _burst(one), products()
        if min(before, between, after) >= THERE * threads:
            found += 1
            yield Turn(slow, quick, (before + between) / 2)
        if found == wanted:
            return


def _burst(task: Task) -> float:
    """Return the median seconds of a task that has become warm."""
    for _ in range(2):
        task()
    times: list[float] = []
    end = time.perf_counter() + BURST
    while len(times) < 3 or time.perf_counter() < end:
        times.append(_seconds(task))
    return median(times)


def _seconds(task: Task) -> float:
    begin = time.perf_counter()
    task()
    return time.perf_counter() - begin


def tasks(cell: str, shape: Shape, threads: int, progress: terminal.Progress) -> dict[str, tuple[Task, Task]]:
    """Return what is timed of a cell: mode -> a call on one thread, and on several."""
    from symcell.bench.draw import problem_of
    from symcell.bench.problem import kernel_candidate
    from symcell.cli.cells import resolve
    from symcell.cli.kernels import compiled

    found, rows = resolve(cell), []
    for count in (1, threads):
        kernel = compiled(found, "float32", progress).kernel.astype("float32")
        kernel.threads = count
        rows.append(kernel_candidate(kernel, problem_of(found.spec, kernel, shape, "float32", count)).rows)
    return {mode: (rows[0][mode].run, rows[1][mode].run) for mode in MODES}


def table(rows: list[tuple[str, Shape, str, list[Turn]]], wanted: int) -> Any:
    """Return a line per row; medians of its turns."""
    from symcell.bench.report import empty_table

    made = empty_table("cell", "T,B,I,H", "mode", "alone", "times", "products", "beside them", "turns")
    for cell, shape, mode, counted in rows:
        of = [[turn.one * 1e3 for turn in counted], [turn.times for turn in counted],
              [turn.products for turn in counted], [turn.times / turn.products for turn in counted]]
        texts = [f"{median(values):.2f}" for values in of] if counted else ["-"] * 4
        alone = f"{texts[0]} ms" if counted else "-"
        made.add_row(cell, ",".join(map(str, shape)), mode, alone, *texts[1:], f"{len(counted)} of {wanted}")
    return made


@click.group(cls=Program, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--cell", "cells", multiple=True, default=CELLS, show_default=True, help="May be repeated.")
@click.option("--shape", "shapes", multiple=True, type=ShapeType(), help="May be repeated.")
@click.option("--threads", default=2, show_default=True, type=click.IntRange(2), help="Threads, each on its core.")
@click.option("--turns", "wanted", default=12, show_default=True, type=click.IntRange(1), help="Turns of each row.")
def main(cells: tuple[str, ...], shapes: tuple[Shape, ...], threads: int, wanted: int) -> None:
    """Print how many times as fast kernels are on several threads, float32.

    "products" is the same of matrix products in independent threads, the most that the machine gives.
    """
    if threads > machine.cores():
        raise CliError(f"--threads {threads}: this process may use {machine.cores()}.")
    with machine.pinned(threads), ExitStack() as stack:
        os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")  # each product in one
        progress = stack.enter_context(terminal.Progress())
        products, rows = Products(threads), []
        for cell in cells:
            for shape in shapes or SHAPES:
                for mode, (one, several) in tasks(cell, shape, threads, progress).items():
                    progress(f"{cell} {','.join(map(str, shape))} {mode}")
                    rows.append((cell, shape, mode, list(turns(one, several, products.times, threads, wanted))))
    terminal.show(table(rows, wanted))
    if any(len(counted) < wanted for *_, counted in rows):
        terminal.out(f"\nWhere turns are missing, products on {threads} threads were seldom {THERE * threads:g} times "
                     "as many as on one:\nanother program has a core, or the machine gives less than it says.")


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.scaling")
