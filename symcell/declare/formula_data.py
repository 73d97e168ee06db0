"""Formula -> data: nested lists, names and numbers, as they stand in a cell's JSON.

    h.next = (1 - f) * h + W.T @ n     ["+", ["*", ["+", 1, ["*", -1, "f"]], "h"], ["@", ["T", "W"], "n"]]
    A = U - U.T                        ["matrix", [1, "U"], [-1, ["T", "U"]]]

Each kind of node has a row in WRITTEN. The tables of names above it serve both directions; `formula_reader` is the
way back.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy.core import relational
from sympy.logic.boolalg import And, Not, Or

from symcell.declare.entrywise import EntrywiseFunction, EntrywiseProduct
from symcell.declare.errors import CellError
from symcell.declare.functions import Elementwise
from symcell.declare.matrix_sum import MatrixSum
from symcell.declare.patterns import BlockMatrix, IdentityMatrix
from symcell.declare.reductions import HELD
from symcell.declare.size import MAX_NODES
from symcell.declare.symbols import Apply, MatrixSymbol, Quantity

NUMBERS: Mapping[str, sympy.Expr] = {
    "pi": sympy.pi, "e": sympy.E, "golden_ratio": sympy.GoldenRatio, "euler_gamma": sympy.EulerGamma,
    "catalan": sympy.Catalan, "tribonacci": sympy.TribonacciConstant,
}
SUMS: Mapping[str, Any] = {"+": sympy.Add, "*": sympy.Mul}
RELATIONS: Mapping[str, Any] = {
    "<": relational.StrictLessThan, "<=": relational.LessThan, ">": relational.StrictGreaterThan,
    ">=": relational.GreaterThan, "=": relational.Equality, "!=": relational.Unequality,
}
LOGIC: Mapping[str, tuple[Any, range]] = {
    "and": (And, range(2, MAX_NODES)), "or": (Or, range(2, MAX_NODES)), "not": (Not, range(1, 2)),
}
SUM_OF_MATRICES = "matrix"  # the right side of an equation for a matrix that is computed once per call
_TAGS = {kind: tag for tag, kind in (
    *SUMS.items(), *HELD.items(), *RELATIONS.items(), *((tag, kind) for tag, (kind, _) in LOGIC.items()))}


def written(node: sympy.Basic) -> Any:
    """Return the data of a formula.

    Raises:
        CellError: a kind of node has no row here.
    """
    for kind, row in WRITTEN.items():
        if isinstance(node, kind):
            return row(node)
    raise CellError(f"{node} ({type(node).__name__}) has no form in a document; "
                    "its kind needs a row in symcell.declare.formula_data.")


def _nested(tag: str, node: sympy.Basic) -> list[Any]:
    return [tag, *map(written, node.args)]


def _float(node: sympy.Float) -> Any:
    if node._prec == 53 and sympy.Float(float(node)) == node:  # 1e-400 is a number of SymPy's, and 0 as a float64
        return float(node)
    digits = math.ceil(node._prec * math.log10(2)) + 2  # enough to give the same bits back
    return ["float", str(sympy.Float(node, digits)), node._prec]


WRITTEN: Mapping[type, Callable[[Any], Any]] = {
    Quantity: lambda node: node.name,
    MatrixSymbol: lambda node: ["T", node.name] if node.transposed else node.name,
    IdentityMatrix: lambda node: ["identity", node.domain],
    BlockMatrix: lambda node: ["blocks", written(node.matrix), node.blocks],
    EntrywiseProduct: lambda node: _nested("entrywise", node),
    EntrywiseFunction: lambda node: [node.operation, *map(written, node.factors)],
    MatrixSum: lambda node: [SUM_OF_MATRICES, *([written(c), written(factor)] for c, (factor,) in node._terms())],
    Apply: lambda node: _nested("@", node),
    Elementwise: lambda node: _nested(node.row.name, node),
    sympy.Integer: int,
    sympy.Rational: lambda node: ["/", int(node.p), int(node.q)],
    sympy.Float: _float,
    sympy.NumberSymbol: lambda node: [next(name for name, number in NUMBERS.items() if number == node)],
    sympy.Pow: lambda node: _nested("^", node),
    **{kind: (lambda node: _nested(_TAGS[type(node)], node)) for kind in _TAGS},
}
