"""The table of `symcell list`."""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symcell.cli import terminal
from symcell.cli.errors import CliError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from symcell.declare.spec import CellSpec

ROOMY = 180  # columns from which a cell is one line; below it families are headlines, references lines of their own
COLUMNS = ("name", "family", "states", "gates", "depth", "parameters", "reference")


@dataclass(frozen=True)
class Line:
    """One cell of the table; its fields are the columns, and what it is found by."""

    cells: tuple[str, ...]
    text: str

    @property
    def family(self) -> str:
        """The group it is listed in."""
        return self.cells[1]


def table(words: tuple[str, ...] = (), family: str | None = None) -> RenderableType:
    """Return the cells of the zoo: what each is called, consists of, and where it was published.

    words: only the cells that have each of these in their name, family or docstring. family: only this one, or those
    whose names have this part.

    Raises:
        CliError: no family is called so, or no cell has all the words.
    """
    lines = [line for line in _lines(family) if all(word.lower() in line.text for word in words)]
    if not lines:
        among = f" in the families {family!r}" if family else ""
        said = " and ".join(map(repr, words))
        raise CliError(f"The zoo has no cell{among} whose name, family or description has {said}.")
    return _one_line_each(lines) if terminal.console().width >= ROOMY else _under_headlines(lines)


def _lines(family: str | None) -> list[Line]:
    from symcell import zoo

    families = list(dict.fromkeys(entry.family for entry in zoo.REGISTRY.values()))
    wanted = [name for name in families if family is None or family.lower() in name]
    if not wanted:
        raise CliError(f"The zoo has no family {family!r}. Families: {', '.join(families)}.")
    return [_line(name, entry.family) for name, entry in zoo.REGISTRY.items() if entry.family in wanted]


def _line(name: str, family: str) -> Line:
    from symcell import zoo
    from symcell.cli.measures import gates, matmul_depth

    spec = zoo.find(name).spec
    states = ", ".join(state for state, _ in spec.states)
    cells = name, family, states, str(gates(spec)), str(matmul_depth(spec)), parameters(spec), reference(spec.doc)
    return Line(cells, f"{name} {family} {' '.join(spec.doc.split())}".lower())


def _one_line_each(lines: list[Line]) -> RenderableType:
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in COLUMNS:
        made.add_column(column, no_wrap=True)
    for line in lines:
        made.add_row(*line.cells)
    return made


def _under_headlines(lines: list[Line]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    short = [[cell for column, cell in zip(COLUMNS, line.cells, strict=True) if column not in ("family", "reference")]
             for line in lines]
    header = [column for column in COLUMNS if column not in ("family", "reference")]
    widths = [max(map(len, column)) for column in zip(header, *short, strict=True)]
    width = max(terminal.console().width, 40)
    made, family = [Text(_padded(header, widths), style="bold")], ""
    for line, cells in zip(lines, short, strict=True):
        if line.family != family:
            made += [Text(), Text(line.family, style="italic")]
        family = line.family
        made.append(Text(_padded(cells, widths)))
        made += [Text(f"  {part}", style="dim") for part in textwrap.wrap(line.cells[-1], width - 2)]
    return Group(*made)


def _padded(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


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
