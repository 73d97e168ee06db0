"""The one exception of a declaration."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable

_MAKERS = ("symcell.declare.", "symcell.transforms.")  # packages with functions that return cells


class CellError(ValueError):
    """A cell is not declared correctly. The message names the cell, the equation, and what to do."""


class CellAttributeError(CellError, AttributeError):
    """A quantity was asked for an attribute that it has not."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name nearest to `name`, or nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def cell_being_declared() -> str:
    """Return "Name: " of the cell whose class body is running, for errors raised by what it calls; else nothing."""
    frame = sys._getframe(1)
    while frame is not None:
        scope = getattr(frame.f_locals, "scope", None)  # the namespace of a class body (declare.namespace)
        if scope is not None:
            return f"{scope.cell}: "
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def calling_module() -> str:
    """Return the module that asked symcell for a cell: the one in which a class statement would have stood."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_MAKERS):
        frame = frame.f_back
    return str(frame.f_globals.get("__name__", "__main__"))
