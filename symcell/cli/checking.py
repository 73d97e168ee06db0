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
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    roomy = terminal.console().width >= ROOMY
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    if roomy:
        made.add_column("oracle", no_wrap=True)
    made.add_column("quantity")
    made.add_column("error", justify="right", no_wrap=True)
    made.add_column("tolerance", justify="right", no_wrap=True)
    made.add_column("result", no_wrap=True)
    if roomy:
        made.add_column("how")
    for (oracle, how), rows in groupby(outcomes, key=lambda outcome: (outcome.oracle, outcome.how)):
        if not roomy:
            made.add_row()
            made.add_row(Text.assemble((terminal.printable(oracle), "bold"), f": {terminal.printable(how)}"))
        for row in rows:
            what = terminal.printable(row.what)
            if roomy:
                names = terminal.printable(oracle), what
                made.add_row(*names, *_numbers(row), _result(row), terminal.printable(how))
            else:
                made.add_row(Padding(what, (0, 0, 0, 2)), *_numbers(row), _result(row))
    return made


def _numbers(row: Outcome) -> tuple[str, str]:
    return (_number(row.error), _number(row.tolerance)) if row.ran else ("-", "-")


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
