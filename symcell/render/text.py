"""Formulas as plain text for comments, `show` and error messages."""

from __future__ import annotations

import sympy
from sympy.printing.str import StrPrinter

from symcell.declare.spec import CellSpec
from symcell.declare.symbols import Apply


class _Plain(StrPrinter):
    """SymPy's text, with sums in the order of people: products of matrices first, subtractions last."""

    def _print_Add(self, expr: sympy.Add, order: object = None) -> str:
        terms = sorted(expr.as_ordered_terms(), key=_rank)
        text = self.parenthesize(terms[0], 10)
        for term in terms[1:]:
            negative = term.could_extract_minus_sign()
            text += (" - " if negative else " + ") + self.parenthesize(-term if negative else term, 40)
        return text


def _rank(term: sympy.Expr) -> tuple[bool, bool, str]:
    products = term.atoms(Apply)
    return (term.could_extract_minus_sign(), not products, max((str(a.matrix) for a in products), default=""))


def _key(term: sympy.Expr) -> tuple[bool, bool]:
    return (term.could_extract_minus_sign(), not term.atoms(Apply))


def plain(expression: sympy.Basic) -> str:
    """Return a formula as one line of text."""
    return str(_Plain().doprint(expression))


def equations(spec: CellSpec) -> list[str]:
    """Return the equations of a cell as lines of text."""
    return [f"{equation.name} = {plain(equation.expression)}" for equation in spec.equations]
