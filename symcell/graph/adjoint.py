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

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import sympy

from symcell.declare.functions import Elementwise
from symcell.declare.static import computable
from symcell.declare.symbols import ROW
from symcell.graph.builder import Builder, symbol, total
from symcell.graph.check import check
from symcell.graph.ir import GIVEN, BatchSum, Carry, Graph, Map, MatMul, Node, Once, Outer, Reduce, Role, TimeSum
from symcell.graph.names import TRANSPOSED
from symcell.graph.once import REPEATED, expression_dims, mirrored
from symcell.graph.reductions import KINDS, to_first

LATER = ".later"
STEPS = ".steps"  # d_U.steps: what the steps contribute where d_U has a further part


def adjoint(forward: Graph) -> Graph:
    """Return the graph that turns adjoints of outputs and final states into those of everything else.

    It reads the forward values ("saved"), the adjoints of the outputs ("input") and of the carries, and gives
    the adjoints of the inputs (outputs), of the initial carries (carries) and of the parameters (sums).
    """
    return _Reverse(forward).run()


class _Reverse:
    """The sweep over the forward nodes, last first. `terms[v]` collects what v's consumers contribute to d_v."""

    def __init__(self, forward: Graph) -> None:
        self.forward = forward
        self.build = Builder(reserved=[value.name for value in forward.values])
        self.terms: dict[str, list[sympy.Expr]] = defaultdict(list)
        # What a step contributes to a whole value, and what a whole value contributes to a parameter.
        self.other: dict[str, list[sympy.Expr]] = defaultdict(list)
        self.whole = False  # whether the node being swept is one for the whole sequence
        self.adjoints: dict[str, str] = {}
        self.later: dict[str, str] = {}  # carry.next -> what its adjoint receives from the later step
        self.outputs: dict[str, str] = {}  # "name.out" or a sum -> the adjoint that comes in for it
        self.functions: dict[sympy.Expr, sympy.Symbol] = {}
        self.split: dict[sympy.Expr, dict[sympy.Symbol, list[sympy.Expr]]] = {}  # sums -> their terms by symbol
        self.once_terms: dict[str, list[sympy.Expr]] = defaultdict(list)  # what Once nodes contribute
        self.early = [node for node in forward.once if forward.value(node.out).role == "derived"]
        self.names = {value.name for value in forward.values}
        self.read_once = {name for node in forward.once for name in node.reads}
        # What nothing is differentiated by: constants, what the sizes give, and what is made of these alone.
        self.fixed = {value.name for value in forward.with_role("constant", "size", "index")}
        for once in forward.once:
            if set(once.reads) <= self.fixed or (once.over and KINDS[once.kind].adjoint is None):
                self.fixed.add(once.out)
        for node in forward.nodes:  # sigmoid(a_f) in a derivative is f
            summed = isinstance(node, Once) and node.over
            repeats = isinstance(node, Map) and self._repeats(node)
            if isinstance(node, (Map, Once)) and isinstance(node.expression, Elementwise) and not (repeats or summed):
                self.functions.setdefault(node.expression, symbol(node.out))

    def run(self) -> Graph:
        self._open()
        late = [node for node in self.forward.once if self.forward.value(node.out).role == "total"]
        for last in reversed(late):
            ADJOINTS[Once](self, last)
        for value in self.forward.with_role("sum"):
            self.settle(value.name)
        for node in reversed(self.forward.nodes):
            if isinstance(node, Once):  # the early ones come when all sums are known
                continue
            both = isinstance(node, Map) and not self.forward.value(node.out).dims and self.other[node.out]
            for whole in (False, True) if both else (self.forward.is_of_sequence(node),):
                self.whole = whole
                ADJOINTS[type(node)](self, node)
        return self._close()

    def _repeats(self, node: Map) -> bool:
        """Whether a value of every step is always the same: what is one for the sequence, or call, cannot read it."""
        values = [value for value in map(self.forward.value, node.reads) if value.role not in GIVEN]
        once = bool(values) or computable(node.expression)
        return once and all(value.whole for value in values) and not self.forward.is_whole(node.out)

    # --- where adjoints come from ------------------------------------------------------------------------

    def _open(self) -> None:
        forward, build = self.forward, self.build
        build.nodes += self.early
        maps = [node for node in forward.nodes if isinstance(node, Map)]
        scalars = {node.out: node for node in maps if not forward.value(node.out).dims}
        for value in forward.values:
            if value.name in scalars:  # made of scalar parameters only: computed again, never saved
                build.map(value.name, scalars[value.name].expression, value.anonymous, dims=())
            elif value.role not in ("sum", "total"):
                role: Role = value.role if value.role in GIVEN else "saved"
                build.add(value.name, value.dims, role, value.anonymous, value.whole)
        for value in forward.with_role("sum", "total"):  # the adjoint of a sum over time is one array for all steps
            self.adjoints[value.name] = build.add(build.fresh(f"d_{value.name}"), value.dims, "param")
            self.outputs[value.name] = self.adjoints[value.name]
            if value.name in self.read_once:
                build.add(value.name, value.dims, "param")
        seeds = {carry.next: f"d_{carry.previous}{LATER}" for carry in forward.carries}
        for name, wish in seeds.items():
            seed = build.add(build.fresh(wish), forward.value(name).dims, "carry")
            self.terms[name].append(symbol(seed))
            self.later[name] = seed
        taken = {f"d_{value.name}" for value in forward.values}
        for name in forward.outputs:
            wish = f"d_{name}" if name not in seeds else "d_y" if "d_y" not in taken else "d_output"
            seed = build.add(build.fresh(wish), forward.value(name).dims, "input", whole=forward.is_whole(name))
            self.terms[name].append(symbol(seed))
            self.outputs[f"{name}.out"] = seed

    def of(self, name: str) -> str | None:
        """Return the name of the adjoint of a value: an existing one where the sum is just that."""
        if name not in self.adjoints and self.gathered(name):
            expression, value = self.collected(name), self.forward.value(name)
            found = self.build.find(expression, value)
            wish = self.build.fresh(f"d_{name}")
            self.adjoints[name] = found or self.build.map(wish, expression, dims=value.dims, whole=value.whole)
        return self.adjoints.get(name)

    def collected(self, name: str) -> sympy.Expr:
        """Return the sum of what a value's consumers contribute; a number per row gets that of every component."""
        if self.forward.value(name).dims != (ROW,):
            return total(self.gathered(name))
        by_dims = self.by_dims(self.gathered(name))
        sums = [symbol(self.build.reduce("sum", self.build.value_of(total(terms), f"d_{name}_in")))
                for dims, terms in by_dims.items() if dims not in ((), (ROW,))]
        return total([*sums, *by_dims[(ROW,)], *by_dims[()]])

    def by_dims(self, terms: list[sympy.Expr]) -> dict[tuple[str, ...], list[sympy.Expr]]:
        """Group terms by their dimensions."""
        found: dict[tuple[str, ...], list[sympy.Expr]] = defaultdict(list)
        for term in terms:
            found[self.build.map_dims(term)].append(term)
        return found

    def contribute(self, name: str, term: sympy.Expr) -> None:
        """Add a term to the adjoint of a value."""
        if term is not sympy.S.Zero:
            self.received(name).append(term)

    def received(self, name: str) -> list[sympy.Expr]:
        """Return the terms of a value's adjoint that come as often as the node being swept is computed."""
        return (self.terms if self.forward.is_whole(name) == self.whole else self.other)[name]

    def gathered(self, name: str) -> list[sympy.Expr]:
        """Return the terms of a value's adjoint; what the steps contribute to a whole value is summed over time."""
        if self.forward.is_whole(name) and self.other[name]:
            dims, terms = self.forward.value(name).dims, self.other.pop(name)
            # A number per row takes the sum over components too: over time first, so that one reduction does.
            for kind, alike in (self.by_dims(terms) if dims == (ROW,) else {dims: terms}).items():
                wish = self.build.fresh(f"d_{name}{STEPS}")
                self.terms[name].append(symbol(self.build.time_sum(wish, total(alike), kind)))
        return self.terms[name]

    def partial(self, expression: sympy.Expr, name: str) -> sympy.Expr:
        """Differentiate, and write function values that the forward pass has named by their names."""
        if expression.is_Add:  # each term by its own symbols only: a sum has many of both
            own = self.terms_with(expression)[symbol(name)]
            return sympy.Add(*(term.diff(symbol(name)) for term in own)).xreplace(self.functions)
        return sympy.diff(expression, symbol(name)).xreplace(self.functions)

    def terms_with(self, expression: sympy.Add) -> Mapping[sympy.Symbol, list[sympy.Expr]]:
        """Return the terms of a sum by the symbols that are in them."""
        if expression not in self.split:
            found = self.split[expression] = defaultdict(list)
            for term in expression.args:
                for own in term.free_symbols:
                    found[own].append(term)
        return self.split[expression]

    # --- where adjoints go -------------------------------------------------------------------------------

    def _close(self) -> Graph:
        forward, build = self.forward, self.build
        carries = []
        for carry in forward.carries:
            name, dims = carry.previous, forward.value(carry.previous).dims
            handed = build.map(build.fresh(f"d_{name}"), self.collected(name), dims=dims)
            self.adjoints[name] = handed
            carries.append(Carry(self.later[carry.next], handed))
        outputs = []
        for value in forward.with_role("input", "saved"):
            expression = self.collected(value.name)
            outputs.append(build.map(build.fresh(f"d_{value.name}"), expression, dims=value.dims, whole=value.whole))
            self.adjoints[value.name] = outputs[-1]
        for value in forward.with_role("param", "derived"):
            self._parameter(value.name)
        for node in reversed(self.early):
            ADJOINTS[Once](self, node)
        for value in forward.with_role("param"):
            if self.settle(value.name) is None:
                self.gradient(value.name)
        backward = Graph(f"{forward.name}_adjoint", tuple(build.values.values()), tuple(build.nodes), tuple(carries),
                         tuple(outputs), not forward.reverse, {**self.adjoints, **self.outputs})
        return check(prune(backward))

    def gradient(self, name: str) -> str:
        """Return the sum that accumulates a parameter's gradient."""
        if name not in self.adjoints:
            wish = self.build.fresh(f"d_{name}{STEPS if name in self.read_once else ''}")
            self.adjoints[name] = self.build.add(wish, self.forward.value(name).dims, "sum")
        return self.adjoints[name]

    def settle(self, name: str) -> str | None:
        """Return the whole gradient of what is known before the first step: the sum, and what Once nodes add."""
        terms = self.once_terms.pop(name, [])
        if terms:
            steps = [symbol(self.adjoints[name])] if name in self.adjoints else []
            dims, wish = self.forward.value(name).dims, self.build.fresh(f"d_{name}")
            self.adjoints[name] = self.build.once(wish, total([*steps, *terms]), dims, role=self.when(name))
        return self.adjoints.get(name)

    def when(self, name: str) -> Role:
        """Return the role of the adjoint of what is known once per call: what came last comes first."""
        return "derived" if self.forward.value(name).role in ("sum", "total") else "total"

    def _parameter(self, name: str) -> None:
        """Sum a vector's or scalar's adjoint over batch and time; one sum per dimension that a scalar met."""
        once = name in self.read_once or self.forward.value(name).role == "derived"
        if name in self.fixed or (once and not self.terms[name] and not self.other[name]):
            return
        out = self.gradient(name)
        by_kind: dict[tuple[bool, tuple[str, ...]], list[sympy.Expr]] = defaultdict(list)
        for whole, found in ((False, self.terms[name]), (True, self.other[name])):
            for term in found:
                by_kind[whole, self.build.map_dims(term)].append(term)
        for terms in by_kind.values():
            expression = total(terms)
            if expression is not sympy.S.Zero:
                self.build.batch_sum(out, self.build.value_of(expression, f"{out}_t", anonymous=True))


