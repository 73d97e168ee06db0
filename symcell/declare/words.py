"""A finished declaration -> the words that made it: what a copy of a cell, or its text, is written from.

One row per field of `CellSpec`: whoever adds a kind of member adds its row here, and `words` hands it to all who
rebuild cells (`symcell.transforms`, `symcell.declare.document`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import sympy
from sympy.core.relational import Relational

from symcell.declare.members import Constant, Input, Matrix, Scalar, State, Vector
from symcell.declare.patterns import IdentityMatrix
from symcell.declare.spec import CellSpec, Parameter
from symcell.declare.symbols import MatrixSymbol, Quantity


def words(spec: CellSpec) -> Iterator[tuple[str, Any]]:
    """Yield (name, declaration) in the order in which a copy declares them; the equations come afterwards."""
    for row in DECLARED.values():
        yield from row(spec)


def _learned(parameter: Parameter) -> Any:
    if not parameter.dims:
        return Scalar(float(parameter.init))
    if len(parameter.dims) == 1:
        return Vector(parameter.dims[0], parameter.init, parameter.learned)
    rows, cols = parameter.dims
    return Matrix(rows, cols, parameter.init, parameter.learned)


DECLARED: Mapping[str, Callable[[CellSpec], Iterable[tuple[str, Any]]]] = {
    "inputs": lambda spec: [(name, Input(dim, "sequence" if name in spec.whole else "step"))
                            for name, dim in spec.inputs],
    "states": lambda spec: [(name, State(dim)) for name, dim in spec.states],
    "parameters": lambda spec: [(parameter.name, _learned(parameter)) for parameter in spec.parameters],
    "constants": lambda spec: [(name, Constant(value)) for name, value in spec.constants],
}


def copied(formula: sympy.Basic, names: Mapping[str, Any], dims: Mapping[str, str] | None = None) -> sympy.Basic:
    """Return the formula over other quantities: `names` says what each name of it becomes, `dims` each dimension."""
    if isinstance(formula, Quantity):
        return names[formula.name]
    if isinstance(formula, MatrixSymbol):
        return names[formula.name].T if formula.transposed else names[formula.name]
    if isinstance(formula, IdentityMatrix):
        return IdentityMatrix((dims or {}).get(formula.domain, formula.domain))
    if not formula.args:
        return formula
    return rebuilt(formula, [copied(argument, names, dims) for argument in formula.args])


def rebuilt(node: sympy.Basic, arguments: Iterable[sympy.Basic]) -> sympy.Basic:
    """Return a node of other arguments; SymPy could decide a comparison that was kept undecided when it was written."""
    undecided = {"evaluate": False} if isinstance(node, Relational) else {}
    return node.func(*arguments, **undecided)


def names_in(formula: sympy.Basic) -> set[str]:
    """Return the names of the quantities and matrices in a formula."""
    return {node.name for node in sympy.preorder_traversal(formula) if isinstance(node, (Quantity, MatrixSymbol))}


def reached(wanted: Iterable[str], uses: Mapping[str, Iterable[str]]) -> set[str]:
    """Return what the wanted names depend on, themselves included; `uses` says what each equation reads."""
    waiting, found = list(wanted), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(uses.get(name, ()))
    return found
