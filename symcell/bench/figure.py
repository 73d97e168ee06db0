"""Rows -> a figure: best peer / symcell, a panel per mode, a line per cell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from symcell.bench.problem import load
from symcell.bench.rows import Row

MARKS = "osD^v<>PX*"


def check(path: Path) -> None:
    """Look whether a figure can be drawn, and its suffix is a format.

    Raises:
        MissingError: matplotlib is not installed.
        ValueError: it knows no such format; the message lists those that it knows.
    """
    formats = load("matplotlib.backend_bases").FigureCanvasBase.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in formats:
        raise ValueError(f"{path} does not end in one of .{', .'.join(sorted(formats))}.")


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the figure; its suffix says in which format.

    Raises:
        MissingError: matplotlib is not installed.
    """
    Figure = load("matplotlib.figure").Figure  # without pyplot, which would look for a display
    shown = [row for row in rows if row.get("ratio")]
    modes = list(dict.fromkeys(row["mode"] for row in shown))
    shapes = list(dict.fromkeys(_shape(row) for row in shown))
    figure = Figure(figsize=(8, 1.5 + 3 * max(1, len(modes))), layout="constrained")
    axes = figure.subplots(max(1, len(modes)), 1, sharex=True, squeeze=False)[:, 0]
    cells = list(dict.fromkeys(row["cell"] for row in shown))
    for panel, mode in zip(axes, modes, strict=False):
        for number, cell in enumerate(cells):
            mine = [row for row in shown if row["mode"] == mode and row["cell"] == cell]
            panel.plot([shapes.index(_shape(row)) for row in mine], [row["ratio"] for row in mine],
                       linestyle="-", linewidth=0.6, marker=MARKS[number % len(MARKS)], label=cell)
        panel.axhline(1, color="black", linewidth=1)
        panel.set_yscale("log", base=2)
        ratios = [row["ratio"] for row in shown if row["mode"] == mode]
        panel.set_ylim(0.9 * min(0.5, *ratios), 1.1 * max(2, *ratios))  # a few powers of 2, for ticks
        panel.yaxis.set_major_formatter("{x:g}")
        panel.grid(axis="y", alpha=0.3)
        panel.set(title=mode, ylabel="best peer / symcell")
    axes[-1].set_xticks(range(len(shapes)), shapes, rotation=30, ha="right")
    axes[-1].set_xlabel("T,B,I,H")
    if cells:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, fontsize="small")
    figure.savefig(path, dpi=120)


def _shape(row: Row) -> str:
    return ",".join(str(row[size]) for size in "TBIH") + (" f64" if row["dtype"] == "float64" else "")
