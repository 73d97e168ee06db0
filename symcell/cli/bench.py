"""`symcell bench` and the runner of the whole benchmark: their options, rows with progress, tables, files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symcell.cli import terminal
from symcell.cli.errors import CliError
from symcell.cli.files import file_errors, write

if TYPE_CHECKING:
    from symcell.bench.rows import Row
    from symcell.cli.cells import Found

Shape = tuple[int, int, int, int]
Case = tuple[str, Shape, str]  # cell, as on the command line; (T, B, I, H); dtype
MODES = ("infer", "forward", "training")
_FILE = click.Path(path_type=Path, dir_okay=False)


class ShapeType(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """T,B,I,H on the command line."""

    name = "T,B,I,H"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Shape:
        """Return four sizes."""
        words = value if isinstance(value, tuple) else str(value).split(",")
        try:
            sizes = tuple(int(word) for word in words)
        except ValueError:
            sizes = ()
        if len(sizes) != 4 or min(sizes) < 1:
            self.fail(f"{value!r} is not four positive whole numbers T,B,I,H, such as 100,16,128,128.", param, ctx)
        return sizes


@dataclass(frozen=True)
class Options:
    """What both commands understand."""

    threads: int
    shapes: tuple[Shape, ...]
    modes: tuple[str, ...]
    dtypes: tuple[str, ...]
    json: Path | None
    plot: Path | None


_OPTIONS = (
    click.option("--threads", default=1, show_default=True, type=click.IntRange(1),
                 help="Threads of everybody, and cores the process is kept on."),
    click.option("--shape", "shapes", multiple=True, type=ShapeType(), help="May be repeated."),
    click.option("--mode", "modes", multiple=True, type=click.Choice(MODES), help="May be repeated.  [default: all]"),
    click.option("--dtype", "dtypes", multiple=True, type=click.Choice(("float32", "float64")),
                 help="May be repeated."),
    click.option("--json", type=_FILE, help="Write machine and rows to this file."),
    click.option("--plot", type=_FILE, help="Write a figure to this file (needs matplotlib)."),
)


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that `Options` holds."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def run(cases: Callable[[], Iterable[Case]], chosen: Options, seconds: float = 0.5) -> list[Row]:
    """Run every case, print tables, write files, and return the rows.

    Args:
        cases: called when the process is pinned; only then may NumPy be imported.
        chosen: the options.
        seconds: how long a row is repeated, once all have had their least number of repetitions.
    """
    from symcell.bench import machine

    cores = machine.cores()
    if chosen.threads > cores:
        raise CliError(f"--threads {chosen.threads}: this process may use {cores} core{'s' * (cores > 1)}.")
    with machine.pinned(chosen.threads), ExitStack() as stack:
        progress = stack.enter_context(terminal.Progress())
        planned = _planned(cases(), chosen)
        progress("the machine's rates")
        about = machine.describe(chosen.threads)
        _write(chosen.json, about, ())  # what cannot be written is said now, not after the last row
        rows: list[Row] = []
        for part in collect(planned, chosen, seconds, progress):
            rows += part
            _write(chosen.json, about, rows)
    for line in _about(about):
        terminal.out(line)
    publish(rows, chosen)
    return rows


def _planned(cases: Iterable[Case], chosen: Options) -> list[tuple[Case, Found]]:
    """Return the cases with their cells, so that whatever is wrong with the options is found before the first row."""
    from symcell.bench import figure
    from symcell.bench.problem import MissingError
    from symcell.cli.cells import resolve

    if chosen.plot:
        try:
            figure.check(chosen.plot)
        except (MissingError, ValueError) as error:
            raise CliError(f"--plot: {error}") from None
    return [(case, resolve(case[0])) for case in cases]


def cases(cell: str, chosen: Options) -> Iterable[Case]:
    """Yield the cases of `symcell bench`: a few shapes in float32, or those that were chosen."""
    from symcell.bench.rows import FEW

    return [(cell, shape, dtype) for shape in chosen.shapes or FEW for dtype in chosen.dtypes or ("float32",)]


def collect(planned: Iterable[tuple[Case, Found]], chosen: Options, seconds: float,
            progress: terminal.Progress) -> Iterator[list[Row]]:
    """Yield the rows of each case."""
    from symcell.bench.rows import rows_of, where
    from symcell.cli.kernels import compiled

    for (cell, shape, dtype), found in planned:
        kernel = compiled(found, dtype, progress).kernel
        progress(f"{cell} {','.join(map(str, shape))} {dtype}")
        rows: list[Row] = []
        for row in rows_of(kernel.name if found.file else cell, found.spec, kernel, shape, chosen.modes or MODES,
                           chosen.threads, seconds):
            rows.append(row)
            ratio = f"best peer / symcell {row['ratio']:.2f} ({row['best']})" if row.get("ratio") else "no peer"
            progress(f"{where(row)}: {row.get('error') or ratio}")
        yield rows


def publish(rows: Sequence[Row], chosen: Options) -> None:
    """Print the tables and the remarks, and draw the figure."""
    from symcell.bench import figure, report
    from symcell.bench.rows import remarks

    for title, table in report.tables(rows):
        terminal.out(f"\n{title}\n")
        terminal.show(table)
    for line in remarks(rows):
        terminal.out(f"\n{line}")
    if chosen.plot:
        with file_errors(chosen.plot):
            figure.draw(rows, chosen.plot)


def _write(path: Path | None, about: dict[str, object], rows: Sequence[Row]) -> None:
    from symcell.bench.rows import means

    if path is not None:
        write(path, json.dumps({"machine": about, "rows": rows, "means": means(rows)}, indent=1) + "\n")


def failed(rows: Sequence[Row]) -> bool:
    """Whether a peer and symcell disagreed."""
    return any("error" in row for row in rows)


def _about(about: dict[str, Any]) -> list[str]:
    rates = ", ".join(f"{dtype} {rate / 1e9:.0f} GFLOP/s" for dtype, rate in about["sgemm"].items())
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return [f"{about['processor']}, threads: {about['threads']}",
            f"matrix product: {rates}; copy: {about['bandwidth'] / 1e9:.1f} GB/s", versions]
