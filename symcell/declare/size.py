"""How large a formula may be: refused early, before anything walks through all of it or recurses into it.

What counts is what is made of a formula. The derivative of a product has as many products as that has factors, and
softmax of a matrix without a name stands in a derivation with its operand four times.
"""

from __future__ import annotations

import sympy

from symcell.declare.errors import CellError, cell_being_declared
from symcell.declare.symbols import ANONYMOUS, MatrixSymbol

# The largest cell that is accepted takes some seconds in `reference` and `derive`; the largest of the zoo has 1,739
# operations in all, 207 in an equation, and 22 levels.
MAX_NODES = 1_000  # of one formula
MAX_TOTAL = 4_000  # of all formulas of a cell
MAX_DEPTH = 70  # levels; what is printed of a formula grows with their square
_SOFTMAX = 4


def _parts(node: sympy.Basic) -> tuple[sympy.Basic, ...]:
    """Return what a node is made of, as it is printed: a matrix without a name of its own is a sum of others."""
    if isinstance(node, MatrixSymbol):
        return (node._scope.equations[node.name].expression,) if node.name.startswith(ANONYMOUS) else ()
    softmax = not isinstance(node, sympy.Expr) and getattr(node, "operation", "").startswith("softmax")
    parts: tuple[sympy.Basic, ...] = node.args * (_SOFTMAX if softmax else 1)
    return parts


def check_size(formula: sympy.Basic, name: str, cell: str = "") -> int:
    """Return how many operations a formula has, if it is not too large; no more of it is walked through than may be.

    Without a cell the error names that whose class body is running.

    Raises:
        CellError: it has too many operations or levels.
    """
    count, stack = 0, [(formula, 1)]
    while stack:  # without recursion
        node, depth = stack.pop()
        parts = _parts(node) if node.args or isinstance(node, MatrixSymbol) else ()
        count += len(parts) ** 2 if isinstance(node, sympy.Mul) else 1
        stack += [(part, depth + 1) for part in parts]
        if count > MAX_NODES or depth > MAX_DEPTH:
            limit = f"{MAX_NODES} operations" if count > MAX_NODES else f"{MAX_DEPTH} levels"
            raise _too_large(f"{cell}: " if cell else cell_being_declared(), name, limit)
    return count


def _too_large(cell: str, name: str, limit: str) -> CellError:
    return CellError(f"{cell}{name} is too large: more than {limit} in one equation. Name its parts: a = ..., b = ..., "
                     "and combine them.")


def check_levels(function: sympy.Function, name: str) -> int:
    """Return how many functions lie in each other, of which the inner ones hold it as `levels`.

    SymPy recurses into a formula when it is asked whether it is real, or how to print it; so it must not get too deep
    in a class body, even before it is the value of a name. Elsewhere, as in proofs, equations stand in each other.

    Raises:
        CellError: there are too many, and a class body is running.
    """
    found, walked, stack = 0, 0, [*function.args]
    while stack and walked < MAX_NODES:  # check_size refuses what is larger
        walked, node = walked + 1, stack.pop()
        inner = getattr(node, "levels", 0)
        found, stack = max(found, inner), stack if inner else [*stack, *node.args]
    if found >= MAX_DEPTH and (cell := cell_being_declared()):
        raise _too_large(cell, f"the formula in {name}()", f"{MAX_DEPTH} levels")
    return found + 1
