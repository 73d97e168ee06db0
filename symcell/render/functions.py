"""The C functions that a kernel brings with it: those that its author registered."""

from __future__ import annotations

from dataclasses import dataclass

from symcell.declare.functions import Elementwise, Function
from symcell.graph.ir import Graph


@dataclass(frozen=True)
class FunctionView:
    """What the template needs of one function: its C name, `const vec a0, ...`, and the expression that it returns."""

    name: str
    name_in_c: str
    arguments: str
    body: str


def registered(*graphs: Graph) -> list[FunctionView]:
    """Return the registered functions that some graphs call, by name."""
    formulas = [node.expression for graph in graphs for node in graph.nodes if hasattr(node, "expression")]
    rows = {call.row.name: call.row for formula in formulas for call in formula.atoms(Elementwise) if call.row.body}
    return [_view(row) for _, row in sorted(rows.items())]


def _view(row: Function) -> FunctionView:
    names = [f"a{index}" for index in range(len(row.partials))]
    # An expression has places such as {0} and no other braces: register_function refuses them.
    body = row.body.format(*names)
    return FunctionView(row.name, row.c, ", ".join(f"const vec {name}" for name in names), body)
