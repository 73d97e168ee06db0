"""The Jacobian of one step: how the new states depend on the old ones, as formulas of diagonals and matrices.

Forward-mode differentiation of the graph, kept symbolic: a Map contributes diagonals, a MatMul its matrix, a Reduce a
row (of ones, for a sum), and a Map that reads a number per row a column of ones. What the
author named (a gate) keeps its name, as a partial of its own, so that no block gets long; anonymous values and
pre-activations are written out where they are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import sympy

from symcell.declare.functions import Elementwise
from symcell.declare.symbols import ROW
from symcell.graph.evaluate import evaluate
from symcell.graph.ir import Computed, Graph, Map, MatMul, Reduce, symbol
from symcell.graph.names import SIZE

Array = Any


@dataclass(frozen=True)
class Diag:
    """The square matrix of size `dim` with the expression on its diagonal; 1 makes it the identity."""

    expression: sympy.Expr
    dim: str


@dataclass(frozen=True)
class Linear:
    """A matrix of the cell, or its transpose."""

    matrix: str
    transposed: bool


@dataclass(frozen=True)
class Ones:
    """A column of ones, or a row of them."""

    dim: str
    row: bool = False


@dataclass(frozen=True)
class First:
    """The row with a 1 at the first of the largest components of a vector, and zeros."""

    operand: str


@dataclass(frozen=True)
class Partial:
    """The matrix d(of)/d(by), under its name; `by` is a state before the step."""

    of: str
    by: str


@dataclass(frozen=True)
class Chain:
    """The matrix product of the factors, in this order."""

    factors: tuple[Operator, ...]


@dataclass(frozen=True)
class Total:
    """The sum of the terms; of none of them the matrix of zeros."""

    terms: tuple[Operator, ...]


Operator = Diag | Linear | Ones | First | Partial | Chain | Total


@dataclass(frozen=True)
class Jacobian:
    """`partials` holds every named partial, each after those it uses; `blocks` are those of new by old states."""

    partials: Mapping[Partial, Operator]
    blocks: tuple[Partial, ...]


def jacobian(graph: Graph) -> Jacobian:
    """Return the Jacobian of the carries of a forward graph."""
    partials: dict[Partial, Operator] = {}
    values = {node.expression: symbol(node.out) for node in reversed(graph.nodes)
              if isinstance(node, Map) and isinstance(node.expression, Elementwise)}  # sigmoid(a_f) is f
    new = [carry.next for carry in graph.carries]
    for carry in graph.carries:
        by = carry.previous
        tangents: dict[str, Operator] = {by: Diag(sympy.S.One, graph.value(by).dims[0])}
        for node in graph.nodes:
            if not isinstance(node, Computed) or not tangents.keys() & set(node.reads):
                continue
            tangent = _tangent(graph, node, tangents, values)
            if tangent != Total(()) and (node.out in new or _has_name(graph, node.out)):
                partials[Partial(node.out, by)] = tangent
                tangent = Partial(node.out, by)
            if tangent != Total(()):
                tangents[node.out] = tangent
    blocks = tuple(Partial(name, carry.previous) for name in new for carry in graph.carries)
    for block in blocks:
        partials.setdefault(block, Total(()))
    return Jacobian(_reached(partials, blocks), blocks)


def _has_name(graph: Graph, name: str) -> bool:
    """Whether a value's partial is named: what the author named, but no pre-activation of a single gate."""
    consumers = list(graph.consumers(name))
    if len(consumers) == 1 and isinstance(consumers[0], Map):
        expression = consumers[0].expression
        if isinstance(expression, Elementwise) and expression.args == (symbol(name),):
            return False
    return not graph.value(name).anonymous


def _tangent(graph: Graph, node: Computed, tangents: Mapping[str, Operator],
             values: Mapping[sympy.Expr, sympy.Symbol]) -> Operator:
    if isinstance(node, MatMul):
        return _chain(Linear(node.matrix, node.transposed), tangents[node.operand])
    if isinstance(node, Reduce):
        return _tangent_of_reduction(node, graph.value(node.operand).dims[0], tangents[node.operand])
    dim, terms = graph.value(node.out).dims[0], []
    for name in sorted(node.reads, key=lambda name: [value.name for value in graph.values].index(name)):
        partial = sympy.diff(node.expression, symbol(name)).xreplace(values) if name in tangents else sympy.S.Zero
        if partial is not sympy.S.Zero:
            broadcast = graph.value(name).dims == (ROW,) != graph.value(node.out).dims
            column = _chain(Ones(dim), tangents[name]) if broadcast else tangents[name]
            terms.append(_chain(Diag(partial, dim), column))
    return _total(terms, dim)


