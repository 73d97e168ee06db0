"""Formulas as plain text for comments and for what a generated module says of itself."""

from __future__ import annotations

from collections.abc import Collection

import sympy
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.str import StrPrinter

from symcell.declare.spec import CellSpec
from symcell.declare.symbols import Apply


class _Plain(StrPrinter):
    """SymPy's text, with sums in the order of people: W x, other products, the rest, then what is subtracted."""

    def __init__(self, inputs: Collection[str]) -> None:
        super().__init__()
        self.inputs = inputs

    def _print_Add(self, expr: sympy.Add, order: object = None) -> str:
        terms = sorted(expr.as_ordered_terms(), key=self._rank)
        text = self.parenthesize(terms[0], 0)
        for term in terms[1:]:
            negative = term.could_extract_minus_sign()
            text += (" - " if negative else " + ") + self.parenthesize(-term if negative else term, PRECEDENCE["Add"])
        return text

    def _rank(self, term: sympy.Expr) -> tuple[bool, bool, bool]:
        products = term.atoms(Apply)
        with_input = any(symbol.name in self.inputs for product in products for symbol in product.vector.free_symbols)
        return (term.could_extract_minus_sign(), not with_input, not products)


def plain(expression: sympy.Basic, inputs: Collection[str] = ()) -> str:
    """Return a formula as one line of text."""
    return str(_Plain(inputs).doprint(expression))


def equations(spec: CellSpec) -> list[str]:
    """Return the equations of a cell as lines of text."""
    inputs = {name for name, _ in spec.inputs}
    return [f"{equation.name} = {plain(equation.expression, inputs)}" for equation in spec.equations
            if not equation.anonymous]