def _adjoint_of_map(sweep: _Reverse, node: Map) -> None:
    if sweep.forward.value(node.out).dims:
        out = sweep.of(node.out)
        upstream = [symbol(out)] if out else []
    else:  # a scalar computed from scalars: what each component contributes is summed at the parameter only
        upstream = sweep.received(node.out)
    for name in node.reads:
        if upstream and name not in sweep.fixed:
            partial = sweep.partial(node.expression, name)
            for term in upstream:
                sweep.contribute(name, term * partial)


def _adjoint_of_matmul(sweep: _Reverse, node: MatMul) -> None:
    out = sweep.of(node.out)
    if out is None:
        return
    pulled = sweep.build.matmul(node.matrix, not node.transposed, out)
    sweep.contribute(node.operand, symbol(pulled))
    if node.matrix in sweep.fixed:
        return
    left, right = (node.operand, out) if node.transposed else (out, node.operand)
    sweep.build.outer(sweep.gradient(node.matrix), left, right)


def _adjoint_of_reduce(sweep: _Reverse, node: Reduce) -> None:
    rule = KINDS[node.kind].adjoint
    out = sweep.of(node.out) if rule else None
    if rule and out:
        sweep.contribute(node.operand, rule(sweep.build, node.operand, symbol(out)))


def _adjoint_of_outer(sweep: _Reverse, node: Outer) -> None:
    d_out = sweep.adjoints[node.out]
    sweep.contribute(node.left, symbol(sweep.build.matmul(d_out, False, node.right)))
    sweep.contribute(node.right, symbol(sweep.build.matmul(d_out, True, node.left)))