def _tangent_of_reduction(node: Reduce, dim: str, tangent: Operator) -> Operator:
    rows: dict[str, Operator] = {"sum": Ones(dim, row=True), "mean": Ones(dim, row=True), "max": First(node.operand)}
    if node.kind not in rows:  # a shift passes no gradient
        return Total(())
    row = _chain(rows[node.kind], tangent)
    return _chain(Diag(1 / symbol(f"{SIZE}{dim}"), ROW), row) if node.kind == "mean" else row


def _chain(left: Operator, *right: Operator) -> Operator:
    """left @ right: ones vanish, neighbouring diagonals become one, also those in the terms of a sum."""
    if isinstance(left, Diag) and len(right) == 1 and isinstance(right[0], Total):
        terms = [term.factors if isinstance(term, Chain) else (term,) for term in right[0].terms]
        if all(isinstance(factors[0], Diag) for factors in terms):
            return _total([_chain(left, *factors) for factors in terms], left.dim)
    factors: list[Operator] = [left]
    for factor in [part for term in right for part in (term.factors if isinstance(term, Chain) else (term,))]:
        last = factors[-1]
        if isinstance(last, Diag) and isinstance(factor, Diag):
            factors[-1] = Diag(last.expression * factor.expression, last.dim)
        else:
            factors.append(factor)
    factors = [factor for factor in factors if not _is_one(factor)] or [left]
    return factors[0] if len(factors) == 1 else Chain(tuple(factors))


def _is_one(operator: Operator) -> bool:
    return isinstance(operator, Diag) and operator.expression is sympy.S.One


def _total(terms: list[Operator], dim: str) -> Operator:
    """The sum; terms that differ in their leading diagonals only become one, and a pure diagonal comes first."""
    heads: dict[tuple[Operator, ...], sympy.Expr] = {(): sympy.S.Zero}
    flat = [part for term in terms for part in (term.terms if isinstance(term, Total) else (term,))]
    for term in flat:
        first, *rest = term.factors if isinstance(term, Chain) else (term,)
        head, tail = (first.expression, tuple(rest)) if isinstance(first, Diag) else (sympy.S.One, (first, *rest))
        heads[tail] = heads.get(tail, sympy.S.Zero) + head
    made = [_chain(Diag(head, dim), *tail) for tail, head in heads.items() if head is not sympy.S.Zero]
    return made[0] if len(made) == 1 else Total(tuple(made))


def _parts(operator: Operator) -> tuple[Operator, ...]:
    return operator.factors if isinstance(operator, Chain) else operator.terms if isinstance(operator, Total) else ()


def _reached(partials: Mapping[Partial, Operator], blocks: tuple[Partial, ...]) -> dict[Partial, Operator]:
    """Drop the partials that no block uses, such as those of an output; the order stays that of the graph."""
    wanted, reached = list[Operator](blocks), set[Operator]()
    while wanted:
        operator = wanted.pop()
        if operator not in reached:
            reached.add(operator)
            wanted += (partials[operator],) if isinstance(operator, Partial) else _parts(operator)
    return {partial: operator for partial, operator in partials.items() if partial in reached}


def evaluate_jacobian(made: Jacobian, values: Mapping[str, Array], sizes: Mapping[str, int]) -> dict[Partial, Array]:
    """Return every partial as a matrix.

    Args:
        made: of `jacobian`.
        values: of one step and one row: vectors (dim,), matrices as declared, scalars.
        sizes: of each dimension; they give zero blocks their shapes too.
    """
    results: dict[Partial, Array] = {}
    sizes = {**sizes, ROW: 1}
    values = {**values, **{f"{SIZE}{dim}": size for dim, size in sizes.items()}}

    def matrix(operator: Operator, shape: tuple[int, int]) -> Array:
        if isinstance(operator, Diag):
            size = sizes[operator.dim]
            return np.diag(np.broadcast_to(evaluate(operator.expression, values), (size,)))
        if isinstance(operator, Linear):
            return values[operator.matrix].T if operator.transposed else values[operator.matrix]
        if isinstance(operator, Ones):
            return np.ones((1, sizes[operator.dim]) if operator.row else (sizes[operator.dim], 1))
        if isinstance(operator, First):
            vector = values[operator.operand]
            return np.eye(len(vector))[[np.argmax(vector)]]
        if isinstance(operator, Partial):
            return results[operator]
        parts = [matrix(part, shape) for part in _parts(operator)]
        if not parts:
            return np.zeros(shape)
        return reduce(np.matmul if isinstance(operator, Chain) else np.add, parts)

    def size(name: str) -> int:
        return len(values[name])

    for partial, operator in made.partials.items():
        results[partial] = matrix(operator, (size(partial.of), size(partial.by)))
    return results
