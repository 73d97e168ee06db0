"""The graph: few kinds of node, closed under their own adjoints, frozen, and printed as text.

A graph describes one time step. Its values are vectors (one row per member of the batch), scalars or matrices;
a value's name is the author's where the author gave one. `reverse` says in which order the steps run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import sympy

from symcell.declare.symbols import ROW

Role = Literal[
    "input",  # comes from outside at each step
    "saved",  # of another graph's step, which this graph reads: the forward values in a backward graph
    "param",  # one array for the whole sequence
    "constant",  # one number for the whole sequence
    "size",  # how many components the vectors of a dimension have, a number
    "index",  # a vector that holds 0, 1, 2, ...
    "carry",  # the value that the step before handed over
    "local",  # computed at each step by a node
    "sum",  # accumulated over the batch and over time: a parameter's gradient
]


@dataclass(frozen=True)
class Value:
    """A quantity: dims () of a scalar, ("H",) of a vector, ("H", "I") of a matrix, (ROW,) of a number per row.

    A scalar is the same at all steps and in all rows; a number per row is what a reduction leaves of a vector.

    An anonymous value has a made-up name; printers show the expression that it stands for.
    """

    name: str
    dims: tuple[str, ...]
    role: Role
    anonymous: bool = False

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

    @property
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


Computed = MatMul | Map | Reduce  # a value of each step
Node = Computed | Outer | BatchSum


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {value.name: value for value in self.values})
        producers = {node.out: node for node in self.nodes if isinstance(node, Computed)}
        object.__setattr__(self, "_producers", producers)

    def value(self, name: str) -> Value:
        """Return the value of this name."""
        found: Value = self._by_name[name]  # type: ignore[attr-defined]
        return found

    def producer(self, name: str) -> Computed | None:
        """Return the node that computes a value at each step, if one does."""
        return self._producers.get(name)  # type: ignore[attr-defined]

    def with_role(self, *roles: Role) -> tuple[Value, ...]:
        """Return the values of these roles, in order."""
        return tuple(value for value in self.values if value.role in roles)

    def consumers(self, name: str) -> Iterator[Node]:
        """Yield the nodes that read a value."""
        return (node for node in self.nodes if name in node.reads)

    def __str__(self) -> str:
        order = "T-1 .. 0" if self.reverse else "0 .. T-1"
        lines = [f"graph {self.name}, steps {order}"]
        for value in self.values:
            if value.role != "local":
                lines.append(f"  {value.role:<8} {value.name} ({', '.join(value.dims)})")
        lines += [f"  carry    {carry.next} -> {carry.previous}" for carry in self.carries]
        shapes = {value.name: f"({', '.join(value.dims)})" for value in self.values}
        lines += [f"  {node!s:<58} {shapes[node.out]}" for node in self.nodes]
        return "\n".join([*lines, f"  return   {', '.join(self.outputs)}"])


def symbol(name: str) -> sympy.Symbol:
    """Return the symbol that stands for a value in the expression of a Map."""
    return sympy.Symbol(name, real=True)
