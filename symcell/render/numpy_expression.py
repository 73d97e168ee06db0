"""SymPy -> NumPy: an expression of whole arrays, for what a generated module computes once per call."""

from __future__ import annotations

from collections.abc import Callable

import sympy
from sympy.printing.precedence import PRECEDENCE, precedence
from sympy.printing.str import StrPrinter

from symcell.declare.functions import CONDITIONS, Elementwise
from symcell.declare.static import numpy_text
from symcell.graph.names import BLOCKS, DOWN, EYE, TRANSPOSED, base, is_pattern, is_repeated
from symcell.render.c_expression import number


def numpy_expression(expression: sympy.Basic, name: Callable[[str], str], shape: str) -> str:
    """Return the Python text; `name` gives the variable of a value, `shape` is the text of a matrix's shape."""
    return str(_Printer(name, shape).doprint(expression))


class _Printer(StrPrinter):
    """Python's own operators mean the same on arrays; functions are those of the table's NumPy column."""

    def __init__(self, name: Callable[[str], str], shape: str) -> None:
        super().__init__()
        self.name, self.shape = name, shape

    def _print(self, expr: sympy.Basic, **options: object) -> str:
        """Print constants as numbers, whatever class SymPy has for them."""
        if isinstance(expr, sympy.Expr) and expr.is_number and not expr.has(Elementwise):
            return str(int(expr)) if expr.is_Integer else number(expr)
        return str(super()._print(expr, **options))

    def _print_Symbol(self, expr: sympy.Symbol) -> str:
        if expr.name == EYE:
            return f"np.eye(*{self.shape})"
        if is_pattern(expr.name):
            return f"blocks({expr.name.removeprefix(BLOCKS)}, *{self.shape})"
        down = is_repeated(expr.name) and expr.name.endswith(DOWN)
        seen = ".T" if expr.name.endswith(TRANSPOSED) else "[:, None]" if down else ""
        return self.name(base(expr.name)) + seen

    def _print_Add(self, expr: sympy.Add, order: object = None) -> str:
        first, *rest = sorted(expr.as_ordered_terms(), key=lambda term: bool(term.could_extract_minus_sign()))
        text = self.parenthesize(first, PRECEDENCE["Add"])
        for term in rest:
            negative = term.could_extract_minus_sign()
            text += (" - " if negative else " + ") + self.parenthesize(-term if negative else term, PRECEDENCE["Mul"])
        return text

    def _print_Mul(self, expr: sympy.Mul) -> str:
        if expr.args[0] == -1:
            return "-" + self.parenthesize(sympy.Mul(*expr.args[1:]), PRECEDENCE["Mul"])
        return " * ".join(self.parenthesize(factor, PRECEDENCE["Mul"]) for factor in expr.as_ordered_factors())

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:
        text = f"{self.parenthesize(expr.base, PRECEDENCE['Atom'])} ** {abs(int(expr.exp))}" if abs(expr.exp) != 1 \
            else self.parenthesize(expr.base, PRECEDENCE["Pow"])
        return f"(1 / {text})" if expr.exp.is_negative else f"({text})"

    def _print_Function(self, expr: sympy.Expr) -> str:
        assert isinstance(expr, Elementwise), expr
        arguments = [self._print(argument) for argument in expr.args]
        return f"{numpy_text(expr.row)}({', '.join(arguments)})"

    def _print_Relational(self, expr: sympy.Basic) -> str:
        operator = {"Equality": "==", "Unequality": "!="}.get(type(expr).__name__, getattr(expr, "rel_op", ""))
        return f"({self._print(expr.args[0])} {operator} {self._print(expr.args[1])})"

    def _print_And(self, expr: sympy.Basic) -> str:
        return "(" + " & ".join(self._print(part) for part in expr.args) + ")"

    def _print_Or(self, expr: sympy.Basic) -> str:
        return "(" + " | ".join(self._print(part) for part in expr.args) + ")"

    def _print_Not(self, expr: sympy.Basic) -> str:
        return f"np.logical_not({self._print(expr.args[0])})"

    def parenthesize(self, item: sympy.Basic, level: int, strict: bool = False) -> str:
        """Print, in parentheses where the item binds less than `level`."""
        text = self._print(item)
        return f"({text})" if precedence(item) < level and not isinstance(item, CONDITIONS) else text
