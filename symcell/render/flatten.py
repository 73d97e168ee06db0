"""Sums and products as lists, with those that an anonymous name stands for: a + (b + c) prints as a + b + c."""

from __future__ import annotations

from collections.abc import Iterator

import sympy

from symcell.graph.ir import Map, Once
from symcell.render.notation import Notation


def terms(notation: Notation, node: sympy.Expr) -> Iterator[sympy.Expr]:
    """Yield the terms of a sum."""
    for term in sympy.Add.make_args(node):
        inner = _inner(notation, term)
        if isinstance(inner, (sympy.Add, sympy.Mul)):
            yield from terms(notation, inner)
        else:
            yield term


def factors(notation: Notation, node: sympy.Expr) -> Iterator[tuple[sympy.Expr, bool]]:
    """Yield (factor, whether it divides) of a product."""
    for factor in sympy.Mul.make_args(node):
        inner = _inner(notation, factor)
        if isinstance(inner, sympy.Mul) or (isinstance(inner, sympy.Pow) and inner.exp.is_negative):
            yield from factors(notation, inner)
        elif isinstance(factor, sympy.Rational) and abs(factor.p) == 1 and factor.q > 1 and node.is_Mul:
            yield from [(sympy.Integer(factor.p), False), (sympy.Integer(factor.q), True)]
        elif isinstance(factor, sympy.Pow) and factor.exp.is_number and factor.exp.is_negative:
            power = factor.base if factor.exp == -1 else sympy.Pow(factor.base, -factor.exp, evaluate=False)
            yield power, True
        else:
            yield factor, False


def is_negative(notation: Notation, node: sympy.Expr) -> bool:
    """Whether a term is printed with a minus sign: by the signs of its numbers."""
    numbers = [factor for factor, _ in factors(notation, node) if factor.is_number]
    return sum(bool(number.is_negative) for number in numbers) % 2 == 1


def _inner(notation: Notation, node: sympy.Expr) -> sympy.Expr | None:
    """The expression that a name stands for, where it is one."""
    found = notation.formula(node.name) if isinstance(node, sympy.Symbol) else None
    if isinstance(found, Map) and isinstance(found.expression, sympy.Symbol):  # a copy
        return _inner(notation, found.expression)
    return found.expression if isinstance(found, Map) or (isinstance(found, Once) and not found.over) else None
