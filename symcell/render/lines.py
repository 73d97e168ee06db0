"""Equations that fit a page: how wide a formula is, roughly, and where it may be broken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 62.0  # in letters: the text width of LaTeX's article class
PAGE = 74.0  # the text width of a page of our own
_CASES = re.compile(r"\\begin\{cases\}(.*?)\\end\{cases\}")
_GROUP = r"\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}"
_FRACTION = re.compile(r"\\t?frac" + _GROUP + _GROUP)
_TOKENS = re.compile(r"\\[A-Za-z]+|\\.|[^\\]", re.DOTALL)
_INVISIBLE = frozenset({
    r"\bar", r"\tilde", r"\hat", r"\dot", r"\widetilde", r"\widehat", r"\overline", r"\mathit", r"\mathrm",
    r"\mathbf", r"\operatorname", r"\text", r"\left", r"\right", r"\frac", r"\tfrac", r"\begin", r"\end",
    r"\biggl", r"\biggr",
})  # fmt: skip
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
    """Estimate the width of a formula, in letters of the text."""
    total, scales, scale = 0.0, [1.0], 1.0
    for token in _TOKENS.findall(_flat(formula)):
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


def _flat(formula: str) -> str:
    """Replace what stands on several levels by its widest row: limits, cases, simple fractions."""
    formula = formula.replace(r"\sum_{t=1}^{T}", r"\sum")  # its limits stand above and below
    formula = _CASES.sub(lambda found: "xxx" + max(found[1].split(r"\\"), key=width), formula)
    return _FRACTION.sub(lambda found: max(found.groups(), key=width), formula)


def broken(right: str, room: float, indented: float) -> list[str]:
    """Break a formula into lines, each before an operator, as far outside parentheses as there is one."""
    lines = []
    while width(right) > room:
        cut = _cut(right, room)
        if cut is None and r"\left" in right:  # what stands between \left and \right cannot be broken
            right = right.replace(r"\left", r"\biggl").replace(r"\right", r"\biggr")
            continue
        if cut is None:
            break
        lines.append(right[:cut].rstrip())
        right, room = right[cut:].lstrip(), indented
    return [*lines, right]


def _cut(formula: str, room: float) -> int | None:
    """Return where to break: of the breaks that fit, the outermost that leaves no stub; of those, the last."""
    breaks = [(width(formula[:place]) < room / 4, depth, -place) for place, depth in _breaks(formula)
              if 6.0 < width(formula[:place]) <= room]
    return -min(breaks)[2] if breaks else None


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


def aligned(equations: Sequence[Equation], limit: float = WIDTH) -> str:
    r"""Return the rows of an `aligned`, without its \begin and \end: short sums over time share a row."""
    columns = _columns(equations, limit)
    if columns > 1:
        return " \\\\\n".join(
            r" &\quad ".join(f"{e.left} &= {e.right}" for e in equations[first:first + columns])
            for first in range(0, len(equations), columns))
    left = max((width(equation.left) for equation in equations), default=0.0)
    rows = []
    for equation in equations:
        first, *rest = broken(equation.right, limit - left - 2, limit - left - 6)
        rows.append(f"{equation.left} &= {first}")
        rows += [rf"&\quad {line}" for line in rest]
    return " \\\\\n".join(rows)


def _columns(equations: Sequence[Equation], limit: float) -> int:
    """Return how many sums over time, which are tall, stand in a row: those of W_r, W_z, W_n, if they fit."""
    if len(equations) < 2 or not all(equation.right.startswith(r"\sum") for equation in equations):
        return 1
    bases = [equation.left.split("_")[0] for equation in equations]
    alike = next((index for index, base in enumerate(bases) if base != bases[0]), len(bases))
    widths = [width(f"{equation.left} = {equation.right}") + 3 for equation in equations]
    fitting = [columns for columns in (alike, 2)
               if columns > 1 and sum(max(widths[column::columns], default=0.0) for column in range(columns)) <= limit]
    return fitting[0] if fitting else 1
