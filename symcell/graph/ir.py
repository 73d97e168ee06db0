"""The graph: few kinds of node, closed under their own adjoints, frozen, and printed as text.

A graph describes one time step. Its values are vectors (one row per member of the batch), scalars or matrices;
a value's name is the author's where the author gave one. `reverse` says in which order the steps run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import sympy

from symcell.declare.symbols import ROW
from symcell.graph.names import ACROSS, DOWN, EYE, base, is_pattern, is_repeated, mirror, symbol

Role = Literal[
    "input",  # comes from outside at each step
    "saved",  # of another graph's step, which this graph reads: the forward values in a backward graph
    "param",  # one array for the whole sequence
    "constant",  # likewise, but nothing is differentiated by it
    "size",  # how many components the vectors of a dimension have, a number
    "index",  # a vector that holds 0, 1, 2, ...
    "carry",  # the value that the step before handed over
    "local",  # computed at each step by a node
    "derived",  # computed from parameters and constants once per call, before the first step
    "sum",  # accumulated over the batch and over time: a parameter's gradient
    "total",  # computed once per call from sums, after the last step
]
PASSED: tuple[Role, ...] = ("param", "constant", "derived")  # arrays for the whole call
GIVEN: tuple[Role, ...] = (*PASSED, "size", "index")  # known before the first step, and the same in all rows


@dataclass(frozen=True)
class Value:
    """A quantity: dims () of a scalar, ("H",) of a vector, ("H", "I") of a matrix, (ROW,) of a number per row.

    A scalar is the same at all steps and in all rows; a number per row is what a reduction leaves of a vector.

    An anonymous value has a made-up name; printers show the expression that it stands for. A whole value has one row
    per member of the batch for the whole sequence, not one for each step.
    """

    name: str
    dims: tuple[str, ...]
    role: Role
    anonymous: bool = False
    whole: bool = False

    @property
    def is_vector(self) -> bool:
        """Whether it has components: it is neither a number nor a matrix."""
        return len(self.dims) == 1 and self.dims != (ROW,)


@dataclass(frozen=True)
class MatMul:
    """out = matrix @ operand, or its transpose @ operand."""

    out: str
    matrix: str
    transposed: bool
    operand: str

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the values it uses."""
        return (self.matrix, self.operand)

    def __str__(self) -> str:
        return f"{self.out} = {self.matrix}{'.T' if self.transposed else ''} @ {self.operand}"


@dataclass(frozen=True)
class Map:
    """out = expression, for each component; the expression's symbols are names of values."""

    out: str
    expression: sympy.Expr

    @cached_property  # passes ask each node for them again and again
    def reads(self) -> tuple[str, ...]:
        """Names of the values it uses."""
        return tuple(sorted(symbol.name for symbol in self.expression.free_symbols))

    def __str__(self) -> str:
        return f"{self.out} = {self.expression}"


@dataclass(frozen=True)
class Reduce:
    """out = one number per row, made of the components of a vector; `kind` is a row of reductions.KINDS."""

    out: str
    kind: str
    operand: str

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the values it uses."""
        return (self.operand,)

    def __str__(self) -> str:
        return f"{self.out} = {self.kind}({self.operand})"


@dataclass(frozen=True)
class Outer:
    """out += left right^T, summed over the batch and over time; out has the role "sum"."""

    out: str
    left: str
    right: str

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the values it uses."""
        return (self.left, self.right)

    def __str__(self) -> str:
        return f"{self.out} += {self.left} {self.right}^T"


@dataclass(frozen=True)
class BatchSum:
    """out += operand, summed over the batch, over time and, where out is a scalar, over the components."""

    out: str
    operand: str

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the values it uses."""
        return (self.operand,)

    def __str__(self) -> str:
        return f"{self.out} += {self.operand}"


@dataclass(frozen=True)
class TimeSum:
    """out += operand, summed over time for each member of the batch; out is whole."""

    out: str
    operand: str

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the values it uses."""
        return (self.operand,)

    def __str__(self) -> str:
        return f"{self.out} += {self.operand}, over time"


