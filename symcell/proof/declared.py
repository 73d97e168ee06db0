"""The declaration itself, run step by step: a second implementation that knows neither graph nor adjoint.

It walks the formulas as they were written, with the arrays of a library (NumPy, PyTorch, JAX) for the quantities.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Protocol

import sympy
from sympy.core import relational
from sympy.logic import boolalg

from symcell.declare.entrywise import AXES, EntrywiseFunction, EntrywiseProduct
from symcell.declare.functions import Elementwise
from symcell.declare.matrix_sum import MatrixSum
from symcell.declare.patterns import BlockMatrix, IdentityMatrix
from symcell.declare.reductions import Reduction, Shared
from symcell.declare.spec import CellSpec
from symcell.declare.symbols import NEXT, ROW, Apply

Array = Any
_COMPARE: dict[type, Callable[[Any, Any], Any]] = {
    relational.StrictGreaterThan: operator.gt,
    relational.GreaterThan: operator.ge,
    relational.StrictLessThan: operator.lt,
    relational.LessThan: operator.le,
    relational.Equality: operator.eq,
    relational.Unequality: operator.ne,
}


class Library(Protocol):
    """What a library of arrays is asked for."""

    def function(self, name: str) -> Callable[..., Array]:
        """The elementwise function of this name; an unknown one is an UnknownFunctionError."""

    def constant(self, value: float | list[list[float]]) -> Array:
        """A number as an array of shape (), or rows of numbers as a matrix."""

    def real(self, value: Array) -> Array:
        """What a comparison looks at."""

    def broadcast(self, value: Array, shape: tuple[int, ...]) -> Array:
        """The array with this shape."""

    def apply(self, vector: Array, matrix: Array) -> Array:
        """The product (B, n) @ (n, m)."""

    def reduce(self, kind: str, array: Array) -> Array:
        """The "sum", "mean" or "max" over the last axis, which stays with length 1; "shift" is a "max"."""


def one_step(spec: CellSpec, library: Library, B: int, sizes: Mapping[str, int], given: Mapping[str, Array],
             ) -> tuple[dict[str, Array], Array]:
    """Compute every equation of one step; return the new states and the output.

    Args:
        given: parameters, constants, the inputs of this step (B, dim), and the states before it (B, dim).
    """
    env, sizes = dict(given), {**sizes, ROW: 1}
    for equation in spec.equations:
        if isinstance(equation.expression, MatrixSum):
            env[equation.name] = _matrix(equation.expression, env, library, sizes)
            continue
        shape = (B, *(sizes[dim] for dim in equation.dims)) if equation.dims else ()
        env[equation.name] = library.broadcast(_walk(equation.expression, env, library), shape)
    return {name: env[name + NEXT] for name, _ in spec.states}, env[spec.output]


def _matrix(formula: MatrixSum, env: Mapping[str, Array], library: Library, sizes: Mapping[str, int]) -> Array:
    def entries(factor: Any) -> Array:
        rows, cols = sizes[factor.codomain], sizes[factor.domain]
        if isinstance(factor, EntrywiseProduct):
            return reduce(operator.mul, map(entries, factor.args))
        if isinstance(factor, EntrywiseFunction):
            return _function(factor.operation, entries(*factor.factors), library)
        if isinstance(factor, BlockMatrix):
            n = factor.blocks
            kept = library.constant([[float(i * n // rows == j * n // cols) for j in range(cols)] for i in range(rows)])
            return kept * entries(factor.matrix)
        if isinstance(factor, IdentityMatrix):
            return library.constant([[float(i == j) for j in range(cols)] for i in range(rows)])
        return env[factor.name].T if factor.transposed else env[factor.name]

    def coefficient(formula: sympy.Expr) -> Array:
        value = _walk(formula, env, library)
        return value[:1] if value.ndim == 2 else value  # a named reduction of parameters, the same in all rows

    return reduce(operator.add, (coefficient(c) * entries(factor) for c, (factor,) in formula._terms()))


def _function(operation: str, matrix: Array, library: Library) -> Array:
    if operation not in AXES:
        return library.function(operation)(matrix)
    lines = matrix.T if AXES[operation] == "columns" else matrix
    weights = library.function("exp")(lines - library.reduce("shift", lines))
    result = weights / library.reduce("sum", weights)
    return result.T if AXES[operation] == "columns" else result


def _walk(node: sympy.Basic, env: Mapping[str, Array], library: Library) -> Array:
    if isinstance(node, sympy.Symbol):
        return env[node.name]
    if isinstance(node, Apply):
        matrix = env[node.matrix.name]
        return library.apply(_walk(node.vector, env, library), matrix if node.matrix.transposed else matrix.T)
    if isinstance(node, Reduction):
        return library.reduce(node.kind, _walk(node.vector, env, library))
    if isinstance(node, Shared):
        return _walk(node.formula, env, library)
    if isinstance(node, sympy.Expr) and node.is_number and not node.has(Elementwise):
        return library.constant(float(node))
    arguments = [_walk(argument, env, library) for argument in node.args]
    if isinstance(node, sympy.Add):
        return reduce(operator.add, arguments)
    if isinstance(node, sympy.Mul):
        return reduce(operator.mul, arguments)
    if isinstance(node, sympy.Pow):
        return _power(arguments[0], node.exp, library)
    if isinstance(node, Elementwise):
        return library.function(node.row.name)(*arguments)
    if isinstance(node, boolalg.Not):
        return ~arguments[0]
    if isinstance(node, (boolalg.And, boolalg.Or)):
        return reduce(operator.and_ if isinstance(node, boolalg.And) else operator.or_, arguments)
    return _COMPARE[type(node)](*(library.real(argument) for argument in arguments))


def _power(base: Array, exponent: sympy.Rational, library: Library) -> Array:
    root = library.function("sqrt")(base) if exponent.q == 2 else base
    power = reduce(operator.mul, [root] * abs(int(exponent.p)))
    return power if exponent > 0 else 1 / power
