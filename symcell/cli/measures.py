"""What a cell is made of, in numbers: its gates, and the products that wait for each other in a step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import sympy

from symcell.graph.ir import MatMul
from symcell.graph.lower import lower

if TYPE_CHECKING:
    from symcell.declare.spec import CellSpec
    from symcell.graph.ir import Graph

_OPENING = ("sigmoid", "hard_sigmoid", "exp")  # functions whose value a gate is


def gates(spec: CellSpec) -> int:
    """Count the quantities g, logistic or exponential, by which others are scaled: in an LSTM i, f and o.

    g may be named or not, and stand as itself or as 1 - g; what the parameters alone fix is none.
    """
    moving = {name for name, _ in (*spec.inputs, *spec.states)} | {equation.name for equation in spec.equations}

    def opens(expression: sympy.Expr) -> bool:
        called = _call(expression)
        return called is not None and any(symbol.name in moving for symbol in called.free_symbols)

    named = {equation.symbol for equation in spec.equations if opens(equation.expression)}
    found = set()
    for equation in spec.equations:
        call = _call(equation.expression) if equation.symbol in named else None
        for factor in _factors(call.args if call else (equation.expression,)):
            found |= {gate for gate in (factor, 1 - factor) if gate in named or opens(gate)}
    return len(found)


def _call(expression: sympy.Expr) -> sympy.Expr | None:
    """The call of sigmoid that an expression is, or is a multiple of."""
    calls = [factor for factor in sympy.Mul.make_args(expression) if factor.func.__name__ in _OPENING]
    others = [factor for factor in sympy.Mul.make_args(expression) if factor not in calls]
    return calls[0] if len(calls) == 1 and all(factor.is_Atom for factor in others) else None


def _factors(expressions: tuple[sympy.Basic, ...]) -> Iterator[sympy.Expr]:
    for expression in expressions:
        for product in expression.atoms(sympy.Mul):
            yield from product.args


def matmul_depth(spec: CellSpec) -> int:
    """Count the products of a step that wait for each other: the most on a way from a state back to itself.

    0 where no state is multiplied by a matrix on the way, 1 for an LSTM, 2 for a GRU that resets before its product.
    Products before the loop (of the input) and after it (an output layer) do not count.
    """
    graph = lower(spec)
    ways = {carry.previous: _ways(graph, carry.previous) for carry in graph.carries}
    reached = {name: set(ends) for name, ends in ways.items()}
    for via in reached:
        for ends in reached.values():
            if via in ends:
                ends |= reached[via]
    return max((depth for name, ends in ways.items() for end, depth in ends.items() if name in reached[end]), default=0)


def _ways(graph: Graph, start: str) -> dict[str, int]:
    """The states that depend on a state of the step before, and the most products on the way there."""
    depths = {start: 0}
    for node in graph.nodes:
        before = [depths[name] for name in node.reads if name in depths]
        if before:
            depths[node.out] = max(before) + isinstance(node, MatMul)
    return {carry.previous: depths[carry.next] for carry in graph.carries if carry.next in depths}
