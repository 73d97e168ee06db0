"""Text, tables and progress: at the width of a terminal, or in full where another program reads.

Results go to standard output, everything else to standard error. Rich is imported when something is printed
with it, so that `--help` and `--version` do without.
"""

from __future__ import annotations

import contextlib
import os
import sys
from io import StringIO
from threading import Lock
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console, RenderableType
    from rich.progress import Progress as Bar

WIDE = 10_000  # columns of a pipe: nothing is wrapped or cut


def console(stderr: bool = False) -> Console:
    """Return the console of this moment; its stream may be a terminal, a file or a pipe."""
    from rich.console import Console

    # No markup: a user's text may hold brackets.
    made = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not made.is_terminal:
        made.width = WIDE
    return made


def out(text: str) -> None:
    """Print a result as it is."""
    click.echo(text, color=True)  # colours, if any, were decided upon before


def flush() -> None:
    """Write what is still buffered, so that a failure shows here, not when Python exits."""
    if sys.stdout is not None:
        sys.stdout.flush()


def discard() -> None:
    """Drop what cannot be written: Python would try again when it exits, and complain."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(renderable: RenderableType) -> None:
    """Print a table; lines end where their text ends."""
    # Into memory first: Rich ends the program by itself, as if it had failed, when a pipe is closed.
    made, memory = console(), StringIO()
    made.file = memory
    made.print(renderable)
    out("\n".join(line.rstrip() for line in memory.getvalue().rstrip("\n").split("\n")))


def say(kind: str, text: str) -> None:
    """Print "kind: text" to standard error, words kept whole."""
    from rich.text import Text

    style = {"Error": "bold red", "Warning": "bold yellow"}.get(kind, "bold")
    line = Text.assemble((f"{kind}: ", style), printable(text))
    with contextlib.suppress(OSError):  # there is nowhere left to complain
        console(stderr=True).print(line, soft_wrap=False)


def printable(text: str) -> str:
    """Return the text without control characters, which could steer the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else " " if c == "\t" else repr(c)[1:-1] for c in text)


def tolerant() -> None:
    """Let a stream that cannot encode a character print its code instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # closed, or not a real stream
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


class Progress:
    """What is being done, on standard error: one moving line on a terminal, else a line for each step."""

    def __init__(self) -> None:
        """Nothing is shown before the first step."""
        self._bar: Bar | None = None

    def __call__(self, step: str) -> None:
        """Show a step that begins."""
        if self._bar is None:
            self._bar = _bar()
            self._bar.start()
            self._task = self._bar.add_task("")
        if self._bar.disable:
            click.echo(printable(step), err=True)
        else:
            self._bar.update(self._task, description=printable(step))

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 where: TracebackType | None) -> None:
        if self._bar is not None:
            self._bar.stop()


class Count:
    """How many of so many are done, on standard error: a bar on a terminal, else a line for each."""

    def __init__(self, total: int) -> None:
        """Show nothing before the first call."""
        self._total, self._done, self._lock = total, 0, Lock()
        self._bar = _counting_bar()
        self._task = self._bar.add_task("", total=total)

    def __call__(self, what: str) -> None:
        """Show that one more is done; any thread may say so."""
        with self._lock:
            self._done += 1
            if self._bar.disable:
                click.echo(printable(f"{self._done}/{self._total} {what}"), err=True)
            else:
                self._bar.update(self._task, advance=1, description=printable(what))

    def __enter__(self) -> Count:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 where: TracebackType | None) -> None:
        self._bar.stop()


def _counting_bar() -> Bar:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    made = console(stderr=True)
    text = TextColumn("{task.description}", markup=False)
    return Bar(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(), text, console=made,
               transient=True, disable=not made.is_terminal or made.is_dumb_terminal)


def _bar() -> Bar:
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    made = console(stderr=True)
    column = Column(no_wrap=True, overflow="ellipsis")
    text = TextColumn("{task.description}", markup=False, table_column=column)
    disable = not made.is_terminal or made.is_dumb_terminal
    return Bar(SpinnerColumn(), TimeElapsedColumn(), text, console=made, transient=True, disable=disable)
