"""Run any graph over a sequence with NumPy: slow, plain, and the oracle of everything compiled.

Arrays are float64, complex128 (complex-step differences) or of SymPy expressions (the symbolic proof): only
+, *, dot and the functions of the table are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symcell.declare.symbols import ROW
from symcell.graph.evaluate import Functions, evaluate, number, numpy_function
from symcell.graph.ir import BatchSum, Graph, Map, MatMul, Outer, Reduce
from symcell.graph.reductions import counts, reduced

Array = Any


@dataclass(frozen=True)
class Trace:
    """What a run of a graph computed.

    steps: every per-step value, (T, B, dim), in original time order; of a number per row, (T, B, 1). carries: the
    value of each carry after the last executed step, under the name of its `previous`, (B, dim). sums: the
    accumulated values.
    """

    steps: Mapping[str, Array]
    carries: Mapping[str, Array]
    sums: Mapping[str, Array]


def interpret(graph: Graph, T: int, steps: Mapping[str, Array], params: Mapping[str, Array],
              carries: Mapping[str, Array], sizes: Mapping[str, int],
              functions: Functions = numpy_function, constant: Any = number) -> Trace:
    """Run the graph.

    Args:
        steps: inputs and saved values, (T, B, dim).
        params: parameters and constants.
        carries: initial value of each carry's `previous`, (B, dim).
        sizes: of each dimension, and "B".
    """
    B, sizes, params = sizes["B"], {**sizes, ROW: 1}, {**params, **counts(graph, sizes, constant)}
    state = {carry.previous: np.asarray(carries[carry.previous]) for carry in graph.carries}
    dtype = np.result_type(*steps.values(), *params.values(), *state.values(), np.float64)
    history = {
        value.name: np.zeros((T, B, *(sizes[d] for d in value.dims)), dtype)
        for value in graph.values if value.role in ("local", "carry")
    }
    for t in range(T)[:: -1 if graph.reverse else 1]:
        env = {**params, **{name: array[t] for name, array in steps.items()}, **state}
        for node in graph.nodes:
            if isinstance(node, MatMul):
                matrix = env[node.matrix]
                env[node.out] = np.dot(env[node.operand], matrix if node.transposed else matrix.T)
            elif isinstance(node, Map):
                shape = history[node.out].shape[1:]
                env[node.out] = _rows(evaluate(node.expression, _columns(env, graph, node), functions, constant), shape)
            elif isinstance(node, Reduce):
                env[node.out] = reduced(node.kind, env[node.operand], constant)
            else:
                continue
        for name in history:
            history[name][t] = env[name]
        state = {carry.previous: env[carry.next] for carry in graph.carries}
    known = {**params, **steps, **history}
    sums = {value.name: np.zeros(tuple(sizes[d] for d in value.dims), dtype) for value in graph.with_role("sum")}
    for node in graph.nodes:
        if isinstance(node, (Outer, BatchSum)):
            sums[node.out] = np.asarray(sums[node.out] + _accumulated(node, known, sums[node.out].shape, T, B))
    return Trace({**history, **steps}, state, sums)


def _columns(env: Mapping[str, Array], graph: Graph, node: Map) -> dict[str, Array]:
    """Give scalars of a row the shape (B, 1), so that they meet vectors (B, dim)."""
    is_vector = bool(graph.value(node.out).dims)
    return {
        name: np.asarray(env[name])[..., None] if is_vector and np.ndim(env[name]) == 1 and not graph.value(name).dims
        else env[name]
        for name in node.reads
    }


def _rows(result: Array, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(np.asarray(result), shape)


def _accumulated(node: Outer | BatchSum, known: Mapping[str, Array], shape: tuple[int, ...], T: int, B: int) -> Array:
    def rows(name: str) -> Array:
        array = np.asarray(known[name])
        if array.ndim < 2:  # a parameter is the same in every row
            array = np.broadcast_to(array, (T, B, *array.shape))
        return array.reshape(T * B, array.shape[-1])

    if isinstance(node, Outer):
        return np.dot(rows(node.left).T, rows(node.right))
    summed = rows(node.operand)
    return summed.sum() if shape == () else summed.sum(axis=0).reshape(shape)


