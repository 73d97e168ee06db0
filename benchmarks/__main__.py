"""The whole benchmark: every kind of cell, at every size, against what a person could use instead.

A thin runner of symcell.bench, which `symcell bench CELL` runs on one cell.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from symcell.cli import bench
from symcell.cli.program import Program

CELLS = ("rnn", "lstm", "gru", "gru_reset_before", "lstm_peephole", "mgu", "nas", "lstm_multiplicative", "sru",
         "sru_recurrence")
QUICK = 0.02  # seconds that a row is repeated


def cases(cells: tuple[str, ...], chosen: bench.Options, quick: bool) -> Iterator[bench.Case]:
    """Yield each cell at each shape: float32, and two shapes in float64 too."""
    from symcell.bench.rows import DOUBLE, QUICK, SHAPES

    for cell in cells:
        for shape in chosen.shapes or (QUICK if quick else SHAPES):
            for dtype in chosen.dtypes or (("float32", "float64") if shape in DOUBLE else ("float32",)):
                yield cell, shape, dtype


@click.group(cls=Program, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--cell", "cells", multiple=True,
              help=f"May be repeated.  [default: {', '.join(CELLS)}; with --zoo all cells]")
@click.option("--zoo", is_flag=True, help="Each cell of the zoo in training at one shape, and what they say together; "
                                          "--json then adds to what the file holds.")
@click.option("--quick", is_flag=True, help="One tiny shape, few repetitions: tries everything, measures nothing.")
@bench.options
@click.pass_context
def main(context: click.Context, cells: tuple[str, ...], zoo: bool, quick: bool, **chosen: Any) -> None:
    """Print the ratio best peer / symcell per cell, shape and mode (larger than 1: symcell is faster).

    Exits with 1 when a peer's result differs from symcell's.
    """
    parsed = bench.Options(**chosen)
    if zoo:
        from symcell.cli import zoo_bench

        context.exit(zoo_bench.run(cells, parsed, quick))
    rows = bench.run(lambda: cases(cells or CELLS, parsed, quick), parsed, QUICK if quick else 0.5)
    context.exit(bench.failed(rows))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
