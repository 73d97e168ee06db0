"""All rows of one cell at one shape, as plain records that JSON can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from symcell.bench.draw import Shape, problem_of
from symcell.bench.measure import GIVE_UP, candidates, geometric_mean, measure
from symcell.declare.spec import CellSpec

SHAPES: tuple[Shape, ...] = (
    (100, 1, 64, 64), (100, 1, 256, 256), (100, 16, 128, 128), (100, 32, 256, 256), (100, 64, 512, 512),
    (50, 128, 1024, 1024), (1000, 8, 64, 64), (37, 5, 13, 50), (200, 20, 40, 100), (1, 1, 256, 256),
)
DOUBLE: tuple[Shape, ...] = ((100, 32, 256, 256), (37, 5, 13, 50))  # also in float64
FEW: tuple[Shape, ...] = ((100, 1, 128, 128), (100, 16, 128, 128), (37, 5, 13, 50))  # of `symcell bench`
QUICK: tuple[Shape, ...] = ((7, 3, 5, 9),)
Row = dict[str, Any]


def rows_of(name: str, spec: CellSpec, kernel: Any, shape: Shape, modes: Sequence[str], threads: int,
            seconds: float = 0.5, given: Mapping[str, float] | None = None) -> Iterator[Row]:
    """Yield one row per mode; given: constants, if not the cell's own.

    A peer that computes something else leaves the row with "error", its times uncounted.

    Rows hold "cell", "T", "B", "I", "H", "dtype", "threads", "missing" (peer -> reason) and what `measure` returns.
    """
    kernel.threads, dtype = threads, str(kernel.dtype)
    problem = problem_of(spec, kernel, shape, dtype, threads, given)
    everyone, missing = candidates(kernel, problem)
    for mode in modes:
        head = dict(zip("TBIH", shape, strict=True))
        row: Row = {"cell": name, **head, "dtype": dtype, "threads": threads, "mode": mode, "missing": missing}
        try:
            row |= measure(everyone, mode, problem, seconds)
        except AssertionError as error:
            row |= {"error": str(error)}
        yield row


def means(rows: Sequence[Row]) -> list[Row]:
    """Return the geometric means of peer / symcell per cell, precision and mode, over the rows without an error.

    Each has "cell", "dtype", "mode", "rows" that count "of" all, and "best", "JAX", "eager torch", None where no row
    has that peer.
    """
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["cell"], row["dtype"], row["mode"]), []).append(row)
    return [{"cell": cell, "dtype": dtype, "mode": mode, **_means([row for row in group if "error" not in row]),
             "of": len(group)} for (cell, dtype, mode), group in groups.items()]


def _means(group: Sequence[Row]) -> Row:
    return {"rows": len(group), "best": _mean([row["ratio"] for row in group]),
            **{peer: _mean([_against(row, peer) for row in group]) for peer in ("JAX", "eager torch")}}


def _against(row: Row, peer: str) -> float | None:
    return row["seconds"][peer] / row["seconds"]["symcell"] if peer in row["seconds"] else None


def _mean(ratios: Sequence[float | None]) -> float | None:
    there = [ratio for ratio in ratios if ratio is not None]
    return geometric_mean(there) if there else None


def remarks(rows: Sequence[Row]) -> list[str]:
    """Return what the table leaves out: errors, peers given up on, and peers that could take part if installed."""
    lines = [f"{where(row)}: {row['error']}" for row in rows if "error" in row]
    lines += [f"{where(row)}: {', '.join(row['given_up'])} took more than {GIVE_UP:.0f} s for one call"
              for row in rows if row.get("given_up")]
    absent = {f"{peer}: {why}" for row in rows for peer, why in row["missing"].items() if "installed" in why}
    return lines + sorted(absent)


def where(row: Row) -> str:
    """Return the words that name a row."""
    return f"{row['cell']} {row['T']},{row['B']},{row['I']},{row['H']} {row['dtype']} {row['mode']}"
