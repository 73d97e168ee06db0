"""The C of a registered function: one expression, so that a wrong one cannot reach out of its own function."""

from __future__ import annotations

import re
from typing import Any

from symcell.declare.errors import CellError

_PLACE = re.compile(r"\{[0-9]\}")
_JOINED = re.compile(r"[\w.]\{\d\}|\{\d\}[\w.{]")  # v{0} would become the name va0
# Without % : ? there are no other spellings of { } # \ either, such as <% and ??<.
_FOREIGN = re.compile(r"[^A-Za-z0-9_ \t\n.,+\-*/<>=!&|^~()]")
_PAIR = re.compile(r"/\*|\*/|//|\+\+|--|->|<<=|>>=|(?<![<>=!])=(?!=)")
_WHOLE = re.compile(r"\s*[\w.(+\-~!].*?(?<=[\w.)])\s*\Z|\s*\w\s*\Z", re.DOTALL)
_INNERMOST = re.compile(r"\w\s*\([^()]*\)|\([^(),]*\)")  # a call, or brackets without a comma


def check_c(name: str, c: Any) -> None:
    """Refuse what is not one C expression of the places {0}, {1}.

    Raises:
        CellError: it is no text, or holds what no expression of vectors holds, or its brackets do not match.
    """
    fault = _fault(c) if isinstance(c, str) else "it is no text"
    if fault:
        raise CellError(f'register_function: {name}: expected a C expression such as "{{0}} * vtanh({{0}})" as `c`, of '
                        f"places, names, numbers, operators and (); got {c!r}: {fault}.")


def _fault(c: str) -> str:
    if joined := _JOINED.search(c):
        return f"{joined[0]} would run together"
    text = _PLACE.sub("a", c)
    if wrong := _FOREIGN.search(text) or _PAIR.search(text):
        return f"{wrong[0]!r} does not belong into one"
    if not _balanced(text):
        return "its brackets do not match"
    return "" if _WHOLE.match(text) and not _listed(text) else "it is not one expression"


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return not depth


def _listed(text: str) -> bool:
    """Whether a comma stands outside of all brackets, or outside of those of a call."""
    while (outer := _INNERMOST.sub("a", text)) != text:
        text = outer
    return "," in text
