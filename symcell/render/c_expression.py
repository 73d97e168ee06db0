"""SymPy -> C: an elementwise expression in the vector type of runtime/include/symcell/vector.h.

`+ - * /` and comparisons are the compiler's own on vectors; functions are those of the table. One small
method per kind of node. (SymPy's ccode would write pow() for squares and any symbol's name verbatim.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import sympy
from sympy.core import relational
from sympy.logic import boolalg

from symcell.declare.functions import Elementwise

_ATOM, _PRODUCT, _SUM = 3, 2, 1
_COMPARE = {
    relational.StrictGreaterThan: ">", relational.GreaterThan: ">=", relational.StrictLessThan: "<",
    relational.LessThan: "<=", relational.Equality: "==", relational.Unequality: "!=",
}


def c_expression(expression: sympy.Basic, name: Callable[[str], str]) -> str:
    """Return the C text; `name` gives the C name of a symbol."""
    return _Printer(name).text(expression)


class _Printer:
    def __init__(self, name: Callable[[str], str]) -> None:
        self.name = name

    def text(self, node: sympy.Basic, binding: int = _SUM) -> str:
        """Print a node, in parentheses if it binds less than `binding`."""
        own, text = self._print(node)
        return text if own >= binding else f"({text})"

    def _print(self, node: sympy.Basic) -> tuple[int, str]:
        if isinstance(node, sympy.Symbol):
            return _ATOM, self.name(node.name)
        if isinstance(node, sympy.Expr) and not node.free_symbols and not node.has(Elementwise):
            return _ATOM, f"vfill({number(node)})"
        for kind, method in _METHODS.items():
            if isinstance(node, kind):
                return method(self, node)
        raise TypeError(f"no C for {node!r}")

    def _add(self, node: sympy.Add) -> tuple[int, str]:
        signed = [(term.could_extract_minus_sign(), term) for term in node.as_ordered_terms()]
        signed.sort(key=lambda pair: pair[0])  # n - h rather than -h + n
        negative, first = signed[0]
        text = self.text(first, _SUM) if not negative else "-" + self.text(-first, _PRODUCT)
        for negative, term in signed[1:]:
            text += f" - {self.text(-term, _PRODUCT)}" if negative else f" + {self.text(term, _SUM)}"
        return _SUM, text

    def _mul(self, node: sympy.Mul) -> tuple[int, str]:
        if node.args[0] == -1:
            return _SUM, "-" + self.text(sympy.Mul(*node.args[1:]), _PRODUCT)
        over = [f for f in node.as_ordered_factors() if not (isinstance(f, sympy.Pow) and f.exp.is_negative)]
        under = [1 / f for f in node.as_ordered_factors() if isinstance(f, sympy.Pow) and f.exp.is_negative]
        text = " * ".join(self.text(factor, _PRODUCT) for factor in over) or "vfill(1.0)"
        for factor in under:
            text += f" / {self.text(factor, _ATOM)}"
        return _PRODUCT, text

    def _pow(self, node: sympy.Pow) -> tuple[int, str]:
        power = int(node.exp)
        if power < 0:
            return _PRODUCT, f"vfill(1.0) / {self.text(node.base**-power, _ATOM)}"
        if power == 2 and isinstance(node.base, sympy.Symbol):
            base = self.text(node.base)
            return _PRODUCT, f"{base} * {base}"
        return _ATOM, f"vpower({self.text(node.base)}, {power})"

    def _function(self, node: Elementwise) -> tuple[int, str]:
        return _ATOM, f"{node.row.c}({', '.join(self.text(argument) for argument in node.args)})"

    def _compare(self, node: relational.Relational) -> tuple[int, str]:
        return _ATOM, f"(ivec)({self.text(node.lhs)} {_COMPARE[type(node)]} {self.text(node.rhs)})"

    def _logic(self, node: boolalg.BooleanFunction) -> tuple[int, str]:
        if isinstance(node, boolalg.Not):
            return _ATOM, f"~{self.text(node.args[0], _ATOM)}"
        if not isinstance(node, (boolalg.And, boolalg.Or)):
            raise TypeError(f"no C for {node!r}")
        joint = " & " if isinstance(node, boolalg.And) else " | "
        return _ATOM, f"({joint.join(self.text(argument, _ATOM) for argument in node.args)})"


_METHODS: Mapping[type, Callable[[_Printer, sympy.Basic], tuple[int, str]]] = {
    sympy.Add: _Printer._add,
    sympy.Mul: _Printer._mul,
    sympy.Pow: _Printer._pow,
    Elementwise: _Printer._function,
    relational.Relational: _Printer._compare,
    boolalg.BooleanFunction: _Printer._logic,
}


def number(value: sympy.Expr) -> str:
    """Return a constant with the 17 digits that give a float64 back exactly."""
    return repr(float(value))
