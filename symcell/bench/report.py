"""Rows -> tables that fit 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from symcell.bench.rows import Row, means

if TYPE_CHECKING:
    from rich.table import Table

_UNITS = {"FLOP/s": "GF", "B/s": "GB"}


ROWS = """{dtype}. Rates are 10^9 operations of products per second (GF), or bytes (GB)
of a cell that has none; share: of the machine's matrix product, or copy;
ratio: time of the best peer / symcell's."""
MEANS = "Geometric means of the time of a peer / symcell's."


def empty_table(*columns: str) -> Table:
    """Return a table without lines or rows; numbers stand at the right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for name in columns:
        made.add_column(name, no_wrap=True, justify="left" if name in ("cell", "mode", "best peer") else "right")
    return made


def row_table(rows: Sequence[Row], dtype: str) -> Table:
    """Return a line per row of one precision: rate, share of what the machine can do, best peer / symcell."""
    made = empty_table("cell", "T,B,I,H", "mode", "rate", "share", "best peer", "ratio")
    for row in rows:
        if row["dtype"] == dtype and "error" not in row:
            made.add_row(row["cell"], ",".join(str(row[size]) for size in "TBIH"), row["mode"],
                         f"{row['rate'] / 1e9:.1f} {_UNITS[row['unit']]}", f"{row['share']:.0%}",
                         row["best"] or "-", _number(row["ratio"]))
    return made


def mean_table(rows: Sequence[Row]) -> Table:
    """Return the geometric means of peer / symcell."""
    made = empty_table("cell", "dtype", "mode", "rows", "best", "JAX", "eager torch")
    for mean in means(rows):
        counted = str(mean["rows"]) if mean["rows"] == mean["of"] else f"{mean['rows']} of {mean['of']}"
        made.add_row(mean["cell"], mean["dtype"], mean["mode"], counted,
                     *(_number(mean[peer]) for peer in ("best", "JAX", "eager torch")))
    return made


def _number(ratio: Any) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def tables(rows: Sequence[Row]) -> list[tuple[str, Table]]:
    """Return (what it is, table): the rows of each precision, and the means."""
    dtypes = dict.fromkeys(row["dtype"] for row in rows)
    return [*((ROWS.format(dtype=dtype), row_table(rows, dtype)) for dtype in dtypes), (MEANS, mean_table(rows))]