def _adjoint_of_batch_sum(sweep: _Reverse, node: BatchSum) -> None:
    sweep.contribute(node.operand, symbol(sweep.adjoints[node.out]))


def _adjoint_of_time_sum(sweep: _Reverse, node: TimeSum) -> None:
    out = sweep.of(node.out)
    if out is not None:  # a value of the step: its own readers sum over the steps
        copied = sweep.build.fresh(f"d_{node.operand}.each")
        dims = sweep.forward.value(node.operand).dims
        sweep.terms[node.operand].append(symbol(sweep.build.map(copied, symbol(out), True, dims, whole=False)))


def _adjoint_of_once(sweep: _Reverse, node: Once) -> None:
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
        term = upstream * sweep.partial(node.expression, name)
        term += mirrored(upstream * sweep.partial(node.expression, name + TRANSPOSED), dims_of)
        if dims and not dims_of(name):  # a scalar that meets every entry
            term = summed(name, term, "all")
        for over in ("columns", "rows"):  # a vector that meets every entry of its column, or row
            term += summed(name, upstream * sweep.partial(node.expression, name + REPEATED[over]), over)
        if term is not sympy.S.Zero:
            sweep.once_terms[name].append(term)


def _upstream(sweep: _Reverse, node: Once, out: str, dims: tuple[str, ...]) -> sympy.Expr:
    """Return what comes back to each entry of an expression, as one of that entry."""
    if not node.over or node.kind == "sum":
        return symbol(out + REPEATED[node.over] if node.over else out)
    [dim] = dims
    if node.kind == "mean":
        return symbol(out) / sweep.build.size(dim)
    wish = f"argmax_{node.out.replace('.', '_')}"
    first = sweep.build.over(wish, node.expression, (), "all", "argmax", sweep.when(node.out))
    return to_first(sweep.build.index(dim), symbol(first), symbol(out))


