r"""What TeX cannot break, written so that it can be broken: \frac{a}{b} as (a) / b, where it is too long for a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from symcell.render.width import TOKENS, width

_SKIPPED = re.compile(r"\{|\\(?:left|frac|overline|sqrt)(?![A-Za-z])|\\begin\{cases\}|\\mathbf\{1\}_(?=\{)")
_ARGUMENTS = {r"\frac": 2, r"\overline": 1, r"\sqrt": 1, r"\mathbf{1}_": 1}
_OPEN = ("{", r"\left", r"\begin")
_CLOSE = ("}", r"\right", r"\end")
_OPERATORS = ("", "+", "-", ",", "(", "[", r"\biggl(", "=", "<", ">", r"\leq", r"\geq", r"\neq", r"\wedge", r"\vee")
_ENDS = ("", "+", "-", ",", ")", "]", r"\biggr)", "=", "<", ">", r"\leq", r"\geq", r"\neq", r"\wedge", r"\vee")

_SMALL = 4
_NUMBER = re.compile(r"[\d.]+|\\tfrac\{\d+\}\{\d+\}")


@dataclass(frozen=True)
class Closed:
    """A group that is in one piece: formula[start:end], what it is, and what stands in its braces."""

    start: int
    end: int
    kind: str
    inside: tuple[str, ...]


def opened(formula: str, room: float) -> str | None:
    """Write the outermost group that ends beyond the room so that it can be broken; None where there is none.

    Where none does, what follows the last one is too long for the line. A small one can as well go to the next line.
    """
    closed = None
    for found in _closed(formula):
        if width(formula[found.start:found.end]) > room / _SMALL:
            closed = found
            if width(formula[:found.end]) > room:
                break
    if closed is None:
        return None
    before, after = formula[:closed.start], formula[closed.end:]
    return before + _REWRITTEN[closed.kind](closed, _token_before(before), _token_after(after)) + after


def outermost(formula: str, *tokens: str) -> bool:
    """Whether one of these tokens stands outside all braces and parentheses."""
    depth = 0
    for token in TOKENS.findall(formula):
        depth += (token in (*_OPEN, "(", "[")) - (token in (*_CLOSE, ")", "]"))
        if not depth and token in tokens:
            return True
    return False


def _closed(formula: str) -> Iterator[Closed]:
    at = 0
    while found := _SKIPPED.search(formula, at):
        kind, at = found[0], found.end()
        if kind in _ARGUMENTS:
            inside = []
            for _ in range(_ARGUMENTS[kind]):
                end = _closing(formula, at)
                inside.append(formula[at + 1:end - 1])
                at = end
            if kind != r"\overline" or " " in inside[0]:  # over a name a long bar stays
                yield Closed(found.start(), at, kind, tuple(inside))
        else:
            at = _closing(formula, found.start())
            if kind != "{":
                yield Closed(found.start(), at, kind, (formula[found.end():at],))


def _closing(formula: str, start: int) -> int:
    r"""Return where the group that starts here ends: after its }, after the delimiter of \right, after \end{...}."""
    depth = 0
    for found in TOKENS.finditer(formula, start):
        depth += (found[0] in _OPEN) - (found[0] in _CLOSE)
        if not depth:
            return found.end() + {r"\right": 1, r"\end": len("{cases}")}.get(found[0], 0)
    return len(formula)


def _token_before(text: str) -> str:
    text = text.rstrip()
    return r"\biggl(" if text.endswith(r"\biggl(") else (TOKENS.findall(text) or [""])[-1]


def _token_after(text: str) -> str:
    text = text.lstrip()
    return r"\biggr)" if text.startswith(r"\biggr)") else (TOKENS.findall(text) or [""])[0]


def _large(text: str) -> str:
    return rf"\biggl({text}\biggr)"


def _parentheses(closed: Closed, before: str, after: str) -> str:
    """A pair that grew to the height of its content: of one large size, on one line or on two."""
    inside, _, delimiter = closed.inside[0].rpartition(r"\right")
    return rf"\biggl{inside}\biggr{delimiter}"


def _fraction(closed: Closed, before: str, after: str) -> str:
    above, below = closed.inside
    above = _large(above) if outermost(above, "+", "-") else above
    below = f"({below})" if outermost(below, " ", r"\frac") else below
    text = f"{above} / {below}"
    return text if before in (*_OPERATORS, r"\odot") and after in _ENDS else _large(text)


def _bar(closed: Closed, before: str, after: str) -> str:
    text = rf"\partial \mathcal{{L}}/\partial {_large(closed.inside[0])}"
    return text if before in _OPERATORS and after in _ENDS else _large(text)


def _root(closed: Closed, before: str, after: str) -> str:
    return _large(closed.inside[0]) + "^{1/2}"


def _indicator(closed: Closed, before: str, after: str) -> str:
    return rf"\mathbf{{1}}[{closed.inside[0]}]"


def _cases(closed: Closed, before: str, after: str) -> str:
    r"""Cases as a sum: each value times the indicator of its condition."""
    first, *rest = split(closed.inside[0].removesuffix(r"\end{cases}").strip(), r" \\ ")
    value, condition = split(first, r" & \text{if } ")
    otherwise = rest[0].removesuffix(r" & \text{otherwise}")
    if len(rest) > 1:
        otherwise = r"\begin{cases} " + r" \\ ".join(rest) + r" \end{cases}"
    terms = [_chosen(value, condition), _chosen(otherwise, rf"\neg ({condition})")]
    text = " + ".join(filter(None, terms))
    return text if before in ("", "(", "[", r"\biggl(", "+", ",") and after in _ENDS else _large(text)


def _chosen(value: str, condition: str) -> str:
    indicator = rf"\mathbf{{1}}_{{{condition}}}"
    if _NUMBER.fullmatch(value):
        return "" if value == "0" else indicator if value == "1" else rf"{value} \cdot {indicator}"
    return rf"{indicator} \odot {_large(value) if outermost(value, '+', '-') else value}"


def split(formula: str, separator: str) -> list[str]:
    """Split a formula where the separator stands outside all groups."""
    parts, start, at = [], 0, 0
    while (found := re.compile(rf"{re.escape(separator)}|\{{|\\begin|\\left(?![A-Za-z])").search(formula, at)):
        if found[0] == separator:
            parts.append(formula[start:found.start()])
            start = at = found.end()
        else:
            at = _closing(formula, found.start())
    return [*parts, formula[start:]]


_REWRITTEN = {r"\left": _parentheses, r"\frac": _fraction, r"\overline": _bar, r"\sqrt": _root,
              r"\mathbf{1}_": _indicator, r"\begin{cases}": _cases}  # fmt: skip
