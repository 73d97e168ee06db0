"""Equations that fit a page: where a formula may be broken, and how equations stand below each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from symcell.render.opening import opened
from symcell.render.width import TOKENS, width

WIDTH = 34.0  # em: the text of LaTeX's article class
PAGE = 41.0  # the text of a page of our own
_STUB = 3.3  # no line ends before
_EQUALS, _OPERATOR, _QUAD = 1.34, 0.45, 1.0  # with the spaces around
_WIDE = (0.4, 0.2)  # of a line: left sides beyond are not in the column of the others, if that takes fewer lines
_TOGETHER = 8  # lines of an equation that stay on one page
_BEGINNING, _SLACK = 800, 8.0  # characters, more than a line of them; and how wrong the end of what is cut off can be
_BETWEEN = 2.0  # columns of an align: a quad, and what amsmath adds at least
_BREAKS = frozenset({"+", "-", r"\odot", "/", "=", "<", ">", r"\leq", r"\geq", r"\neq", r"\wedge", r"\vee"})
_STARTS = tuple(f"{token} " for token in _BREAKS)
_TIGHT = frozenset({r"\odot", "/"})  # they bind tighter: a product is broken only where no sum can be
_CLOSED = {"{": 1, "}": -1, r"\left": 1, r"\right": -1, r"\begin": 1, r"\end": -1}
_PARENTHESES = {"(": 1, "[": 1, ")": -1, "]": -1}
_NO_FACTOR = _BREAKS | {r"\cdot", r"\partial", r"\neg", ","}
_PRODUCT = 100  # deeper than all parentheses: between a matrix and its vector


@dataclass(frozen=True)
class Equation:
    """One equation: left = right."""

    left: str
    right: str


def broken(right: str, room: float, indented: float) -> list[str]:
    """Break a formula into lines, each before an operator, as far outside parentheses as there is one.

    What is too long and in one piece, a fraction for instance, is written otherwise (symcell.render.opening).
    """
    lines = []
    while _wider(right, room):
        cut = _cut(right, room, indented)
        if cut is None and (instead := opened(right, room)) is not None:
            right = instead
            continue
        cut = cut or _last_resort(right, room)
        if cut is None:
            break
        lines.append(right[:cut].rstrip())
        right, room = right[cut:].lstrip(), indented
        right = right if right.startswith(_STARTS) or lines[-1].endswith(",") else rf"\cdot {right}"
    return [*lines, right]


def _wider(formula: str, room: float) -> bool:
    """Whether a formula is wider than this: of a long one its beginning says so, and each line asks about the rest."""
    start = formula[:_BEGINNING]
    return (start != formula and width(start) > room + _SLACK) or width(formula) > room


def _cut(formula: str, room: float, indented: float) -> int | None:
    """Return where to break: of the breaks that fit, the outermost that leaves no stub; of those, the last.

    A short line is no stub where all the rest goes on the next one.
    """
    breaks = [(size < room / 4 and _wider(formula[place:], indented), depth, -place)
              for place, depth, size in _fitting(formula, room) if size > _STUB and depth < _PRODUCT]
    return -min(breaks)[2] if breaks else None


def _last_resort(formula: str, room: float) -> int | None:
    """Return where to break what is hard to break: the last place that fits, or else the first."""
    fitting = [place for place, _, size in _fitting(formula, room) if size]
    places = fitting[-1:] or [place for place, _ in _breaks(formula) if formula[:place].strip(" -+")]
    return places[0] if places else None


def _fitting(formula: str, room: float) -> Iterator[tuple[int, int, float]]:
    """Yield (position, depth, width of what stands before) of the breaks that leave no more than has room."""
    for place, depth in _breaks(formula):
        size = width(formula[:place])
        if size > room:
            return
        yield place, depth, size if formula[:place].strip(" -+") else 0.0


def _breaks(formula: str) -> Iterator[tuple[int, int]]:
    r"""Yield (position, depth of parentheses) of every operator outside braces, \left and environments."""
    closed, depth, place, before = 0, 0, 0, ""
    tokens, following = (chain((found[0] for found in TOKENS.finditer(formula)), [""]) for _ in range(2))
    next(following)
    for token, after in zip(tokens, following, strict=False):  # as many as are asked for: a line takes few of them
        closed += _CLOSED.get(token, 0)
        if not closed and before not in (r"\left", r"\right"):
            depth += _PARENTHESES.get(token, 0)
        if not closed and before == " " and token in _BREAKS and after == " ":
            yield place, 2 * depth + (token in _TIGHT)
        elif not closed and token == " " and before == ",":
            yield place + 1, 2 * depth
        elif not closed and token == " " and _is_product(before, after, formula[:place]):
            yield place + 1, _PRODUCT + depth
        place, before = place + len(token), token


def _is_product(left: str, right: str, before: str) -> bool:
    """Whether nothing stands between two factors: W x, not a + b, nor a sum and what it sums."""
    operands = bool(left and right) and right != r"\thinspace" and _NO_FACTOR.isdisjoint((left, right))
    return operands and not before.endswith(r"\sum_{t=1}^{T}")


def aligned(equations: Sequence[Equation], limit: float = WIDTH) -> str:
    r"""Return the rows of an `align`, without its \begin and \end: short sums over time share a row."""
    columns = _columns(equations, limit)
    if columns > 1:
        return " \\\\\n".join(
            r" &\quad ".join(f"{e.left} &= {e.right}" for e in equations[first:first + columns])
            for first in range(0, len(equations), columns))
    wider, narrower = (_stacked(equations, part * limit, limit) for part in _WIDE)
    rows = narrower if sum(map(len, narrower)) < sum(map(len, wider)) else wider
    return " \\\\\n".join(_joined(lines) for lines in rows)


def _joined(lines: Sequence[str]) -> str:
    """Join the lines of an equation; no page ends between them, if they are few."""
    return (" \\\\*\n" if len(lines) <= _TOGETHER else " \\\\\n").join(lines)


def _stacked(equations: Sequence[Equation], widest: float, limit: float) -> list[list[str]]:
    """Return the lines of equations below each other; left sides beyond `widest` are not in the others' column."""
    column = max((size for equation in equations if (size := width(equation.left)) <= widest), default=0.0)
    return [_rows(equation, column, limit - column) for equation in equations]


