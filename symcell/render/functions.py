"""The C functions that a kernel brings with it: those that its author registered."""

from __future__ import annotations

import re
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
    # Only {0} and the like are places: other braces are C.
    body = re.sub(r"\{(\d)\}", r"a\1", row.body)
    arguments = ", ".join(f"const vec a{index}" for index in range(len(row.partials)))
    return FunctionView(row.name, row.c, arguments, body)
