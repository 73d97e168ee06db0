"""The checker: run after every pass on its result, always. It is cheap, and it finds a wrong pass at once."""

from __future__ import annotations

from collections.abc import Iterator

import sympy
from sympy.logic.boolalg import And, BooleanAtom, Not, Or

from symcell.declare.functions import CONDITIONS, Elementwise, where_
from symcell.declare.symbols import ROW
from symcell.graph.ir import GIVEN, BatchSum, Graph, Map, MatMul, Node, Once, Outer, Reduce, TimeSum
from symcell.graph.once import faults
from symcell.graph.reductions import KINDS


class GraphError(AssertionError):
    """A pass of symcell made a graph that is not well formed: a fault of symcell, not of the cell."""


def check(graph: Graph) -> Graph:
    """Return the graph, after checking names, order, dimensions, carries and sums.

    Raises:
        GraphError: something does not fit, with the node it was found at.
    """
    for fault in _faults(graph):
        raise GraphError(f"graph {graph.name}: {fault}")
    return graph


def _faults(graph: Graph) -> Iterator[str]:
    names = [value.name for value in graph.values]
    declared = set(names)
    if len(names) != len(declared):
        yield "a name is given to two values"
    computed = ("local", "sum", "derived", "total")
    known = {value.name for value in graph.values if value.role not in computed}
    sums = {value.name for value in graph.with_role("sum")}
    for node in graph.nodes:
        missing = [name for name in (*node.reads, node.out) if name not in declared]
        late = isinstance(node, Once) and graph.value(node.out).role == "total"
        missing += [name for name in node.reads if name not in known and not (late and name in sums)]
        if missing:
            yield f"{node}: {missing} used before they are computed"
        accumulates = isinstance(node, (Outer, BatchSum))
        if (node.out in sums) != accumulates:
            yield f"{node}: writes to the wrong kind of value"
        if not accumulates and node.out in known:
            yield f"{node}: computed twice"
        if isinstance(node, Once):
            yield from faults(graph, node)
        elif not _dims_agree(graph, node):
            yield f"{node}: the dimensions {[graph.value(n).dims for n in (node.out, *node.reads)]} do not agree"
        if isinstance(node, (Map, Once)):
            yield from (f"{node}: {part!r} is no elementwise operation" for part in _foreign(node.expression))
        if not _tempo_agrees(graph, node):
            yield f"{node}: what is computed for the whole sequence and what at each step do not fit"
        if isinstance(node, Reduce) and node.kind not in KINDS:
            yield f"{node}: {node.kind!r} is no reduction"
        if not accumulates:
            known.add(node.out)
    if known | sums != declared:
        yield f"never computed: {sorted(declared - known - sums)}"
    yield from _carry_faults(graph, known)


def _carry_faults(graph: Graph, known: set[str]) -> Iterator[str]:
    for carry in graph.carries:
        if not {carry.previous, carry.next} <= known or graph.value(carry.previous).role != "carry":
            yield f"{carry}: previous is no carry, or next is never computed"
        elif graph.value(carry.previous).dims != graph.value(carry.next).dims:
            yield f"{carry}: the dimensions differ"
        elif graph.is_whole(carry.previous) or graph.is_whole(carry.next):
            yield f"{carry}: a carry changes from step to step"
    if sorted(carry.previous for carry in graph.carries) != sorted(v.name for v in graph.with_role("carry")):
        yield "a carry without a source"
    if not set(graph.outputs) <= known:
        yield "an output is never computed"


def _tempo_agrees(graph: Graph, node: Node) -> bool:
    """Whether no step needs what only the last one leaves, and nothing of the whole sequence what a step computes."""
    whole = graph.is_whole(node.out)
    vectors = [graph.is_whole(name) for name in node.reads if len(graph.value(name).dims) == 1
               and graph.value(name).role not in GIVEN]
    if isinstance(node, TimeSum):
        return whole and not any(vectors)
    if isinstance(node, (MatMul, Reduce)):
        return whole == any(vectors)  # of a whole vector alone it would be the same at each
    if isinstance(node, Map):
        return all(vectors) if whole else not graph.late.intersection(node.reads)
    return True


def _dims_agree(graph: Graph, node: Node) -> bool:
    dims = {name: graph.value(name).dims for name in (*node.reads, node.out)}
    out = dims[node.out]
    if isinstance(node, MatMul):
        if len(dims[node.matrix]) != 2:
            return False
        rows, cols = dims[node.matrix]
        return (out, dims[node.operand]) == (((cols,), (rows,)) if node.transposed else ((rows,), (cols,)))
    if isinstance(node, Outer):
        return out == dims[node.left] + dims[node.right] and len(out) == 2
    if isinstance(node, BatchSum):
        return out in ((), dims[node.operand])
    if isinstance(node, TimeSum):
        return out == dims[node.operand] and len(out) == 1
    if isinstance(node, Reduce):
        return out == (ROW,) and graph.value(node.operand).is_vector
    fitting = {(), (ROW,), out} if out else {()}
    return {dims[name] for name in node.reads} <= fitting and len(out) < 2


_ELEMENTWISE = (sympy.Symbol, sympy.Number, sympy.NumberSymbol, sympy.Add, sympy.Mul, sympy.Pow, Elementwise,
                BooleanAtom, *CONDITIONS)


_HOLDERS = (where_, And, Or, Not)  # of conditions


def _foreign(expression: sympy.Expr) -> Iterator[sympy.Basic]:
    """Yield the parts of an expression that no Map can hold."""
    for part in sympy.preorder_traversal(expression):
        mixed = any(isinstance(argument, CONDITIONS) for argument in part.args) and not isinstance(part, _HOLDERS)
        if mixed or not isinstance(part, _ELEMENTWISE) or part in (sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
            yield part
