"""Graph -> Plan: the step as a good user of a framework writes it.

What no carry feeds is computed for all steps at once, what no carry needs after the loop, and products that read
the same operand are one product with stacked matrices. Matrices that are computed once per call are computed in
front of all that, and applied one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from symcell.declare.functions import Elementwise
from symcell.graph.evaluate import evaluate
from symcell.graph.ir import Graph, Map, MatMul, Node, Once, Reduce
from symcell.graph.names import base, is_pattern, is_repeated, pattern, seen
from symcell.graph.once import diagonal_blocks

Array = Any
Functions = Callable[[type[Elementwise]], Callable[..., Any]]


@dataclass(frozen=True)
class Plan:
    """The nodes before, in and after the loop; `groups`: key -> the products that are computed as one."""

    graph: Graph
    sizes: Mapping[str, int]
    before: tuple[Node, ...]
    loop: tuple[Node, ...]
    after: tuple[Node, ...]
    groups: Mapping[str, tuple[MatMul, ...]]
    fed: tuple[str, ...]  # per-step values that the loop reads from outside
    emitted: tuple[str, ...]  # per-step values of the loop that are read after it

    def flops(self, rows: int) -> float:
        """Return the operations of all products of a forward pass over `rows` = T*B rows, zeros of blocks left out."""
        matrices = [node.matrix for group in self.groups.values() for node in group
                    if not self.graph.is_whole(node.out)]
        sizes = [prod(self.sizes[dim] for dim in self.graph.value(name).dims) for name in matrices]
        return sum(2.0 * rows * size / diagonal_blocks(self.graph, name)
                   for name, size in zip(matrices, sizes, strict=True))

    def split(self, key: str, whole: Array) -> Iterator[tuple[MatMul, Array]]:
        """Yield each product of a group with its columns of the whole."""
        start = 0
        for node in self.groups[key]:
            end = start + self.sizes[self.graph.value(node.out).dims[0]]
            yield node, whole[..., start:end]
            start = end


def plan(graph: Graph, sizes: Mapping[str, int]) -> Plan:
    """Place the nodes of a forward graph and group its products."""
    carries = {carry.previous for carry in graph.carries}
    bound, needed = set(carries), {carry.next for carry in graph.carries}
    for node in graph.nodes:
        if bound.intersection(node.reads):
            bound.add(node.out)
    for node in reversed(graph.nodes):
        if node.out in needed:
            needed.update(node.reads)
    before = tuple(node for node in graph.nodes if node.out not in bound)
    loop = tuple(node for node in graph.nodes if node.out in bound and node.out in needed)
    after = tuple(node for node in graph.nodes if node.out in bound and node.out not in needed)
    inside = carries | {node.out for node in loop}
    late = {name for node in after for name in node.reads} | set(graph.outputs)
    changing = {value.name for value in graph.with_role("input") if not value.whole}
    for node in before:  # what is made of parameters alone has no axis of steps
        if changing.intersection(node.reads):
            changing.add(node.out)
    read = {name for node in loop for name in node.reads} | {carry.next for carry in graph.carries}
    groups = {f"{where}: {operand}": tuple(found)
              for where, nodes in (("before", before), ("loop", loop), ("after", after))
              for operand, found in _sharing(graph, nodes).items()}
    return Plan(graph, sizes, before, loop, after, groups, tuple(sorted(read & changing)), tuple(sorted(late & inside)))


def _sharing(graph: Graph, nodes: Iterable[Node]) -> dict[str, list[MatMul]]:
    found: dict[str, list[MatMul]] = {}
    for node in nodes:
        if isinstance(node, MatMul) and graph.value(node.matrix).role == "derived":
            found[f"{node.operand} of {node.out}"] = [node]
        elif isinstance(node, MatMul):
            found.setdefault(node.operand, []).append(node)
    return found


def stack(plan: Plan, params: Mapping[str, Array]) -> dict[str, Array]:
    """Return each group's matrix, (columns, rows of all), and the parameters that are no matrices."""
    matrices = {node.matrix for group in plan.groups.values() for node in group}
    kept = {name for node in plan.graph.once for name in node.reads}
    stacked = {name: array for name, array in params.items() if name not in matrices or name in kept}
    for key, group in plan.groups.items():
        if group[0].matrix not in params:
            continue
        parts = [params[node.matrix] if node.transposed else params[node.matrix].T for node in group]
        stacked[key] = np.ascontiguousarray(np.concatenate(parts, axis=1))
    return stacked


def unstack(plan: Plan, gradients: Mapping[str, Array]) -> dict[str, Array]:
    """Return the gradient of each parameter from those of what `stack` made; uses of one matrix add up."""
    single = {name: np.asarray(array) for name, array in gradients.items() if name not in plan.groups}
    for key in plan.groups.keys() & gradients.keys():
        for node, part in plan.split(key, np.asarray(gradients[key])):
            mine = part if node.transposed else part.T
            single[node.matrix] = single[node.matrix] + mine if node.matrix in single else mine
    return single


def compute(plan: Plan, nodes: Iterable[Node], env: dict[str, Array], weights: Mapping[str, Array], where: str,
            functions: Functions) -> dict[str, Array]:
    """Compute the nodes on arrays (..., dim) of any framework, adding them to env."""
    for node in nodes:
        if node.out in env:
            continue
        if isinstance(node, Once):
            env[node.out] = _over(node, evaluate(node.expression, _whole(plan, node, env), functions))
        elif isinstance(node, Map):
            env[node.out] = evaluate(node.expression, env, functions)
        elif isinstance(node, Reduce):
            env[node.out] = _reduced(node.kind, env[node.operand])
        elif isinstance(node, MatMul) and plan.graph.value(node.matrix).role == "derived":
            env[node.out] = env[node.operand] @ (env[node.matrix] if node.transposed else env[node.matrix].T)
        elif isinstance(node, MatMul):
            key = f"{where}: {node.operand}"
            env |= {product.out: part for product, part in plan.split(key, env[node.operand] @ weights[key])}
    return env


def _whole(plan: Plan, node: Once, env: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of an expression that is computed once, by the names of its symbols."""
    symbols = {found.name for found in node.expression.free_symbols}
    names = sorted(name for name in symbols if not is_pattern(name))
    values = {name: seen(name, env[base(name)]) for name in names}
    like = next((value for name, value in values.items() if getattr(value, "ndim", 0) == 2 and not is_repeated(name)),
                None)
    for name in symbols - values.keys():
        assert like is not None, node
        made = pattern(name, *like.shape)
        values[name] = like.new_tensor(made) if hasattr(like, "new_tensor") else made.astype(like.dtype)
    return values


def _over(node: Once, array: Array) -> Array:
    """Reduce the entries that a node reduces."""
    if not node.over:
        return array
    lines = array.T if node.over == "columns" else array.reshape(-1) if node.over == "all" else array
    return _reduced(node.kind, lines)[..., 0]


def _reduced(kind: str, array: Array) -> Array:
    """Reduce (..., dim) to (..., 1), in PyTorch or JAX."""
    if kind in ("sum", "mean"):
        return getattr(array, kind)(-1)[..., None]
    largest = array.max(-1)
    return getattr(largest, "values", largest)[..., None]  # PyTorch returns the indices too
