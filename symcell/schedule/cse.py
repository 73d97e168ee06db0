"""Common subexpressions of an epilogue, numbered t0, t1, ...; only they get made-up names.

SymPy's `cse` on the whole list, because a C compiler may not reorder floating-point sums to find them.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy

from symcell.schedule.program import Assign


def name_common(assigns: Sequence[Assign]) -> list[Assign]:
    """Return the assignments with repeated subexpressions computed once, just before their first use."""
    taken = {symbol.name for assign in assigns for symbol in assign.expression.free_symbols}
    taken |= {assign.name for assign in assigns}
    numbered = (sympy.Symbol(f"t{k}", real=True) for k in range(10_000) if f"t{k}" not in taken)
    temporaries, reduced = sympy.cse([a.expression for a in assigns], symbols=numbered, optimizations=None)
    waiting = dict(temporaries)
    result: list[Assign] = []

    def emit(expression: sympy.Expr) -> None:
        for symbol in sorted(expression.free_symbols & set(waiting), key=lambda s: int(s.name[1:])):
            if symbol in waiting:
                meaning = waiting.pop(symbol)
                emit(meaning)
                result.append(Assign(symbol.name, meaning, temporary=True))

    for assign, expression in zip(assigns, reduced, strict=True):
        emit(expression)
        result.append(Assign(assign.name, expression))
    return result
