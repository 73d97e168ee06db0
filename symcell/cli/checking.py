"""The table of `symcell check`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from symcell.cli import terminal

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from symcell.declare.spec import CellSpec
    from symcell.proof.result import Outcome
    from symcell.runtime.kernel import Kernel

ROOMY = 140  # columns from which every row says how it was measured; below, a line above the rows does

_WORDS = {True: ("passed", "green"), False: ("FAILED", "bold red"), None: ("not run", "yellow")}


def run(spec: CellSpec, kernels: Mapping[str, Kernel], progress: terminal.Progress) -> list[Outcome]:
    """Put a cell, and its kernels by the names of their precisions, before every oracle."""
    from symcell.proof import report

    parts = report.parts(spec, kernels)
    outcomes: list[Outcome] = []
    for number, part in enumerate(parts, start=1):
        progress(f"{spec.name}: {number} of {len(parts)}, {part.title}")
        outcomes += part.run()
    return outcomes


def table(outcomes: Sequence[Outcome]) -> Table:
    """Return what each oracle measured: quantity, error, tolerance, result, and how it was done."""
    return _one_line_each(outcomes) if terminal.console().width >= ROOMY else _under_headlines(outcomes)


def _one_line_each(outcomes: Sequence[Outcome]) -> Table:
    made = _columns("oracle", "quantity", "error", "tolerance", "result", "how")
    for row in outcomes:
        made.add_row(terminal.printable(row.oracle), *_measured(row), terminal.printable(row.how))
    return made


def _under_headlines(outcomes: Sequence[Outcome]) -> Table:
    from rich.padding import Padding
    from rich.text import Text

    made = _columns("quantity", "error", "tolerance", "result")
    for (oracle, how), rows in groupby(outcomes, key=lambda outcome: (outcome.oracle, outcome.how)):
        made.add_row()
        made.add_row(Text.assemble((terminal.printable(oracle), "bold"), f": {terminal.printable(how)}"))
        for row in rows:
            what, error, tolerance, result = _measured(row)
            made.add_row(Padding(what, (0, 0, 0, 2)), error, tolerance, result)
    return made


def _columns(*names: str) -> Table:
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        numbers = name in ("error", "tolerance")
        made.add_column(name, justify="right" if numbers else "left", no_wrap=name not in ("quantity", "how"))
    return made


def _measured(row: Outcome) -> tuple[str, str, str, Text]:
    """Return the quantity, its error, the tolerance and the result."""
    numbers = (_number(row.error), _number(row.tolerance)) if row.ran else ("-", "-")
    return terminal.printable(row.what), *numbers, _result(row)


def _number(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"


def _result(row: Outcome) -> Text:
    from rich.text import Text

    return Text(*_WORDS[row.passed])


def passed(outcomes: Sequence[Outcome]) -> bool:
    """Whether something ran and nothing failed."""
    verdicts = [outcome.passed for outcome in outcomes]
    return True in verdicts and False not in verdicts


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return the last line: how many passed."""
    failed, skipped = ([o for o in outcomes if o.passed is word] for word in (False, None))
    oracles = ", ".join(dict.fromkeys(outcome.oracle for outcome in failed))
    ran = len(outcomes) - len(skipped)
    line = f"{len(failed)} of {ran} checks FAILED ({oracles})" if failed else f"All {ran} checks passed"
    line = line if ran else "Nothing could be checked"
    return f"{line}{f', {len(skipped)} not run' if skipped else ''}, in {seconds:.1f} s."
