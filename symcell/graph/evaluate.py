"""Evaluate one elementwise expression on arrays: by the table of functions, without code generation."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import sympy
from sympy.core import relational
from sympy.logic import boolalg

from symcell.declare.functions import Elementwise

Array = Any
Functions = Callable[[type[Elementwise]], Callable[..., Any]]

_COMPARE: dict[type, Callable[[Any, Any], Any]] = {  # of arrays of any library, those that JAX traces too
    relational.StrictGreaterThan: operator.gt,
    relational.GreaterThan: operator.ge,
    relational.StrictLessThan: operator.lt,
    relational.LessThan: operator.le,
    relational.Equality: operator.eq,
    relational.Unequality: operator.ne,
}


def numpy_function(function: type[Elementwise]) -> Callable[..., Any]:
    """Return the NumPy column of the table."""
    return function.row.numpy


def number(value: sympy.Expr) -> float:
    """Return a constant as a float64."""
    return float(value)


def evaluate(expression: sympy.Basic, values: Mapping[str, Array], functions: Functions = numpy_function,
             constant: Callable[[sympy.Expr], Any] = number) -> Array:
    """Return the value of the expression where each symbol has its array (or number)."""

    def walk(node: sympy.Basic) -> Any:
        if isinstance(node, sympy.Symbol):
            return values[node.name]
        if isinstance(node, sympy.Expr) and not node.args:
            return constant(node)
        if isinstance(node, sympy.Pow):
            return _power(walk(node.base), node.exp, constant)
        if type(node) in _COMPARE:
            # Complex numbers (a complex step) compare by their real parts.
            return _COMPARE[type(node)](*(_real(walk(a)) for a in node.args))
        arguments = [walk(argument) for argument in node.args]
        if isinstance(node, sympy.Add):
            return reduce(lambda a, b: a + b, arguments)
        if isinstance(node, sympy.Mul):
            return reduce(lambda a, b: a * b, arguments)
        if isinstance(node, Elementwise):
            return functions(node.func)(*arguments)
        if isinstance(node, boolalg.Not):
            return not arguments[0] if isinstance(arguments[0], bool) else ~arguments[0]
        if isinstance(node, (boolalg.And, boolalg.Or)):
            return reduce(operator.and_ if isinstance(node, boolalg.And) else operator.or_, arguments)
        raise TypeError(f"{node!r} is no elementwise operation")

    return walk(expression)


def _real(value: Array) -> Array:
    return np.real(value) if isinstance(value, (np.ndarray, np.generic, complex)) else value


def _power(base: Array, exponent: sympy.Expr, constant: Callable[[sympy.Expr], Any]) -> Array:
    if exponent.is_Integer:
        return base ** int(exponent) if exponent > 0 else 1 / base ** int(-exponent)
    return constant(sympy.sympify(base) ** exponent) if np.ndim(base) == 0 else base ** float(exponent)
