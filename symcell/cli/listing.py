"""The table of `symcell list`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from symcell.cli import terminal

if TYPE_CHECKING:
    from rich.table import Table

    from symcell.declare.spec import CellSpec

ROOMY = 120  # columns from which the family has a column of its own; below it is a line above its cells


def table() -> Table:
    """Return the cells of the zoo: name, family, states, parameters, and where they were published."""
    from rich.table import Table
    from rich.text import Text

    from symcell import zoo

    roomy = terminal.console().width >= ROOMY
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    made.add_column("name", no_wrap=True)
    if roomy:
        made.add_column("family", no_wrap=True)
    made.add_column("states", no_wrap=True)
    made.add_column("parameters", no_wrap=True)
    made.add_column("reference")
    family = ""
    for name, entry in zoo.REGISTRY.items():
        if entry.family != family and not roomy:
            made.add_row()
            made.add_row(Text(entry.family, style="italic"))
        family = entry.family
        spec = zoo.find(name).spec
        states = ", ".join(state for state, _ in spec.states)
        learned = parameters(spec) if roomy else parameters(spec).replace(" ", "")
        made.add_row(name, *([family] if roomy else []), states, learned, reference(spec.doc))
    return made


def parameters(spec: CellSpec) -> str:
    """Return how many numbers are learned, such as "4HI + 4H^2 + 4H"."""
    short = all(len(dim) == 1 for dim in spec.dims)
    counts = Counter(tuple(sorted(p.dims, key=spec.dims.index, reverse=True)) for p in spec.parameters if p.learned)
    terms = [_term(count, dims, "" if short else "*") for dims, count in sorted(counts.items(), key=_degree)]
    return " + ".join(terms) or "0"


def _degree(term: tuple[tuple[str, ...], int]) -> tuple[int, bool]:
    dims, _ = term
    return -len(dims), len(set(dims)) == 1


def _term(count: int, dims: tuple[str, ...], times: str) -> str:
    powers = Counter(dims)
    factors = [dim if power == 1 else f"{dim}^{power}" for dim, power in powers.items()]
    return times.join(([str(count)] if count > 1 or not dims else []) + factors)


def reference(doc: str) -> str:
    """Return the source that the first paragraph of a docstring ends with, or all of it."""
    first = " ".join(doc.split("\n\n")[0].split())
    _, _, source = first.partition(". ")
    return source or first
