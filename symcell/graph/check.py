"""The checker: run after every pass on its result, always. It is cheap, and it finds a wrong pass at once."""

from __future__ import annotations

import sympy

from symcell.declare.functions import Elementwise
from symcell.graph.ir import BatchSum, Graph, Map, MatMul, Node, Outer


class GraphError(AssertionError):
    """A pass of symcell made a graph that is not well formed: a fault of symcell, not of the cell."""


def check(graph: Graph) -> Graph:
    """Return the graph, after checking names, order, dimensions, carries and sums.

    Raises:
        GraphError: something does not fit, with the node it was found at.
    """
    names = [value.name for value in graph.values]
    _require(len(names) == len(set(names)), graph, "a name is given to two values")
    known = {value.name for value in graph.values if value.role not in ("local", "sum")}
    sums = {value.name for value in graph.with_role("sum")}
    for node in graph.nodes:
        missing = [name for name in node.reads if name not in known]
        _require(not missing, graph, f"{node}: {missing} used before they are computed")
        accumulates = isinstance(node, (Outer, BatchSum))
        _require((node.out in sums) == accumulates, graph, f"{node}: writes to the wrong kind of value")
        _require(accumulates or node.out not in known, graph, f"{node}: computed twice")
        _check_dims(graph, node)
        if not accumulates:
            known.add(node.out)
    _require(known | sums == set(names), graph, f"never computed: {sorted(set(names) - known - sums)}")
    for carry in graph.carries:
        _require(graph.value(carry.previous).role == "carry", graph, f"{carry}: previous is no carry")
        _require(carry.next in known, graph, f"{carry}: next is never computed")
        same = graph.value(carry.previous).dims == graph.value(carry.next).dims
        _require(same, graph, f"{carry}: the dimensions differ")
    carried = [carry.previous for carry in graph.carries]
    _require(sorted(carried) == sorted(v.name for v in graph.with_role("carry")), graph, "a carry without a source")
    _require(all(name in known for name in graph.outputs), graph, "an output is never computed")
    return graph


def _check_dims(graph: Graph, node: Node) -> None:
    dims = {name: graph.value(name).dims for name in (*node.reads, node.out)}
    out = dims[node.out]
    if isinstance(node, MatMul):
        rows, cols = dims[node.matrix]
        expected = ((cols,), (rows,)) if node.transposed else ((rows,), (cols,))
        _require((out, dims[node.operand]) == expected, graph, f"{node}: dimensions {dims}")
    elif isinstance(node, Outer):
        _require(out == dims[node.left] + dims[node.right] and len(out) == 2, graph, f"{node}: dimensions {dims}")
    elif isinstance(node, BatchSum):
        _require(out in ((), dims[node.operand]), graph, f"{node}: dimensions {dims}")
    else:
        vectors = {dims[name] for name in node.reads if dims[name]}
        _require(vectors <= {out} and len(out) < 2, graph, f"{node}: dimensions {dims}")
        _check_expression(graph, node)


def _check_expression(graph: Graph, node: Map) -> None:
    allowed = (sympy.Symbol, sympy.Number, sympy.NumberSymbol, sympy.Add, sympy.Mul, sympy.Pow, Elementwise)
    for part in sympy.preorder_traversal(node.expression):
        fine = isinstance(part, allowed) or getattr(part, "is_Boolean", False) or part.is_Relational
        _require(fine, graph, f"{node}: {type(part).__name__} is no elementwise operation")
        _require(part not in (sympy.zoo, sympy.nan, sympy.oo, -sympy.oo), graph, f"{node}: not finite")


def _require(condition: bool, graph: Graph, message: str) -> None:
    if not condition:
        raise GraphError(f"graph {graph.name}: {message}")
