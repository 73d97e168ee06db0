"""The one exception of a declaration."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class CellError(ValueError):
    """A cell is not declared correctly. The message names the cell, the equation, and what to do."""


class CellAttributeError(CellError, AttributeError):
    """A quantity was asked for an attribute that it has not."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name nearest to `name`, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
