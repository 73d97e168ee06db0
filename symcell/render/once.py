"""What a generated module computes once per call, as lines of Python: before the first step, and after the last.

In float64 whatever the kernel's dtype: it costs little beside the steps, and is then rounded once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sympy

from symcell.graph.ir import BatchSum, Graph, Once, Outer
from symcell.graph.names import EYE, TRANSPOSED, base, is_pattern, is_repeated
from symcell.render.identifiers import Identifiers
from symcell.render.numpy_expression import numpy_expression


@dataclass(frozen=True)
class OnceView:
    """One function of a module: the lines of its docstring and of its body."""

    comment: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def numeric(self) -> bool:
        """Whether it calls a function that NumPy has not."""
        return any("numeric." in line for line in self.lines)

    @property
    def blocks(self) -> bool:
        """Whether it holds a block-diagonal matrix."""
        return any("blocks(" in line for line in self.lines)


def before(graph: Graph, names: Identifiers) -> OnceView | None:
    """Return the function that computes the derived values of a forward graph from parameters and constants."""
    nodes = [node for node in graph.once if graph.value(node.out).role == "derived"]
    if not nodes:
        return None
    made = [node.out for node in nodes]
    lines = [_read(names, name, f'params["{name}"]') for name in _needed(nodes, made)]
    lines += [_assign(graph, node, names) for node in nodes]
    entries = [f'    "{name}": np.array({_variable(names, name)}, dtype, order="C"),' for name in made]
    return OnceView(_comment(graph, nodes), (*lines, "return {", *entries, "}"))


def after(graph: Graph, names: Identifiers) -> OnceView | None:
    """Return the function that carries the gradients of derived values on to the parameters.

    graph: the backward graph. `found` holds the sums under their names in the graph, where they are no gradient yet.
    """
    nodes = [node for node in graph.once if graph.value(node.out).role == "total"]
    if not nodes:
        return None
    made = [node.out for node in nodes]
    summed = {node.out for node in graph.nodes if isinstance(node, (Outer, BatchSum))}
    lines = []
    for name in _needed(nodes, made):
        if graph.value(name).role != "sum":
            lines.append(_read(names, name, f'params["{name}"]'))
        elif name in summed:
            lines.append(_read(names, name, f'found.pop("{name}")'))
        else:  # nothing contributes to it
            lines.append(f"{_variable(names, name)} = np.float64(0)")
    lines += [_assign(graph, node, names) for node in nodes]
    for value in graph.with_role("param"):
        out = graph.adjoints.get(value.name)
        if out in made:
            lines.append(f'found["{value.name}"] = np.array({_variable(names, out)}, dtype, order="C")')
    return OnceView(_comment(graph, nodes), tuple(lines))


def _needed(nodes: list[Once], made: list[str]) -> list[str]:
    return [name for name in dict.fromkeys(name for node in nodes for name in node.reads) if name not in made]


def _variable(names: Identifiers, name: str) -> str:
    return f"v_{names(name)}"


def _read(names: Identifiers, name: str, text: str) -> str:
    return f"{_variable(names, name)} = {text}.astype(np.float64)"


def _assign(graph: Graph, node: Once, names: Identifiers) -> str:
    arrays = sorted(found.name for found in node.expression.free_symbols if not is_pattern(found.name))
    matrices = [name for name in arrays if len(graph.value(base(name)).dims) == 2]
    # Vectors that are repeated broadcast beside a matrix only.
    assert matrices or not any(map(is_repeated, arrays)), node
    turned = ".T" if matrices and matrices[0].endswith(TRANSPOSED) else ""
    shape = f"{_variable(names, base(matrices[0]))}{turned}.shape" if matrices else ""
    text = numpy_expression(node.expression, lambda name: _variable(names, name), shape)
    if node.over:
        axis = "" if node.over == "all" else f", axis={0 if node.over == 'columns' else 1}"
        text = f"np.{'max' if node.largest else 'sum'}({text}{axis})"
    return f"{_variable(names, node.out)} = {text}"


def _comment(graph: Graph, nodes: list[Once]) -> tuple[str, ...]:
    lines = []
    for node in nodes:
        dims = graph.value(node.out).dims
        text = _written(node.expression)
        entries = "all entries" if node.over == "all" else f"the entries of each of the {node.over}"
        what = f"the {'maximum' if node.largest else 'sum'} over {entries} of {text}" if node.over else text
        lines.append(f"{node.out} ({', '.join(dims)}) = {what}")
    return tuple(lines)


def _written(expression: sympy.Basic) -> str:
    """Return an expression as a comment has it: U^T a transpose, 1 v^T a matrix whose rows are all v."""
    text = re.sub(r"([\w.]+)\.across", r"(1 \1^T)", re.sub(r"([\w.]+)\.down", r"(\1 1^T)", str(expression)))
    return text.replace(EYE, "I").replace(TRANSPOSED, "^T")

