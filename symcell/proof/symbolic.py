"""Oracle 1: the derived gradient minus SymPy's derivative of the unrolled loss is 0, symbol by symbol.

Two steps, every dimension 2, one member of the batch; the loss weighs every output and every final state with
a symbol of its own. The left side is the backward graph, interpreted with polynomials for numbers; the right
side comes from the declaration (symcell.proof.unroll). An identity of polynomials is a proof and not a sample,
for every value of the constants too. Where the polynomials grow too large, or a relation between functions
would be needed (sigmoid(-x) = 1 - sigmoid(x), say; or that a maximum is one of the components), both sides are
evaluated to 50 digits at random points instead, and `how` says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import mpmath  # type: ignore[import-untyped]
import numpy as np
import sympy

from symcell.declare.spec import CellSpec
from symcell.graph.adjoint import adjoint
from symcell.graph.ir import Graph, Node, Once, Reduce
from symcell.graph.lower import lower
from symcell.proof.algebra import DIGITS, Algebra, Digits, Polynomials, functions_on_arrays
from symcell.proof.definitions import UnknownFunctionError
from symcell.proof.plain import calls, without_conditions
from symcell.proof.problem import build, run_graphs
from symcell.proof.result import Outcome, Results, compare, not_run
from symcell.proof.unroll import Unrolled

ORACLE = "symbolic"
T, SIZE, POINTS = 2, 2, 3
TOLERANCE = 1e-40  # of 60 digits computed with


def check(spec: CellSpec) -> list[Outcome]:
    """Prove every gradient of a cell, or evaluate it to 50 digits where there is no proof."""
    spec = with_exact_constants(spec)
    forward = lower(spec)
    graphs = without_conditions(forward), without_conditions(adjoint(forward))
    try:
        return _prove(spec, graphs) or _evaluate(spec, graphs)
    except UnknownFunctionError as error:
        return [not_run(ORACLE, f"{error}; its derivative is checked by the other oracles")]


def with_exact_constants(spec: CellSpec) -> CellSpec:
    """The same cell with constants for its floats: SymPy rounds when it multiplies floats, a proof does not.

    0.5, 2.0 and the like become rational numbers, which may cancel or add up to 1.
    """
    constants, replaced = list(spec.constants), {}
    floats = {number for equation in spec.equations for number in equation.expression.atoms(sympy.Float)}
    for value in sorted(floats):
        exact = sympy.Rational(value)
        replaced[value] = exact if exact.q <= 1024 else sympy.Symbol(f"literal.{len(constants)}", real=True)
        if isinstance(replaced[value], sympy.Symbol):
            constants.append((replaced[value].name, float(value)))
    equations = [replace(equation, expression=equation.expression.xreplace(replaced)) for equation in spec.equations]
    return replace(spec, constants=tuple(constants), equations=tuple(equations))


def _both(spec: CellSpec, graphs: tuple[Graph, Graph], algebra: Algebra) -> tuple[Results, Results]:
    """The graphs' results and the declaration's, on one array of elements of the algebra."""
    make = np.frompyfunc(lambda _: algebra.unknown(), 1, 1)
    sizes = {**dict.fromkeys(spec.dims, SIZE), "B": 1}
    problem = build(spec, T, sizes, lambda _, shape: np.asarray(make(np.empty(shape)), dtype=object),
                    lambda value: np.asarray(algebra.parameter(value), dtype=object))
    derived = run_graphs(*graphs, problem, functions_on_arrays(algebra), algebra.constant)
    return derived, Unrolled(spec, problem, algebra).results()


def _prove(spec: CellSpec, graphs: tuple[Graph, Graph]) -> list[Outcome]:
    """Outcomes without error, or none at all where something is not proven."""
    if any(_is_maximum(node) for graph in graphs for node in graph.nodes):
        return []
    algebra = Polynomials()
    derived, expected = _both(spec, graphs, algebra)
    proven = all(_proven(algebra, derived[key], expected[key]) for key in expected)
    if not proven or algebra.ring.exhausted:
        return []
    kinks = ", away from its kinks" if any(_has_step(graph) for graph in graphs) else ""
    how = f"proof{kinks}: T={T}, every dimension {SIZE}, the difference is 0 as a polynomial"
    zero = {key: np.zeros(np.shape(array)) for key, array in expected.items()}
    return compare(ORACLE, zero, zero, 0.0, how)


def _is_maximum(node: Node) -> bool:
    """Whether a node compares components, which polynomials have no way to do."""
    reduces = isinstance(node, Reduce) or (isinstance(node, Once) and node.over)
    return bool(reduces) and node.kind not in ("sum", "mean")  # type: ignore[union-attr]


def _proven(algebra: Polynomials, derived: Any, expected: Any) -> bool:
    left, right = np.asarray(derived, dtype=object), np.asarray(expected, dtype=object)
    pairs = zip(left.ravel(), right.ravel(), strict=left.shape == right.shape)
    return left.shape == right.shape and all(algebra.ring.is_zero(algebra.constant(a) - b) for a, b in pairs)


def _has_step(graph: Graph) -> bool:
    kinked = ("relu", "abs", "sign", "maximum", "minimum", "hard_sigmoid", "hard_tanh", "elu")
    return any(call.row.name in ("step", *kinked) for call in calls(graph))


def _evaluate(spec: CellSpec, graphs: tuple[Graph, Graph]) -> list[Outcome]:
    """Compare at random points, and keep the worst point of each group."""
    how = f"50-digit evaluation at {POINTS} random points: T={T}, every dimension {SIZE}"
    rounds = []
    with mpmath.workdps(DIGITS):
        for seed in range(POINTS):
            derived, expected = _both(spec, graphs, Digits(seed))
            rounds.append(compare(ORACLE, derived, expected, TOLERANCE, how))
    return [max(group, key=lambda outcome: (not outcome.passed, outcome.error))
            for group in zip(*rounds, strict=True)]