def _rows(equation: Equation, column: float, room: float) -> list[str]:
    """Return the rows of an equation, in what is left of a line beside the column of left sides."""
    indented = room - _QUAD - _OPERATOR
    if width(equation.left) <= column:
        first, *rest = broken(equation.right, room - _EQUALS, indented)
        return [f"{equation.left} &= {first}", *(rf"&\quad {line}" for line in rest)]
    if width(equation.left) + _EQUALS + width(equation.right) <= room:
        return [f"&{equation.left} = {equation.right}"]
    first, *over = broken(equation.left, room, indented)
    rest = broken(equation.right, indented - _EQUALS, indented)
    return [f"&{first}", *(rf"&\quad {line}" for line in over), rf"&\quad = {rest[0]}",
            *(rf"&\quad {line}" for line in rest[1:])]


def _columns(equations: Sequence[Equation], limit: float) -> int:
    """Return how many sums over time, which are tall, stand in a row: those of W_r, W_z, W_n, if they fit."""
    if len(equations) < 2 or not all(equation.right.startswith(r"\sum") for equation in equations):
        return 1
    bases = [equation.left.split("_")[0] for equation in equations]
    alike = next((index for index, base in enumerate(bases) if base != bases[0]), len(bases))
    fitting = [columns for columns in (alike, 2) if columns > 1 and _width(equations, columns) <= limit]
    return fitting[0] if fitting else 1


def _width(equations: Sequence[Equation], columns: int) -> float:
    """Return the width of equations in columns: each as wide as its widest left side and its widest right side."""
    sides = [[max((width(side) for side in sides), default=0.0) for sides in (
        [equation.left for equation in equations[column::columns]],
        [equation.right for equation in equations[column::columns]])] for column in range(columns)]
    return sum(left + _EQUALS + right for left, right in sides) + (columns - 1) * _BETWEEN
