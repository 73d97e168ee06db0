"""`symcell build --all`: the whole zoo at once.

This thread writes the text of one kernel after the other, which takes little; as many threads as jobs each run Cython
and the C compiler on one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symcell.cli import terminal
from symcell.cli.errors import Exit

if TYPE_CHECKING:
    from symcell.render.source import Source
    from symcell.runtime.cache import Translate

ENDINGS = ("compiled", "found in the cache", "prebuilt", "failed")


@dataclass(frozen=True)
class Outcome:
    """What became of a cell: one of ENDINGS, in how many seconds, and why it failed."""

    cell: str
    how: str
    seconds: float
    error: str = ""

    def __str__(self) -> str:
        return f"{self.cell}: {self.how}" + (f" in {self.seconds:.1f} s" if self.how == "compiled" else "")


def build(jobs: int | None) -> Exit:
    """Build every cell of the zoo, say what became of them, and return the exit code.

    Raises:
        BuildError: there is no compiler at all.
        CliError: SYMCELL_ISA names no instruction set of this machine.
    """
    from symcell.bench import machine
    from symcell.cli.kernels import check_isa
    from symcell.runtime import toolchain

    check_isa()
    toolchain.find_compiler()  # once for all, not once for each
    toolchain.cython_version()
    jobs, began = jobs or machine.cores(), time.perf_counter()
    outcomes = _built(jobs)
    failed = [outcome for outcome in outcomes if outcome.error]
    for k, outcome in enumerate(failed):  # a compiler that does not work says the same of all
        terminal.say("Error", f"{outcome.cell}: {outcome.error if k == 0 else outcome.error.partition(chr(10))[0]}")
    terminal.out(summary(outcomes, jobs, time.perf_counter() - began))
    return Exit.BUILD if failed else Exit.FINE


def summary(outcomes: list[Outcome], jobs: int, seconds: float) -> str:
    """Return one line: how many ended how, in what time, and what a compiled cell took of a core."""
    count = Counter(outcome.how for outcome in outcomes)
    ended = ", ".join(f"{count[how]} {how}" for how in ENDINGS if count[how])
    line = f"{len(outcomes)} cells: {ended}; {seconds:.1f} s with {jobs} job{'s' * (jobs > 1)}"
    cores = min(jobs, count["compiled"])
    return line + (f", {seconds * cores / count['compiled']:.1f} s per compiled cell and job" if cores else "")


def _built(jobs: int) -> list[Outcome]:
    from symcell import zoo
    from symcell.runtime.translators import Translators

    names = zoo.names()
    with terminal.Count(len(names)) as done, Translators() as translate, _pool(jobs) as pool:
        def submit(name: str) -> Future[Outcome]:
            future = pool.submit(_ended, name, rendered(name), translate)
            future.add_done_callback(show)
            return future

        def show(future: Future[Outcome]) -> None:
            if not future.cancelled():
                done(str(future.result()))

        return [future.result() for future in [submit(name) for name in names]]


def rendered(name: str) -> Source | BaseException | None:
    """Return the text of a cell's kernel, None where it is prebuilt, or the error that it ends in."""
    from symcell import compiler

    try:
        return None if compiler.prebuilt(name) else compiler.stages(name).source
    except Exception as error:  # of this cell; the others go on
        return error


def _ended(name: str, source: Source | BaseException | None, translate: Translate) -> Outcome:
    """Build one cell, in a thread of the pool."""
    from symcell import compiler
    from symcell.runtime.load import load_extension

    began, steps = time.perf_counter(), list[str]()
    try:
        if source is None:
            return Outcome(name, "prebuilt", 0.0)
        if isinstance(source, BaseException):
            raise source
        load_extension(source.name, compiler.extension(source, steps.append, translate))
    except Exception as error:
        return Outcome(name, "failed", time.perf_counter() - began, f"{type(error).__name__}: {error}")
    return Outcome(name, "compiled" if steps else "found in the cache", time.perf_counter() - began)


@contextmanager
def _pool(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Threads whose tools are ended when this one is interrupted: what was not finished is not in the cache."""
    from symcell.runtime import process

    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        while any(thread.is_alive() for thread in pool._threads):
            process.end_all()  # again and again: one that was between Cython and the compiler starts that yet
            time.sleep(0.02)
        raise
    finally:
        pool.shutdown()
