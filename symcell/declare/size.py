"""How large a formula may be: refused early, before anything walks through all of it or recurses into it."""

from __future__ import annotations

from collections.abc import Iterator

import sympy

from symcell.declare.errors import CellError, cell_being_declared
from symcell.declare.symbols import ANONYMOUS, MatrixSymbol

MAX_NODES = 10_000  # of one formula: beyond it SymPy and the C compiler take minutes
MAX_DEPTH = 100  # SymPy recurses


def _nodes(formula: sympy.Basic) -> Iterator[tuple[sympy.Basic, int]]:
    """Walk a formula, as it is printed, with the depth of each node, without recursion.

    A matrix is a leaf, and one without a name of its own is the sum that it stands for.
    """
    stack = [(formula, 1)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        if not isinstance(node, MatrixSymbol):
            stack.extend((argument, depth + 1) for argument in node.args)
        elif node.name.startswith(ANONYMOUS):
            stack.append((node._scope.equations[node.name].expression, depth + 1))


def exceeded(formula: sympy.Basic) -> str:
    """Return the limit that a formula exceeds, or nothing; no more of it is walked through than the limit."""
    for count, (_, depth) in enumerate(_nodes(formula)):
        if count > MAX_NODES or depth > MAX_DEPTH:
            return f"{MAX_NODES} operations" if count > MAX_NODES else f"{MAX_DEPTH} levels"
    return ""


def check_size(formula: sympy.Basic, name: str, cell: str = "") -> None:
    """Refuse a formula that is too large; without a cell, that of the class body that is running.

    Raises:
        CellError: it has too many operations or levels.
    """
    limit = exceeded(formula)
    if limit:
        where = f"{cell}: " if cell else cell_being_declared()
        raise CellError(f"{where}{name} is too large: more than {limit} in one equation. "
                        "Name its parts: a = ..., b = ..., and combine them.")