@dataclass(frozen=True)
class Once:
    """out = expression, once per call, for each entry of a matrix, a vector or a scalar (graph/once.py).

    over: out is a reduction of entries of the expression: of "all" of them, a scalar; of those in each of its
    "columns", or of its "rows", a vector. kind: the row of reductions.KINDS that it is.
    """

    out: str
    expression: sympy.Expr
    over: str = ""
    kind: str = "sum"

    @cached_property  # passes ask each node for them again and again
    def reads(self) -> tuple[str, ...]:
        """Names of the values it uses."""
        return tuple(sorted({base(found.name) for found in self.expression.free_symbols if not is_pattern(found.name)}))

    @property
    def product(self) -> tuple[str, str] | None:
        """The matrix, or its transpose, and the vector whose product the sums are, if they are one."""
        repeated = {"rows": ACROSS, "columns": DOWN}.get(self.over, "")
        names = [factor.name for factor in self.expression.args if isinstance(factor, sympy.Symbol)]
        if not (repeated and self.kind == "sum" and self.expression.is_Mul and len(names) == 2 == len(
                self.expression.args)):
            return None
        vectors = [name for name in names if name.endswith(repeated)]
        matrices = [name for name in names if not is_repeated(name) and not is_pattern(name)]
        if len(vectors) != 1 or len(matrices) != 1:
            return None
        return matrices[0] if self.over == "rows" else mirror(matrices[0]), base(vectors[0])

    def __str__(self) -> str:
        if self.product:
            return f"{self.out} = {' @ '.join(self.product)}"
        text = str(self.expression).replace(EYE, "I")
        what = self.kind + ("" if self.over == "all" else f" over {self.over}")
        return f"{self.out} = {what}({text})" if self.over else f"{self.out} = {text}"


Computed = MatMul | Map | Reduce  # a value of each step, or of the whole sequence
Node = Computed | Outer | BatchSum | TimeSum | Once


@dataclass(frozen=True)
class Carry:
    """What a step hands to the next one: `next` of this step is `previous` of the one after it."""

    previous: str
    next: str


@dataclass(frozen=True)
class Graph:
    """One step of a recurrence. `adjoints` maps a forward name to its adjoint's (backward graphs only)."""

    name: str
    values: tuple[Value, ...]
    nodes: tuple[Node, ...]
    carries: tuple[Carry, ...]
    outputs: tuple[str, ...]
    reverse: bool = False
    adjoints: Mapping[str, str] = field(default_factory=dict)
    late: frozenset[str] = field(init=False, repr=False, compare=False)
    once: tuple[Once, ...] = field(init=False, repr=False, compare=False)  # those of the nodes

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {value.name: value for value in self.values})
        producers = {node.out: node for node in self.nodes if isinstance(node, Computed)}
        object.__setattr__(self, "_producers", producers)
        consumers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.reads):
                consumers.setdefault(name, []).append(node)
        object.__setattr__(self, "_consumers", consumers)
        late: set[str] = set()  # what is known after the last step only
        for node in self.nodes:
            if isinstance(node, TimeSum) or (self.is_whole(node.out) and late.intersection(node.reads)):
                late.add(node.out)
        object.__setattr__(self, "late", frozenset(late))
        object.__setattr__(self, "once", tuple(node for node in self.nodes if isinstance(node, Once)))

    def value(self, name: str) -> Value:
        """Return the value of this name."""
        found: Value = self._by_name[name]  # type: ignore[attr-defined]
        return found

    def is_whole(self, name: str) -> bool:
        """Whether a value is one for the whole sequence."""
        return name in self._by_name and self.value(name).whole  # type: ignore[attr-defined]

    def is_of_sequence(self, node: Node) -> bool:
        """Whether a node is one for the whole sequence; a sum over the batch is, where that is all it sums over."""
        return all(map(self.is_whole, node.reads if isinstance(node, (Outer, BatchSum)) else [node.out]))

    @property
    def time_sums(self) -> tuple[TimeSum, ...]:
        """The sums over time, in order."""
        return tuple(node for node in self.nodes if isinstance(node, TimeSum))

    def producer(self, name: str) -> Computed | None:
        """Return the node that computes a value at each step, if one does."""
        return self._producers.get(name)  # type: ignore[attr-defined]

    def with_role(self, *roles: Role) -> tuple[Value, ...]:
        """Return the values of these roles, in order."""
        return tuple(value for value in self.values if value.role in roles)

    def consumers(self, name: str) -> Iterator[Node]:
        """Yield the nodes that read a value."""
        return iter(self._consumers.get(name, ()))  # type: ignore[attr-defined]

    def __str__(self) -> str:
        order = "T-1 .. 0" if self.reverse else "0 .. T-1"
        lines = [f"graph {self.name}, steps {order}"]
        for value in self.values:
            if value.role not in ("local", "derived", "total"):
                whole = ", for the whole sequence" if value.whole else ""
                lines.append(f"  {value.role:<8} {value.name} ({', '.join(value.dims)}){whole}")
        lines += [f"  carry    {carry.next} -> {carry.previous}" for carry in self.carries]
        shapes = {v.name: f"({', '.join(v.dims)}){' whole' if v.whole else ''}" for v in self.values}
        for node in self.nodes:
            when = self.value(node.out).role
            once = {"derived": "before  ", "total": "after   "}.get(when, "")
            lines.append(f"  {once}{node!s:<{58 - len(once)}} {shapes[node.out]}")
        return "\n".join([*lines, f"  return   {', '.join(self.outputs)}"])


__all__ = ["GIVEN", "PASSED", "BatchSum", "Carry", "Computed", "Graph", "Map", "MatMul", "Node", "Once", "Outer",
           "Reduce", "Role", "TimeSum", "Value", "symbol"]
