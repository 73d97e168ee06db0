"""The tape: which forward values the backward pass finds in memory, and which it computes again.

Inputs and states are there anyway. Of the rest, a value is recomputed where that is cheaper than a write and a
read, and only from values that are there: recomputation never crosses a MatMul or a Reduce.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import sympy

from symcell.declare.functions import Elementwise
from symcell.declare.symbols import ROW
from symcell.graph.check import check
from symcell.graph.ir import GIVEN, Graph, Map, MatMul, Outer, Value
from symcell.schedule.program import Kept, Tape

# A value written and read again moves two numbers through the cache. One exp or tanh in registers costs about as
# much as that when the tape fits the second-level cache, and less when it does not.
RECOMPUTE_LIMIT = 16  # multiplications
WHOLE = ", for the whole sequence"


def cost(expression: sympy.Basic) -> int:
    """Return about how many multiplications an expression costs per component."""
    total = 0
    for part in sympy.preorder_traversal(expression):
        if isinstance(part, Elementwise):
            total += part.row.cost
        elif isinstance(part, (sympy.Add, sympy.Mul)):
            total += len(part.args) - 1
        elif isinstance(part, sympy.Pow):
            total += 4 if part.exp.is_negative else 1
    return total


def choose_tape(forward: Graph, backward: Graph) -> Tape:
    """Decide for each forward value that the backward graph reads."""
    needed = {value.name for value in backward.with_role("saved")}
    operands = {name: node for node in backward.nodes if isinstance(node, (Outer, MatMul)) for name in node.reads}
    there = {value.name for value in forward.with_role(*GIVEN)}
    there |= {node.out for node in forward.nodes if not forward.value(node.out).dims}  # scalars: of parameters only
    states = {carry.next for carry in forward.carries}
    for carry in forward.carries:  # where the states before each step are kept, so are those after it
        if {carry.previous, carry.next} & needed:
            there.add(carry.next)
    kept: list[Kept] = []
    for value in forward.values:
        if value.name in needed:
            entry = _keep(forward, value, there, states, operands)
            kept.append(entry)
            there.add(value.name)
    recomputed = [entry.name for entry in kept if entry.how == "recomputed"]
    return Tape(tuple(kept), _recompute(forward, backward, recomputed))


def _keep(forward: Graph, value: Value, there: set[str], states: set[str], operands: Mapping[str, object]) -> Kept:
    dim = value.dims[0]
    node = forward.producer(value.name)
    if value.role == "input":
        return Kept(value.name, dim, "input", f"the run's copy of the input{WHOLE if value.whole else ''}", value.whole)
    if value.whole:
        return Kept(value.name, dim, "saved", f"kept{WHOLE}", True)
    if value.role == "carry" or value.name in states:
        return Kept(value.name, dim, "state", "the states of all steps are kept")
    if value.name in operands:
        return Kept(value.name, dim, "saved", f"operand of a product after the loop: {operands[value.name]}")
    if dim == ROW:
        return Kept(value.name, dim, "saved", "one number per row")
    if not isinstance(node, Map):
        return Kept(value.name, dim, "saved", "a matrix product is not computed twice")
    missing = [name for name in node.reads if name not in there]
    if missing:
        return Kept(value.name, dim, "saved", f"computed from {', '.join(missing)}, not kept")
    price = cost(node.expression)
    if price > RECOMPUTE_LIMIT:
        return Kept(value.name, dim, "saved", f"costs {price} multiplications to compute again")
    return Kept(value.name, dim, "recomputed", f"costs {price} multiplications, less than a write and a read")


def _recompute(forward: Graph, backward: Graph, names: list[str]) -> Graph:
    """Put the recomputed Maps before the nodes of the backward graph."""
    nodes = [node for name in names if (node := forward.producer(name)) is not None]
    values = [dataclasses.replace(v, role="local") if v.name in names else v for v in backward.values]
    known = {value.name for value in values}
    for name in dict.fromkeys(name for node in nodes for name in node.reads):
        if name not in known:  # so far only the value computed from it was read
            values.append(dataclasses.replace(forward.value(name), role="saved"))
    first = [node for node in backward.nodes if backward.value(node.out).role == "derived"]
    first += [node for node in backward.nodes if isinstance(node, Map) and not backward.value(node.out).dims]
    rest = [node for node in backward.nodes if node not in first]
    return check(dataclasses.replace(backward, values=tuple(values), nodes=(*first, *nodes, *rest)))
