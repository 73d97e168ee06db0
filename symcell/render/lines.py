"""Equations that fit a page: how wide a formula is, roughly, and where it may be broken."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 62.0  # in letters: the text width of LaTeX's article class on A4
_TOKENS = re.compile(r"\\[A-Za-z]+|\\.|[^\\]", re.DOTALL)
_INVISIBLE = frozenset(r"""\bar \tilde \hat \dot \widetilde \widehat \overline \mathit \mathrm \mathbf \operatorname \text
\left \right \big \frac \tfrac \begin \end""".split())  # fmt: skip
_WIDE = {"+": 2.2, "-": 2.2, "=": 2.2, r"\odot": 2.2, r"\quad": 2.0, r"\sum": 3.0, r"\partial": 1.1, " ": 0.0,
         "{": 0.0, "}": 0.0, "_": 0.0, "^": 0.0, "&": 0.0, "(": 0.8, ")": 0.8, ",": 0.8, r"\wedge": 2.2}  # fmt: skip
_WORDS = {r"\tanh": 4.0, r"\exp": 3.5, r"\log": 3.0, r"\max": 4.0, r"\min": 4.0}
_SCRIPT = 0.72


@dataclass(frozen=True)
class Equation:
    """One equation: left = right."""

    left: str
    right: str


def width(formula: str) -> float:
    """Estimate the width of a formula, in letters of the text. A fraction counts both its parts: never too narrow."""
    total, scales, scale = 0.0, [1.0], 1.0
    for token in _TOKENS.findall(formula):
        if token in "_^":
            scale = scales[-1] * _SCRIPT
            continue
        if token == "{":
            scales.append(scale)
        elif token == "}" and len(scales) > 1:
            scales.pop()
        elif token != " ":
            total += scale * (0.0 if token in _INVISIBLE else _WORDS.get(token, _WIDE.get(token, 1.0)))
        if token != "{":
            scale = scales[-1]
    return total


def broken(right: str, room: float, indented: float) -> list[str]:
    """Break a formula into lines, each before an operator, as far outside parentheses as there is one."""
    lines = []
    while width(right) > room:
        cut = _cut(right, room)
        if cut is None:
            break
        lines.append(right[:cut].rstrip())
        right, room = right[cut:].lstrip(), indented
    return [*lines, right]


def _cut(formula: str, room: float) -> int | None:
    """Return where to break: of the breaks that fit, the outermost; of those, the last."""
    breaks = [(depth, -place) for place, depth in _breaks(formula) if 6.0 < width(formula[:place]) <= room]
    return -min(breaks)[1] if breaks else None


def _breaks(formula: str) -> Iterable[tuple[int, int]]:
    r"""Yield (position, depth of parentheses) of every operator outside braces, \left and environments."""
    closed, depth, previous = 0, 0, ""
    for found in _TOKENS.finditer(formula):
        token = found[0]
        if token in ("{", r"\left", r"\begin"):
            closed += 1
        elif token in ("}", r"\right", r"\end"):
            closed -= 1
        elif token in "()" and previous not in (r"\left", r"\right"):
            depth += 1 if token == "(" else -1
        elif not closed and previous == " " and token in ("+", "-", r"\odot") and formula[found.end():][:1] == " ":
            # A product is broken only where no sum can be: it binds tighter.
            yield found.start(), 2 * depth + (token == r"\odot")
        previous = token


def aligned(equations: Iterable[Equation], limit: float = WIDTH) -> str:
    r"""Return the rows of an `aligned`, without its \begin and \end."""
    equations = list(equations)
    left = max((width(equation.left) for equation in equations), default=0.0)
    rows = []
    for equation in equations:
        first, *rest = broken(equation.right, limit - left - 2, limit - left - 6)
        rows.append(f"{equation.left} &= {first}")
        rows += [rf"&\quad {line}" for line in rest]
    return " \\\\\n".join(rows)