ADJOINTS: dict[type[Node], Callable[[_Reverse, Any], None]] = {
    Map: _adjoint_of_map,  # d_v += d_out * d(expression)/dv
    MatMul: _adjoint_of_matmul,  # d_v += W^T d_out;  d_W += d_out v^T
    Reduce: _adjoint_of_reduce,  # d_v += d_out (sum), d_out / size (mean), d_out where v is the first maximum (max)
    Outer: _adjoint_of_outer,  # d_a += D b;  d_b += D^T a     for out += a b^T with adjoint D
    BatchSum: _adjoint_of_batch_sum,  # d_v += d_out
    TimeSum: _adjoint_of_time_sum,  # d_v += d_out, at every step
    Once: _adjoint_of_once,  # d_U += d_out * dA/dU + (d_out * dA/dU.T)^T    for out = A(U, U.T), and sums likewise
}


def prune(graph: Graph) -> Graph:
    """Drop what no output, carry or sum depends on, and saved values that nothing reads."""
    needed = {*graph.outputs, *(carry.next for carry in graph.carries)}
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if node.out in needed or isinstance(node, (Outer, BatchSum, Once)):
            needed |= {node.out, *node.reads}
            kept.append(node)
    dropped = ("local", "saved", "size", "index")
    values = tuple(v for v in graph.values if v.role not in dropped or v.name in needed)
    names = {value.name for value in values}
    adjoints = {name: adjoint for name, adjoint in graph.adjoints.items() if adjoint in names}
    return Graph(graph.name, values, tuple(reversed(kept)), graph.carries, graph.outputs, graph.reverse, adjoints)
