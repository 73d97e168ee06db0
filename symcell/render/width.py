"""How wide a formula comes out of TeX, in em of the text: what fills a line, without TeX at hand.

It follows chapter 18 and appendix G of The TeXbook (Knuth 1986) for the commands that derivations use: the widths of
characters, the spaces between kinds of atoms, styles, and what stands on several levels. What it leaves out (kerns, the
exact size of a growing parenthesis) is within a few hundredths: tests/render/test_width.py holds what TeX measured.
"""

from __future__ import annotations

import re
from functools import lru_cache

from symcell.render.metrics import DISPLAY, FONTS, KINDS, ROMAN, SCRIPT, SIZES, TEXT, WIDTHS, Atom, spaced

TOKENS = re.compile(r"\\[A-Za-z]+|\\.|[^\\]", re.DOTALL)
_ACCENTS = frozenset({r"\bar", r"\tilde", r"\hat", r"\dot", r"\widetilde", r"\widehat", r"\overline"})
_TALL = (0.792, 0.597, 0.458)  # parentheses around a fraction; what is set smaller needs smaller ones
_BAR, _BRACE, _RADICAL, _NULL = 0.333, 0.889, 1.0, 0.12  # delimiters; around a fraction there are none
_AFTER_SCRIPTS = 0.05
_SLANT = 0.08  # the end of a word in italics leans over
_BETWEEN_COLUMNS = 1.167


@lru_cache(maxsize=65536)
def width(formula: str) -> float:
    """Return the width of a displayed formula, in em."""
    return _Measure(formula).row(DISPLAY)


def text_width(text: str) -> float:
    """Return the width of text outside formulas, in em."""
    return sum(ROMAN.get(character, 0.6) for character in text)


class _Measure:
    """Reads a formula from left to right. A style is DISPLAY, TEXT, SCRIPT, or more for what is smaller still."""

    def __init__(self, formula: str) -> None:
        self.tokens = [token for token in TOKENS.findall(formula) if not token.isspace()]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def row(self, style: int, *ends: str) -> float:
        """Measure what stands before the first of these tokens."""
        atoms = []
        while self.peek() and self.peek() not in ends:
            atoms.append(self.atom(style))
        return spaced(atoms, style)

    def group(self, style: int) -> float:
        """Measure an argument: a group in braces, or one token."""
        if self.peek() != "{":
            return self.nucleus(self.next(), style)[1]
        self.next()
        inside = self.row(style, "}")
        self.next()
        return inside

    def atom(self, style: int) -> Atom:
        """Measure a nucleus with its scripts."""
        token = self.next()
        kind, size = self.nucleus(token, style)
        scripts = []
        while self.peek() in ("_", "^"):
            self.next()
            scripts.append(self.group(max(SCRIPT, style + 1)))
        if not scripts:
            return kind, size
        if token == r"\sum" and style == DISPLAY:  # its limits stand above and below
            return kind, max(size, *scripts)
        return kind, size + max(scripts) + _AFTER_SCRIPTS

    def nucleus(self, token: str, style: int) -> Atom:
        if token == "{":
            self.at -= 1
            return "ord", self.group(style)
        if token in FONTS:
            return ("op" if token == r"\operatorname" else "ord"), self.word(token, style)
        if token in _ACCENTS:
            return "ord", self.group(style)
        if token == r"\sqrt":
            return "ord", _RADICAL + self.group(style)
        if token in (r"\frac", r"\tfrac"):
            level = style + 1 if token == r"\frac" else SCRIPT
            return "inner", 2 * _NULL + max(self.group(level), self.group(level))
        if token == r"\left":
            return "inner", self.delimiter(style) + self.row(style, r"\right") + self.delimiter(style, step=2)
        if token in (r"\biggl", r"\biggr"):
            return ("open" if token == r"\biggl" else "close"), self.delimiter(DISPLAY)
        if token == r"\begin":
            return "inner", self.cases()
        return KINDS.get(token, "ord"), WIDTHS.get(token, 0.6) * SIZES[min(style, 3)]

    def delimiter(self, style: int, step: int = 1) -> float:
        self.at += step
        return _BAR if self.tokens[self.at - 1:self.at] == ["|"] else _TALL[min(style, SCRIPT)]

    def word(self, font: str, style: int) -> float:
        r"""Measure letters of a font of their own, in braces or one; \text keeps its spaces, of which ours have one."""
        letters = [self.next()]
        if letters == ["{"]:
            while self.peek() not in ("}", ""):
                letters.append(self.next())
            self.next()
        extra = {r"\text": ROMAN[" "], r"\mathit": _SLANT}.get(font, 0.0)
        return SIZES[min(style, 3)] * (extra + sum(FONTS[font].get(letter, 0.6) for letter in letters if letter != "{"))

    def cases(self) -> float:
        r"""Measure rows `a & \text{if } b` up to \end{cases}: a brace and two columns."""
        self.group(TEXT)
        left, right = [0.0], [0.0]
        while self.peek() not in (r"\end", ""):
            (left if self.tokens[self.at - 1] != "&" else right).append(self.row(TEXT, "&", r"\\", r"\end"))
            if self.peek() != r"\end":
                self.next()
        self.next()
        self.group(TEXT)
        return _BRACE + max(left) + _BETWEEN_COLUMNS + max(right) + _NULL
