"""The sweep over a graph in reverse: where adjoints come from, how they add up, and where they go.

Which kind of node contributes what is not known here: the rules are the table ADJOINTS of symcell.graph.adjoint.
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
from symcell.graph.ir import GIVEN, Carry, Graph, Map, Node, Once, Role
from symcell.graph.partials import Partials
from symcell.graph.reductions import KINDS

LATER = ".later"
STEPS = ".steps"  # d_U.steps: what the steps contribute where d_U has a further part
Rule = Callable[["Sweep", Any], None]  # enters what one node contributes to the adjoints of what it reads


class Sweep:
    """The sweep over the forward nodes, last first. `terms[v]` collects what v's consumers contribute to d_v."""

    def __init__(self, forward: Graph, rules: Mapping[type[Node], Rule]) -> None:
        self.forward, self.rules = forward, rules
        self.build = Builder(reserved=[value.name for value in forward.values])
        self.terms: dict[str, list[sympy.Expr]] = defaultdict(list)
        # What a step contributes to a whole value, and what a whole value contributes to a parameter.
        self.other: dict[str, list[sympy.Expr]] = defaultdict(list)
        self.whole = False  # whether the node being swept is one for the whole sequence
        self.adjoints: dict[str, str] = {}
        self.later: dict[str, str] = {}  # carry.next -> what its adjoint receives from the later step
        self.outputs: dict[str, str] = {}  # "name.out" or a sum -> the adjoint that comes in for it
        self.once_terms: dict[str, list[sympy.Expr]] = defaultdict(list)  # what Once nodes contribute
        self.early = [node for node in forward.once if forward.value(node.out).role == "derived"]
        self.names = {value.name for value in forward.values}
        self.read_once = {name for node in forward.once for name in node.reads}
        # What nothing is differentiated by: constants, what the sizes give, and what is made of these alone.
        self.fixed = {value.name for value in forward.with_role("constant", "size", "index")}
        for once in forward.once:
            if set(once.reads) <= self.fixed or (once.over and KINDS[once.kind].adjoint is None):
                self.fixed.add(once.out)
        self.partials = Partials(self._named())

    def run(self) -> Graph:
        """Return the backward graph, with values in it that nothing reads."""
        self._open()
        late = [node for node in self.forward.once if self.forward.value(node.out).role == "total"]
        for last in reversed(late):
            self.rules[Once](self, last)
        for value in self.forward.with_role("sum"):
            self.settle(value.name)
        for node in reversed(self.forward.nodes):
            if isinstance(node, Once):  # the early ones come when all sums are known
                continue
            both = isinstance(node, Map) and not self.forward.value(node.out).dims and self.other[node.out]
            for whole in (False, True) if both else (self.forward.is_of_sequence(node),):
                self.whole = whole
                self.rules[type(node)](self, node)
        return self._close()

    def _named(self) -> dict[sympy.Expr, sympy.Symbol]:
        """Return the function values that have a name: sigmoid(a_f) in a derivative is f."""
        named: dict[sympy.Expr, sympy.Symbol] = {}
        for node in self.forward.nodes:
            summed = isinstance(node, Once) and node.over
            repeats = isinstance(node, Map) and self._repeats(node)
            if isinstance(node, (Map, Once)) and isinstance(node.expression, Elementwise) and not (repeats or summed):
                named.setdefault(node.expression, symbol(node.out))
        return named

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
            self.rules[Once](self, node)
        for value in forward.with_role("param"):
            if self.settle(value.name) is None:
                self.gradient(value.name)
        return Graph(f"{forward.name}_adjoint", tuple(build.values.values()), tuple(build.nodes), tuple(carries),
                     tuple(outputs), not forward.reverse, {**self.adjoints, **self.outputs})

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
