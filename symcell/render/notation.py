r"""What each value of a forward and a backward graph is called in print.

    x, h, h.next, f     x_t, h_{t-1}, h_t, f_t         parameters and what never changes in a sequence: no time
    d_f                 \bar{f}_t                      the adjoint of f
    d_h.later, d_h      \bar{h}_t^+, \bar{h}_{t-1}^+   received from the later step, handed to the earlier one
    d_W                 \bar{W}                        a sum over time

A value without a name of its own has a formula instead of a name: `formula` returns the node that it stands for.
The adjoint of such a value is written out where it is used too, and gets a long bar where that would repeat much.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import sympy

from symcell.declare.symbols import NEXT, ROW
from symcell.graph.ir import GIVEN, Computed, Graph, Map, MatMul, Once, TimeSum, Value
from symcell.graph.names import INDEX, SIZE, TRANSPOSED, base, dim_of, is_pattern, is_repeated
from symcell.render.names import Name, name_of, names_of


@dataclass(frozen=True)
class Notation:
    """The printed names of a cell; one object serves both graphs, whose names do not collide."""

    forward: Graph
    backward: Graph

    def value(self, name: str) -> Value:
        """Return the value of this name, of either graph; of what is computed once also other forms of it."""
        if is_pattern(name):
            return Value(name, ("", ""), "constant")
        if is_repeated(name):
            return replace(self.value(base(name)), name=name, dims=("", ""))
        if name.endswith(TRANSPOSED):
            value = self.value(base(name))
            return replace(value, name=name, dims=value.dims[::-1])
        if self._is_count(name):
            return Value(name, (), "size") if name.startswith(SIZE) else Value(name, (dim_of(name),), "index")
        return (self.forward if self._is_forward(name) else self.backward).value(name)

    @staticmethod
    def _is_count(name: str) -> bool:
        """Whether this is the size of a dimension or its indices, which a derivation may name in either pass."""
        return name.startswith((SIZE, INDEX))

    def has_components(self, name: str) -> bool:
        """Whether a value is printed as a vector or matrix; one made of numbers per row alone is a number in print."""
        node = self.formula(name)
        if isinstance(node, Map):
            return any(self.has_components(read) for read in node.reads)
        return self.value(name).dims not in ((), (ROW,))

    def is_adjoint(self, name: str) -> bool:
        """Whether a value is one of the backward pass only."""
        return not self._is_forward(name)

    def index(self, name: str) -> int:
        """Return the position of a value in its graph: when it is computed."""
        if is_pattern(name):
            return len(self._positions)
        return -1 if self._is_count(name) else self._positions[base(name)]

    def formula(self, name: str) -> Computed | Once | TimeSum | None:
        """Return the node to write out in place of a name, or None where the name is printed."""
        if self._is_count(name):
            return None
        if self._is_forward(name):
            found = self.forward.producer(name) or self._once.get(name)
            return found if self.forward.value(name).anonymous else None
        if name in self._once:
            return self._once[name] if self.backward.value(name).anonymous else None
        node, of = self._sums.get(name) or self.backward.producer(name), self._of.get(name)
        if node is None or name in self._carried or (of is not None and not self.forward.value(of).anonymous):
            return None
        return node if self.backward.value(name).anonymous or self._is_short(node) else None

    def _is_short(self, node: Computed | TimeSum) -> bool:
        uses = sum(1 for _ in self.backward.consumers(node.out))
        factors = node.expression.args if isinstance(node, Map) and node.expression.is_Mul else ()
        copies = isinstance(node, Map) and isinstance(node.expression, sympy.Symbol)
        return uses < 2 or copies or isinstance(node, MatMul) or (
            len(factors) == 2 and all(isinstance(factor, sympy.Symbol) for factor in factors))

    def adjoint_of(self, name: str) -> str | None:
        """Return the forward value whose adjoint this backward value is."""
        return self._of.get(name)

    def latex(self, name: str) -> str | None:
        """Return the printed name; None where only a formula says what the value is."""
        if self._is_count(name):
            return name_of(dim_of(name)).latex() if name.startswith(SIZE) else self._index
        if self._is_forward(name):
            value = self.forward.value(name)
            return None if value.anonymous else self.names[name].latex(self.time(name))
        if name in self._carried:
            state, time = self._carried[name]
            return self.names[state].latex(time, bar=True, superscript="+")
        if name in self._seeds:
            return self.seed(self._seeds[name])
        of = self._of.get(name)
        if of is None or self.forward.value(of).anonymous:
            return None
        static = self.backward.value(name).role in ("sum", "total") or self.backward.is_whole(name)
        time = "" if static else self.time(of) or "t"
        return self.names[of].latex(time, bar=True)

    def seed(self, output: str) -> str:
        """Return the adjoint that comes in from the loss for an output."""
        return self.output(output).latex("t", bar=True)

    def output(self, output: str) -> Name:
        """Return the output's name: its own where the author gave one, else y, which stands for the state."""
        if self.backward.adjoints.get(output) == self.backward.adjoints[f"{output}.out"] and not output.endswith(NEXT):
            return self.names[output]
        taken = [name.latex("t") for name in self.names.values()]
        y = Name("y")
        return y if y.latex("t") not in taken else Name("y", (r"\mathrm{out}",))

    def time(self, name: str) -> str:
        """Return the time index of a forward value: "t-1" for the old states, none for what never changes."""
        if name in self._static:
            return ""
        return "t-1" if self.forward.value(name).role == "carry" else "t"

    def is_static(self, name: str) -> bool:
        """Whether a value is the same at all steps: made of parameters, constants and whole values only."""
        return is_pattern(name) or base(name) in self._static or self.value(name).role in ("sum", "total") \
            or self.backward.is_whole(name)

    # --- tables, made once ---------------------------------------------------------------------------------

    def _is_forward(self, name: str) -> bool:
        return name in self._forward_names

    @cached_property
    def _once(self) -> dict[str, Once]:
        """Nodes computed once per call, of both graphs."""
        return {node.out: node for node in (*self.backward.once, *self.forward.once)}

    @cached_property
    def _index(self) -> str:
        """The letter that counts the components of a vector: the first that no name of the cell begins with."""
        bases = {name.base for name in self.names.values()}
        return next(letter for letter in (*"jklmnpq", r"\ell") if letter not in bases)

    @cached_property
    def _forward_names(self) -> frozenset[str]:
        return frozenset(value.name for value in self.forward.values)

    @cached_property
    def _positions(self) -> dict[str, int]:
        forward = {value.name: index for index, value in enumerate(self.forward.values)}
        backward = {value.name: index for index, value in enumerate(self.backward.values)}
        return backward | forward

    @cached_property
    def _static(self) -> frozenset[str]:
        static = {value.name for value in self.forward.with_role(*GIVEN)}
        static |= {value.name for value in self.forward.values if value.whole}
        stepwise = {*self.forward.outputs, *(carry.next for carry in self.forward.carries)}
        for node in self.forward.nodes:
            if set(node.reads) <= static and node.out not in stepwise:
                static.add(node.out)
        return frozenset(static)

    @cached_property
    def names(self) -> dict[str, Name]:
        """The name of every forward value that has one; `h.next` prints as h does, at the time t."""
        own = [v.name for v in self.forward.values if not v.anonymous and not v.name.endswith(NEXT)]
        gates = {f"{letter}_{carry.next.replace('.', '_')}": f"{letter}_{carry.previous}"
                 for carry in self.forward.carries for letter in ("a", "mu", "s", "e")}
        written = [gates.get(name, name) for name in own]  # the pre-activation of h.next is a_h
        wanted = [gate if written.count(gate) == 1 else name for name, gate in zip(own, written, strict=True)]
        printed = names_of(wanted)
        names = {name: printed[wish] for name, wish in zip(own, wanted, strict=True)}
        return names | {carry.next: names[carry.previous] for carry in self.forward.carries}

    @cached_property
    def _sums(self) -> dict[str, TimeSum]:
        return {node.out: node for node in self.backward.time_sums}

    @cached_property
    def _carried(self) -> dict[str, tuple[str, str]]:
        pairs = zip(self.forward.carries, self.backward.carries, strict=True)
        return {name: (carry.previous, time) for carry, back in pairs
                for name, time in ((back.previous, "t"), (back.next, "t-1"))}

    @cached_property
    def _seeds(self) -> dict[str, str]:
        return {self.backward.adjoints[f"{name}.out"]: name for name in self.forward.outputs}

    @cached_property
    def _of(self) -> dict[str, str]:
        """The forward value that an adjoint is named after: of those that share it, the first with a name."""
        of: dict[str, str] = {}
        for name, adjoint in self.backward.adjoints.items():
            if not name.endswith(".out") and (adjoint not in of or self.forward.value(of[adjoint]).anonymous):
                of[adjoint] = of[adjoint] if adjoint in of and self.forward.value(name).anonymous else name
        return of
