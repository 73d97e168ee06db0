"""How large a formula may be: refused early, before anything walks through all of it or recurses into it.

What counts is what is made of a formula. The derivative of a product has as many products as that has factors, and
softmax of a matrix without a name stands in a derivation with its operand four times.
"""

from __future__ import annotations

from collections.abc import Iterator

import sympy

from symcell.declare.errors import CellError, cell_being_declared
from symcell.declare.symbols import ANONYMOUS, MatrixSymbol

# The largest cell that is accepted takes some seconds in `reference` and `derive`; the largest of the zoo has 1,400
# operations in all, 170 in an equation, and 22 levels.
MAX_NODES = 1_000  # of one formula
MAX_TOTAL = 4_000  # of all formulas of a cell
MAX_DEPTH = 70  # levels; what is printed of a formula grows with their square
_SOFTMAX = 4


def _nodes(formula: sympy.Basic) -> Iterator[tuple[sympy.Basic, int]]:
    """Walk a formula, as it is printed, with the depth of each node, without recursion.

    A matrix is a leaf, and one without a name of its own is the sum that it stands for.
    """
    stack = [(formula, 1)]
    while stack:
        node, depth = stack.pop()
        yield node, depth
        if isinstance(node, MatrixSymbol):
            if node.name.startswith(ANONYMOUS):
                stack.append((node._scope.equations[node.name].expression, depth + 1))
            continue
        times = _SOFTMAX if getattr(node, "operation", "").startswith("softmax") else 1
        stack.extend([(argument, depth + 1) for argument in node.args] * times)


def check_size(formula: sympy.Basic, name: str, cell: str = "") -> int:
    """Return how many operations a formula has, if it is not too large; no more of it is walked through than may be.

    Without a cell the error names that whose class body is running.

    Raises:
        CellError: it has too many operations or levels.
    """
    count = 0
    for node, depth in _nodes(formula):
        count += len(node.args) ** 2 if isinstance(node, sympy.Mul) else 1
        if count > MAX_NODES or depth > MAX_DEPTH:
            limit = f"{MAX_NODES} operations" if count > MAX_NODES else f"{MAX_DEPTH} levels"
            raise CellError(f"{f'{cell}: ' if cell else cell_being_declared()}{name} is too large: more than {limit} "
                            "in one equation. Name its parts: a = ..., b = ..., and combine them.")
    return count
