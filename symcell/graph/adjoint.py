"""Graph -> Graph: the backward pass, itself a graph that runs the steps in the opposite order.

The rules are the table ADJOINTS, a row per kind of node; the local derivatives come from SymPy. The set of
kinds is closed: the adjoint of MatMul, Map and Reduce needs these, Outer and BatchSum, and so does theirs,
hence adjoint(adjoint(graph)) exists. A Map that reads a number per row broadcasts it, so that Reduce and Map are
each other's adjoints. (Griewank and Walther 2008, ch. 3; Werbos 1990 for backpropagation
through time.)

What is computed once per call counts as a parameter during the steps: its gradient is a sum over time. After the
last step the sweep goes on through the Once nodes, from those sums to the parameters (graph/once.py). In the adjoint
of such a backward graph it starts with them: they then come before the first step.

Names: the adjoint of v is d_v. What a state's adjoint receives from the later step is `d_h.later`, a carry; what
it hands to the earlier step is `d_h`.
"""

from __future__ import annotations

import sympy

from symcell.graph.builder import symbol
from symcell.graph.check import check
from symcell.graph.ir import BatchSum, Graph, Map, MatMul, Node, Once, Outer, Reduce, TimeSum
from symcell.graph.names import TRANSPOSED
from symcell.graph.once import REPEATED, expression_dims, mirrored
from symcell.graph.reductions import KINDS, to_first
from symcell.graph.sweep import Rule, Sweep


def adjoint(forward: Graph) -> Graph:
    """Return the graph that turns adjoints of outputs and final states into those of everything else.

    It reads the forward values ("saved"), the adjoints of the outputs ("input") and of the carries, and gives
    the adjoints of the inputs (outputs), of the initial carries (carries) and of the parameters (sums).
    """
    return check(prune(Sweep(forward, ADJOINTS).run()))


def _adjoint_of_map(sweep: Sweep, node: Map) -> None:
    if sweep.forward.value(node.out).dims:
        out = sweep.of(node.out)
        upstream = [symbol(out)] if out else []
    else:  # a scalar computed from scalars: what each component contributes is summed at the parameter only
        upstream = sweep.received(node.out)
    for name in node.reads:
        if upstream and name not in sweep.fixed:
            partial = sweep.partials.of(node.expression, name)
            for term in upstream:
                sweep.contribute(name, term * partial)


def _adjoint_of_matmul(sweep: Sweep, node: MatMul) -> None:
    out = sweep.of(node.out)
    if out is None:
        return
    pulled = sweep.build.matmul(node.matrix, not node.transposed, out)
    sweep.contribute(node.operand, symbol(pulled))
    if node.matrix in sweep.fixed:
        return
    left, right = (node.operand, out) if node.transposed else (out, node.operand)
    sweep.build.outer(sweep.gradient(node.matrix), left, right)


def _adjoint_of_reduce(sweep: Sweep, node: Reduce) -> None:
    rule = KINDS[node.kind].adjoint
    out = sweep.of(node.out) if rule else None
    if rule and out:
        sweep.contribute(node.operand, rule(sweep.build, node.operand, symbol(out)))


def _adjoint_of_outer(sweep: Sweep, node: Outer) -> None:
    d_out = sweep.adjoints[node.out]
    sweep.contribute(node.left, symbol(sweep.build.matmul(d_out, False, node.right)))
    sweep.contribute(node.right, symbol(sweep.build.matmul(d_out, True, node.left)))


def _adjoint_of_batch_sum(sweep: Sweep, node: BatchSum) -> None:
    sweep.contribute(node.operand, symbol(sweep.adjoints[node.out]))


def _adjoint_of_time_sum(sweep: Sweep, node: TimeSum) -> None:
    out = sweep.of(node.out)
    if out is not None:  # a value of the step: its own readers sum over the steps
        copied = sweep.build.fresh(f"d_{node.operand}.each")
        dims = sweep.forward.value(node.operand).dims
        sweep.terms[node.operand].append(symbol(sweep.build.map(copied, symbol(out), True, dims, whole=False)))


