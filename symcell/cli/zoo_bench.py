"""`python -m benchmarks --zoo`: a row per cell, what they say together, and the file that the pages read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symcell.cli import terminal
from symcell.cli.bench import Options
from symcell.cli.errors import CliError, Exit
from symcell.cli.files import write

if TYPE_CHECKING:
    from symcell.bench.draw import Shape
    from symcell.bench.zoo import Record

PEERS = ("torchrecurrent", "torch.nn", "JAX", "eager torch")


def run(names: tuple[str, ...], chosen: Options, quick: bool) -> Exit:
    """Measure these cells, or all; with --json the file is written after each, so that stopping loses nothing.

    Raises:
        CliError: an option does not go with --zoo, or the file cannot be written.
    """
    if chosen.modes or chosen.dtypes or chosen.plot or len(chosen.shapes) > 1:
        raise CliError("--zoo measures training in float32 at one shape: leave out --mode, --dtype and --plot.")
    from symcell.bench import machine

    with machine.pinned(chosen.threads), terminal.Progress() as progress:
        from symcell import zoo
        from symcell.bench.zoo import QUICK, SHAPE, about, summary

        shape = chosen.shapes[0] if chosen.shapes else QUICK if quick else SHAPE
        said = about(machine.describe(chosen.threads), shape)
        kept = _read(chosen.json, said)
        measured: dict[str, Record] = {}
        for name in names or zoo.names():
            found = _measured(name, shape, chosen.threads, 0.02 if quick else 2.0, progress)
            if found is not None:
                measured[name] = kept[name] = found
                _write(chosen.json, said, kept)
    terminal.out(f"{said}\n")
    terminal.show(_table(measured))
    terminal.out("\n" + "\n".join(summary(measured)))
    return Exit.CHECK_FAILED if any("error" in row for row in measured.values()) else Exit.FINE


def _measured(name: str, shape: Shape, threads: int, seconds: float, progress: terminal.Progress) -> Record | None:
    from symcell import compiler
    from symcell.bench.rows import rows_of
    from symcell.bench.zoo import entry, record

    found = entry(name)
    if found is None:
        progress(f"{name}: it has no product, and is measured as part of a cell that has")
        return None
    cell = found.cell if found.variant else name
    kernel = compiler.compile(cell, "float32", lambda step: progress(f"{name}: {step}"))
    progress(f"{name}: training")
    [row] = rows_of(name, found.cell.spec, kernel, shape, ("training",), threads, seconds, found.given or None)
    return record(row, found.variant)


def _table(measured: Mapping[str, Record]) -> Any:
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for name in ("cell", "ms", *PEERS):
        made.add_column(name, no_wrap=True, justify="left" if name == "cell" else "right")
    for name, row in measured.items():
        times = row.get("seconds", {})
        ours = times.get("symcell")
        made.add_row(name, f"{1000 * ours:.2f}" if ours else "error",
                     *(f"{times[peer] / ours:.2f}" if peer in times else "-" for peer in PEERS))
    return made


def _read(path: Path | None, said: str) -> dict[str, Record]:
    """Return what the file holds of the same machine, sizes and versions; of others, nothing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path and path.exists() else {}
        return dict(found["cells"]) if found.get("about") == said else {}
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise CliError(f"{path} exists and holds no times of the zoo ({error}); name another file.") from None


def _write(path: Path | None, said: str, kept: Mapping[str, Record]) -> None:
    if path is None:
        return
    from symcell import zoo

    ordered = {name: kept[name] for name in zoo.names() if name in kept}
    write(path, json.dumps({"about": said, "cells": ordered}, indent=1) + "\n")
