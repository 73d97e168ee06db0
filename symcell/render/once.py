"""What a generated module computes once per call, as lines of Python: before the first step, and after the last.

In float64 whatever the kernel's dtype: it costs little beside the steps, and is then rounded once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sympy

from symcell.graph.ir import BatchSum, Graph, Once, Outer
from symcell.graph.names import ACROSS, DOWN, EYE, TRANSPOSED, base, dim_of, is_pattern, is_repeated
from symcell.render.identifiers import Identifiers
from symcell.render.numpy_expression import numpy_expression

# The kinds of reductions, in NumPy and in words.
_NUMPY = {"sum": "sum", "mean": "mean", "max": "max", "shift": "max", "argmax": "argmax"}
_WORDS = {"sum": "sum", "mean": "mean", "max": "maximum", "shift": "maximum", "argmax": "index of the maximum"}


@dataclass(frozen=True)
class OnceView:
    """One function of a module: the lines of its docstring and of its body."""

    comment: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def numeric(self) -> bool:
        """Whether it calls a function that NumPy has not."""
        return any("numeric." in line for line in self.lines)


def before(graph: Graph, names: Identifiers) -> OnceView | None:
    """Return the function that computes the derived values of a forward graph from parameters and constants."""
    nodes = [node for node in graph.once if graph.value(node.out).role == "derived"]
    if not nodes:
        return None
    made = [node.out for node in nodes]
    lines = [_read(graph, names, name) for name in _needed(nodes, made)]
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
            lines.append(_read(graph, names, name))
        elif name in summed:
            lines.append(_converted(names, name, f'found.pop("{name}")'))
        else:  # nothing contributes to it
            lines.append(f"{_variable(names, name)} = np.zeros({_shape(graph, name)})")
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


def _read(graph: Graph, names: Identifiers, name: str) -> str:
    role = graph.value(name).role
    if role in ("size", "index"):
        length = _length(graph, dim_of(name))
        return f"{_variable(names, name)} = {length if role == 'size' else f'np.arange({length})'}"
    return _converted(names, name, f'params["{name}"]')


def _converted(names: Identifiers, name: str, text: str) -> str:
    return f"{_variable(names, name)} = {text}.astype(np.float64)"


def _length(graph: Graph, dim: str) -> str:
    """Return the size of a dimension, as the parameters of that dimension say it."""
    return next(f'params["{value.name}"].shape[{value.dims.index(dim)}]'
                for value in graph.with_role("param", "constant") if dim in value.dims)


def _shape(graph: Graph, name: str) -> str:
    return f"({', '.join(_length(graph, dim) for dim in graph.value(name).dims)},)"


def _assign(graph: Graph, node: Once, names: Identifiers) -> str:
    return f"{_variable(names, node.out)} = {_reduced(graph, node, names) if node.over else _all(graph, node, names)}"


def _reduced(graph: Graph, node: Once, names: Identifiers) -> str:
    if node.product:
        matrix, vector = node.product
        turned = ".T" if matrix.endswith(TRANSPOSED) else ""
        return f"{_variable(names, base(matrix))}{turned} @ {_variable(names, vector)}"
    axis = "" if node.over == "all" else f", axis={0 if node.over == 'columns' else 1}"
    return f"np.{_NUMPY[node.kind]}({_text(graph, node, names)}{axis})"


def _all(graph: Graph, node: Once, names: Identifiers) -> str:
    """Return the expression, with all entries of the result even where it holds a single number."""
    text, out = _text(graph, node, names), graph.value(node.out).dims
    found = {found.name for found in node.expression.free_symbols if not is_pattern(found.name)}
    whole = any(not is_repeated(name) and len(graph.value(base(name)).dims) == len(out) for name in found)
    outer = {ACROSS, DOWN} <= {name[len(base(name)):] for name in found}
    return text if whole or outer else f"np.broadcast_to({text}, {_shape(graph, node.out)})"


def _text(graph: Graph, node: Once, names: Identifiers) -> str:
    arrays = sorted(found.name for found in node.expression.free_symbols if not is_pattern(found.name))
    matrices = [name for name in arrays if len(graph.value(base(name)).dims) == 2]
    turned = ".T" if matrices and matrices[0].endswith(TRANSPOSED) else ""
    shape = f"{_variable(names, base(matrices[0]))}{turned}.shape" if matrices else ""
    return numpy_expression(node.expression, lambda name: _variable(names, name), shape)


def _comment(graph: Graph, nodes: list[Once]) -> tuple[str, ...]:
    lines = []
    for node in nodes:
        dims = graph.value(node.out).dims
        text = _written(node.expression)
        entries = "all entries" if node.over == "all" else f"the entries of each of the {node.over}"
        what = f"the {_WORDS[node.kind]} over {entries} of {text}" if node.over else text
        if node.product:
            what = " ".join(node.product).replace(TRANSPOSED, "^T")
        lines.append(f"{node.out} ({', '.join(dims)}) = {what}")
    return tuple(lines)


def _written(expression: sympy.Basic) -> str:
    """Return an expression as a comment has it: U^T a transpose, 1 v^T a matrix whose rows are all v."""
    text = re.sub(r"([\w.]+)\.across", r"(1 \1^T)", re.sub(r"([\w.]+)\.down", r"(\1 1^T)", str(expression)))
    return text.replace(EYE, "I").replace(TRANSPOSED, "^T")

