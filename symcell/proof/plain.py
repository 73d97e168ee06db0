"""A graph or formula without conditions and roots in its syntax: where, <, & and ** (1/2) become functions.

where(a > b, u, v) is s*u + (1 - s)*v with s = step(a - b): conditions turn into numbers, which polynomials
and 50-digit numbers can stand for.
"""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np
import sympy
from sympy.core import relational
from sympy.logic import boolalg

from symcell.declare.functions import Elementwise, Function, where_
from symcell.graph.ir import Graph, Map, Once

# Not entered into the table of the language: they exist for the proof only.
_step_row = Function("step", (lambda x, y: 0,), lambda x: np.where(np.real(x) > 0, 1.0, 0.0), "", "", False)
_root_row = Function("root", (lambda x, y: 1 / (2 * y),), np.sqrt, "", "")
step = type("step", (Elementwise,), {"row": _step_row, "nargs": (1,)})
root = type("root_of", (Elementwise,), {"row": _root_row, "nargs": (1,)})  # not "root": SymPy knows another


def plain(formula: sympy.Basic) -> Any:
    """The same formula without conditions and fractional powers."""
    if formula.func is where_:
        chosen = _indicator(formula.args[0])
        return chosen * plain(formula.args[1]) + (1 - chosen) * plain(formula.args[2])
    if isinstance(formula, sympy.Pow) and not formula.exp.is_Integer:
        return root(plain(formula.base)) ** int(2 * formula.exp)
    if not formula.args:
        return formula
    arguments = [plain(argument) for argument in formula.args]
    return formula if tuple(arguments) == formula.args else formula.func(*arguments)


def _indicator(condition: sympy.Basic) -> sympy.Expr:
    """1 where the condition holds, 0 elsewhere."""
    if isinstance(condition, boolalg.Not):
        return 1 - _indicator(condition.args[0])
    if isinstance(condition, boolalg.And):
        return reduce(lambda a, b: a * b, map(_indicator, condition.args))
    if isinstance(condition, boolalg.Or):
        return 1 - reduce(lambda a, b: a * b, (1 - _indicator(part) for part in condition.args))
    left, right = (plain(side) for side in condition.args)
    more, less = step(left - right), step(right - left)
    return {
        relational.StrictGreaterThan: more,
        relational.StrictLessThan: less,
        relational.GreaterThan: 1 - less,
        relational.LessThan: 1 - more,
        relational.Equality: (1 - more) * (1 - less),
        relational.Unequality: 1 - (1 - more) * (1 - less),
    }[type(condition)]


def calls(graph: Graph) -> set[Elementwise]:
    """Every call of a function in a graph."""
    formulas = [node.expression for node in graph.nodes if isinstance(node, (Map, Once))]
    return {call for formula in formulas for call in formula.atoms(Elementwise)}


def without_conditions(graph: Graph) -> Graph:
    """The same graph with plain formulas."""
    nodes = tuple(replace(node, expression=plain(node.expression)) if isinstance(node, (Map, Once)) else node
                  for node in graph.nodes)
    return replace(graph, nodes=nodes)
