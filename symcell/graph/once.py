"""What is computed once per call: matrices, vectors and scalars made of parameters and constants alone.

A `Once` node is an elementwise expression of whole arrays. Its symbols are names of values; a name with ".T" behind it
is the transpose, and patterns are the identity and blocks along the diagonal. Transposition is thereby one more name,
and SymPy differentiates by it: with A = U - U.T the entry (i, j) of d_A adds to d_U at (i, j) by the first name and,
mirrored, at (j, i) by the second. Likewise a vector with ".across" or ".down" behind its name is the matrix that
repeats it; what comes back to that is summed over the columns, or the rows. Such sums are nodes too (`Once.over`), and
the two are each other's adjoints. With them softmax of the columns of a matrix is three nodes, none of a kind of its
own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import sympy

from symcell.graph.evaluate import Functions, evaluate, number, numpy_function
from symcell.graph.ir import GIVEN, Graph, Once
from symcell.graph.names import (
    ACROSS,
    BLOCKS,
    DOWN,
    EYE,
    TRANSPOSED,
    base,
    is_pattern,
    is_repeated,
    mirror,
    pattern,
    seen,
    symbol,
)
from symcell.graph.reductions import KINDS, reduced

Array = Any
Dims = Callable[[str], tuple[str, ...]]
MATRIX = ("sum", "shift")  # the kinds of reductions of the entries of a matrix
REPEATED = {"columns": ACROSS, "rows": DOWN, "all": ""}  # how a sum meets the entries that it is made of


def mirrored(expression: sympy.Expr, dims: Dims) -> sympy.Expr:
    """Return the transpose of an expression: every matrix in it becomes its transpose, and back."""
    names = [found.name for found in expression.free_symbols if not is_pattern(found.name)]
    return expression.xreplace({symbol(name): symbol(mirror(name)) for name in names
                                if is_repeated(name) or len(dims(base(name))) == 2})


def expression_dims(node: Once, dims: Dims) -> tuple[str, ...]:
    """Return the dimensions of an expression: of its result, or of what is summed to that."""
    if not node.over:
        return dims(node.out)
    for found in sorted(node.expression.free_symbols, key=str):
        if not is_pattern(found.name) and not is_repeated(found.name) and dims(base(found.name)):
            own = dims(base(found.name))
            return own[::-1] if found.name.endswith(TRANSPOSED) else own
    return ()


def reduced_dims(over: str, expected: tuple[str, ...]) -> tuple[str, ...]:
    """Return the dimensions of a sum over the entries of an expression that has these."""
    return {"": expected, "all": (), "columns": expected[1:], "rows": expected[:1]}[over]


def diagonal_blocks(graph: Graph, matrix: str) -> int:
    """Return outside of how many blocks along its diagonal a matrix is 0; 1 of one that may be anything everywhere."""
    made = next((node for node in graph.once if node.out == matrix and not node.over), None)
    return _blocks(graph, made.expression) if made else 1


def wanted_blocks(graph: Graph, total: str) -> int:
    """Return within how many blocks along its diagonal all that is made of a sum over the steps asks for it; 1: whole.

    The gradient of a parameter is wanted whole, and so is what nothing is made of.
    """
    if total in {graph.adjoints.get(value.name) for value in graph.with_role("param")}:
        return 1
    terms = [(node, term) for node in graph.once if total in node.reads for term in sympy.Add.make_args(node.expression)
             if total in {base(found.name) for found in term.free_symbols}]
    blocks = {1 if node.over else _blocks(graph, term) for node, term in terms}
    return blocks.pop() if len(blocks) == 1 else 1


def _blocks(graph: Graph, expression: sympy.Expr) -> int:
    """Return outside of how many blocks an expression of matrices is 0, where that can be read from it."""
    if isinstance(expression, sympy.Symbol):
        name = expression.name
        return int(name.removeprefix(BLOCKS)) if name.startswith(BLOCKS) else diagonal_blocks(graph, base(name))
    if isinstance(expression, sympy.Pow) and expression.exp.is_positive:
        return _blocks(graph, expression.base)
    parts = {_blocks(graph, part) for part in expression.args} if expression.is_Add or expression.is_Mul else {1}
    return max(parts) if expression.is_Mul or len(parts) == 1 else 1


def faults(graph: Graph, node: Once) -> Iterator[str]:
    """Yield what is wrong with the dimensions and roles of a node."""
    def dims(name: str) -> tuple[str, ...]:
        return graph.value(name).dims

    role, expected = graph.value(node.out).role, expression_dims(node, dims)
    if node.over not in ("", *REPEATED) or (node.over in ("columns", "rows") and len(expected) != 2):
        yield f"{node}: {expected} has no such entries to sum over"
    elif node.kind not in (MATRIX if node.over and len(expected) == 2 else KINDS):
        yield f"{node}: {node.kind!r} is no reduction of these entries"
    elif dims(node.out) != reduced_dims(node.over, expected):
        yield f"{node}: expected {reduced_dims(node.over, expected)}; a sum over all entries is a scalar"
    if role not in ("derived", "total"):
        yield f"{node}: writes to the wrong kind of value"
    allowed = {*GIVEN} | ({"sum", "total"} if role == "total" else set())
    for name in (found.name for found in node.expression.free_symbols):
        if is_pattern(name):
            fits = len(expected) == 2 and (name != EYE or expected[0] == expected[1])
        else:
            fits = _fits(name, dims(base(name)), expected)
            if graph.value(base(name)).role not in allowed:
                yield f"{node}: {name} is not known once per call"
        if not fits:
            yield f"{node}: the dimensions of {name} do not fit {expected}"


def _fits(name: str, own: tuple[str, ...], expected: tuple[str, ...]) -> bool:
    """Whether a symbol can stand in an expression of the expected dimensions, given those of its value."""
    if is_repeated(name):
        return len(expected) == 2 and own == ((expected[0],) if name.endswith(DOWN) else (expected[1],))
    return (own[::-1] if name.endswith(TRANSPOSED) else own) in ((), expected)


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
            values[name] = seen(name, np.asarray(env[base(name)]))
    value = np.broadcast_to(np.asarray(evaluate(node.expression, values, functions, constant)), shape)
    if node.over:
        lines = {"columns": value.T, "rows": value, "all": value.ravel()}[node.over]
        return np.array(reduced(node.kind, lines, constant)[..., 0])
    return np.array(value)
