"""What is computed once per call: matrices, vectors and scalars made of parameters and constants alone.

A `Once` node is an elementwise expression of whole arrays. Its symbols are names of values; a name with ".T" behind it
is the transpose, and patterns are the identity and blocks along the diagonal. Transposition is thereby one more name,
and SymPy differentiates by it: with A = U - U.T the entry (i, j) of d_A adds to d_U at (i, j) by the first name and,
mirrored, at (j, i) by the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import sympy

from symcell.graph.evaluate import Functions, evaluate, number, numpy_function
from symcell.graph.ir import PASSED, Graph, Once
from symcell.graph.names import EYE, TRANSPOSED, base, is_pattern, pattern, symbol

Array = Any
Dims = Callable[[str], tuple[str, ...]]


def mirrored(expression: sympy.Expr, dims: Dims) -> sympy.Expr:
    """Return the transpose of an expression: every matrix in it becomes its transpose, and back."""
    swaps = {}
    for name in (found.name for found in expression.free_symbols):
        if not is_pattern(name) and len(dims(base(name))) == 2:
            swaps[symbol(name)] = symbol(base(name) if name.endswith(TRANSPOSED) else name + TRANSPOSED)
    return expression.xreplace(swaps)


def expression_dims(node: Once, dims: Dims) -> tuple[str, ...]:
    """Return the dimensions of an expression: of its result, or of what is summed to that."""
    if not node.summed:
        return dims(node.out)
    for found in sorted(node.expression.free_symbols, key=str):
        if not is_pattern(found.name) and dims(base(found.name)):
            own = dims(base(found.name))
            return own[::-1] if found.name.endswith(TRANSPOSED) else own
    return ()


def faults(graph: Graph, node: Once) -> Iterator[str]:
    """Yield what is wrong with the dimensions and roles of a node."""
    def dims(name: str) -> tuple[str, ...]:
        return graph.value(name).dims

    role, expected = graph.value(node.out).role, expression_dims(node, dims)
    if node.summed and dims(node.out) != ():
        yield f"{node}: a sum over all entries is a scalar"
    if role not in ("derived", "total"):
        yield f"{node}: writes to the wrong kind of value"
    allowed = {*PASSED} | ({"sum", "total"} if role == "total" else set())
    for name in (found.name for found in node.expression.free_symbols):
        if is_pattern(name):
            fits = len(expected) == 2 and (name != EYE or expected[0] == expected[1])
        else:
            own = dims(base(name))
            fits = (own[::-1] if name.endswith(TRANSPOSED) else own) in ((), expected)
            if graph.value(base(name)).role not in allowed:
                yield f"{node}: {name} is not known once per call"
        if not fits:
            yield f"{node}: the dimensions of {name} do not fit {expected}"


def run(graph: Graph, late: bool, env: Mapping[str, Array], sizes: Mapping[str, int],
        functions: Functions = numpy_function, constant: Any = number) -> dict[str, Array]:
    """Compute the nodes before the first step, or those after the last: {name: array} of their results.

    Args:
        env: parameters and constants; for the late ones also what the early ones gave, and the sums over time.
    """
    known, found = dict(env), {}
    for node in graph.once:
        if (graph.value(node.out).role == "total") == late:
            found[node.out] = known[node.out] = _value(graph, node, known, sizes, functions, constant)
    return found


def _value(graph: Graph, node: Once, env: Mapping[str, Array], sizes: Mapping[str, int], functions: Functions,
           constant: Any) -> Array:
    dims = expression_dims(node, lambda name: graph.value(name).dims)
    shape, values = tuple(sizes[dim] for dim in dims), {}
    for name in (found.name for found in node.expression.free_symbols):
        if is_pattern(name):
            values[name] = pattern(name, *shape)
        else:
            values[name] = np.asarray(env[base(name)]).T if name.endswith(TRANSPOSED) else env[base(name)]
    value = np.broadcast_to(np.asarray(evaluate(node.expression, values, functions, constant)), shape)
    return np.asarray(value.sum()) if node.summed else np.array(value)
