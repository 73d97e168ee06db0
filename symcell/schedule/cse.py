"""Common subexpressions of an epilogue, numbered t.0, t.1, ...; the dot keeps them apart from authors' names.

SymPy's `cse` on the whole list, because a C compiler may not reorder floating-point sums to find them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import sympy

from symcell.schedule.program import Assign


def name_common(assigns: Sequence[Assign]) -> list[Assign]:
    """Return the assignments with repeated subexpressions computed once, just before their first use."""
    numbered = (sympy.Symbol(f"t.{k}", real=True) for k in count())
    temporaries, reduced = sympy.cse([a.expression for a in assigns], symbols=numbered, optimizations=None)
    waiting = dict(temporaries)
    result: list[Assign] = []

    def emit(expression: sympy.Expr) -> None:
        for symbol in sorted(expression.free_symbols & set(waiting), key=lambda s: int(s.name[2:])):
            if symbol in waiting:
                meaning = waiting.pop(symbol)
                emit(meaning)
                result.append(Assign(symbol.name, meaning, temporary=True))

    for assign, expression in zip(assigns, reduced, strict=True):
        emit(expression)
        result.append(Assign(assign.name, expression))
    return result
