"""Which names a declaration may use."""

from __future__ import annotations

import keyword
import re

from symcell.declare.errors import CellError

_C = """auto break case char const continue default do double else enum extern float for goto if inline int long
register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
_Bool _Complex _Imaginary asm typeof NULL EOF bool true false"""
_CYTHON = "cdef cpdef cimport ctypedef include nogil gil DEF IF ELIF ELSE"
_RESERVED = frozenset(_C.split()) | frozenset(_CYTHON.split()) | frozenset(keyword.kwlist)
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
LONGEST = 64


def check_name(name: str, cell: str) -> None:
    """Refuse names that cannot be carried through Python, Cython, C and LaTeX.

    Raises:
        CellError: the name is not ASCII, not an identifier, reserved, or too long.
    """
    if not isinstance(name, str) or not _IDENTIFIER.match(name):
        raise CellError(
            f"{cell}: the name {name!r} cannot be used: names are ASCII letters, digits and underscores and start "
            "with a letter (write `alpha` for α: it prints as α).")
    if name in _RESERVED:
        raise CellError(f"{cell}: the name {name!r} is a reserved word of Python, C or Cython; write {name}_ .")
    if len(name) > LONGEST:
        raise CellError(f"{cell}: the name {name[:20]}... has {len(name)} characters; at most {LONGEST} are allowed.")


def check_dimension(dim: object, cell: str) -> str:
    """Return the dimension name, or refuse it: T and B are time and batch, seed is an argument of init_params."""
    if not isinstance(dim, str):
        raise CellError(
            f"{cell}: a dimension is a declared vector or a name such as \"H\"; got {dim!r} "
            f"({type(dim).__name__}). Sizes are given later, to init_params.")
    if dim in ("T", "B", "seed"):
        what = {"T": "time", "B": "batch", "seed": "the seed of init_params"}[dim]
        raise CellError(f"{cell}: {dim!r} cannot name a dimension: it is {what}.")
    check_name(dim, cell)
    return dim