def _adjoint_of_once(sweep: Sweep, node: Once) -> None:
    out = None if node.out in sweep.fixed else sweep.settle(node.out)
    if out is None:
        return

    def dims_of(name: str) -> tuple[str, ...]:
        return (sweep.forward.value(name) if name in sweep.names else sweep.build.values[name]).dims

    dims = expression_dims(node, dims_of)
    upstream = _upstream(sweep, node, out, dims)

    def summed(name: str, term: sympy.Expr, over: str) -> sympy.Expr:
        if term is sympy.S.Zero:
            return term
        part = sweep.build.fresh(f"d_{name}.{node.out.replace('.', '_')}")
        return symbol(sweep.build.once(part, term, dims_of(name), True, sweep.when(node.out), over))

    for name in (name for name in node.reads if name not in sweep.fixed):
        term = upstream * sweep.partials.of(node.expression, name)
        term += mirrored(upstream * sweep.partials.of(node.expression, name + TRANSPOSED), dims_of)
        if dims and not dims_of(name):  # a scalar that meets every entry
            term = summed(name, term, "all")
        for over in ("columns", "rows"):  # a vector that meets every entry of its column, or row
            term += summed(name, upstream * sweep.partials.of(node.expression, name + REPEATED[over]), over)
        if term is not sympy.S.Zero:
            sweep.once_terms[name].append(term)


def _upstream(sweep: Sweep, node: Once, out: str, dims: tuple[str, ...]) -> sympy.Expr:
    """Return what comes back to each entry of an expression, as one of that entry."""
    if not node.over or node.kind == "sum":
        return symbol(out + REPEATED[node.over] if node.over else out)
    [dim] = dims
    if node.kind == "mean":
        return symbol(out) / sweep.build.size(dim)
    wish = f"argmax_{node.out.replace('.', '_')}"
    first = sweep.build.over(wish, node.expression, (), "all", "argmax", sweep.when(node.out))
    return to_first(sweep.build.index(dim), symbol(first), symbol(out))


ADJOINTS: dict[type[Node], Rule] = {
    Map: _adjoint_of_map,  # d_v += d_out * d(expression)/dv
    MatMul: _adjoint_of_matmul,  # d_v += W^T d_out;  d_W += d_out v^T
    Reduce: _adjoint_of_reduce,  # d_v += d_out (sum), d_out / size (mean), d_out where v is the first maximum (max)
    Outer: _adjoint_of_outer,  # d_a += D b;  d_b += D^T a     for out += a b^T with adjoint D
    BatchSum: _adjoint_of_batch_sum,  # d_v += d_out
    TimeSum: _adjoint_of_time_sum,  # d_v += d_out, at every step
    Once: _adjoint_of_once,  # d_U += d_out * dA/dU + (d_out * dA/dU.T)^T    for out = A(U, U.T), and sums likewise
}


def prune(graph: Graph) -> Graph:
    """Keep what outputs, carries and the gradients of parameters depend on, and what is known before the steps.

    The latter whether it is read here or not: values that the tape does not hold are computed again from it.
    """
    gradients = {graph.adjoints[value.name] for value in graph.with_role("param") if value.name in graph.adjoints}
    needed = {*graph.outputs, *(carry.next for carry in graph.carries), *gradients}
    needed |= {value.name for value in graph.with_role("derived")}
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if node.out in needed:
            needed |= {node.out, *node.reads}
            kept.append(node)
    given = ("input", "carry", "param", "constant")
    values = tuple(value for value in graph.values if value.role in given or value.name in needed)
    names = {value.name for value in values}
    adjoints = {name: adjoint for name, adjoint in graph.adjoints.items() if adjoint in names}
    return Graph(graph.name, values, tuple(reversed(kept)), graph.carries, graph.outputs, graph.reverse, adjoints)
