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
from symcell.graph.ir import BatchSum, Computed, Graph, Map, MatMul, Outer, Reduce
from symcell.graph.once import run as run_once
from symcell.graph.reductions import counts, reduced

Array = Any


@dataclass(frozen=True)
class Trace:
    """What a run of a graph computed.

    steps: every per-step value, (T, B, dim), in original time order, of a number per row (T, B, 1); whole values
    (B, dim). carries: the value of each carry after the last executed step, under the name of its `previous`, (B, dim).
    sums: the accumulated values, and what was computed of them once per call, after the last step. derived: what was
    so computed before the first.
    """

    steps: Mapping[str, Array]
    carries: Mapping[str, Array]
    sums: Mapping[str, Array]
    derived: Mapping[str, Array]


def interpret(graph: Graph, T: int, steps: Mapping[str, Array], params: Mapping[str, Array],
              carries: Mapping[str, Array], sizes: Mapping[str, int],
              functions: Functions = numpy_function, constant: Any = number) -> Trace:
    """Run the graph.

    Args:
        steps: inputs and saved values, (T, B, dim); whole ones (B, dim).
        params: parameters and constants.
        carries: initial value of each carry's `previous`, (B, dim).
        sizes: of each dimension, and "B".
    """
    B, sizes, params = sizes["B"], {**sizes, ROW: 1}, {**params, **counts(graph, sizes, constant)}
    state = {carry.previous: np.asarray(carries[carry.previous]) for carry in graph.carries}
    dtype = np.result_type(*steps.values(), *params.values(), *state.values(), np.float64)
    history = {
        value.name: np.zeros((T, B, *(sizes[d] for d in value.dims)), dtype)
        for value in graph.values if value.role in ("local", "carry") and not value.whole
    }
    derived = run_once(graph, False, params, sizes, functions, constant)
    params = {**params, **derived}
    computed = [node for node in graph.nodes if isinstance(node, Computed)]

    def compute(env: dict[str, Array], node: Computed) -> None:
        if isinstance(node, MatMul):
            matrix = env[node.matrix]
            env[node.out] = np.dot(env[node.operand], matrix if node.transposed else matrix.T)
        elif isinstance(node, Reduce):
            env[node.out] = reduced(node.kind, env[node.operand], constant)
        else:
            dims = graph.value(node.out).dims
            shape = (B, *(sizes[d] for d in dims))
            env[node.out] = _rows(evaluate(node.expression, _columns(env, graph, node), functions, constant), shape)

    whole = {**params, **{name: array for name, array in steps.items() if graph.is_whole(name)}}
    for node in computed:
        scalar = not graph.value(node.out).dims and whole.keys() >= set(node.reads)  # made of parameters only
        if scalar or (graph.is_whole(node.out) and node.out not in graph.late):
            compute(whole, node)
    each_step = [node for node in computed if not graph.is_whole(node.out)]
    for t in range(T)[:: -1 if graph.reverse else 1]:
        env = {**{name: array[t] for name, array in steps.items() if name not in whole}, **whole, **state}
        for node in each_step:
            compute(env, node)
        for name in history:
            history[name][t] = env[name]
        state = {carry.previous: env[carry.next] for carry in graph.carries}
    whole |= {node.out: history[node.operand].sum(axis=0) for node in graph.time_sums}
    for node in computed:
        if node.out in graph.late:
            compute(whole, node)
    history |= {name: array for name, array in whole.items() if graph.is_whole(name)}
    known = {**params, **steps, **history}
    sums = {value.name: np.zeros(tuple(sizes[d] for d in value.dims), dtype) for value in graph.with_role("sum")}
    for sum_ in graph.nodes:
        if isinstance(sum_, (Outer, BatchSum)):
            count = 1 if graph.is_of_sequence(sum_) else T
            added = _accumulated(sum_, known, sums[sum_.out].shape, count, B)
            sums[sum_.out] = np.asarray(sums[sum_.out] + added)
    sums |= run_once(graph, True, {**params, **sums}, sizes, functions, constant)
    return Trace({**history, **steps}, state, sums, derived)


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
        if array.ndim < 3:  # a parameter is the same in every row, a whole value at every step
            array = np.broadcast_to(array, (T, B, array.shape[-1]))
        return array.reshape(T * B, array.shape[-1])

    if isinstance(node, Outer):
        return np.dot(rows(node.left).T, rows(node.right))
    summed = rows(node.operand)
    return summed.sum() if shape == () else summed.sum(axis=0).reshape(shape)


