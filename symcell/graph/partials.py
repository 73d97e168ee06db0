"""Local derivatives: of one expression by one symbol, by SymPy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import sympy

from symcell.graph.ir import symbol


class Partials:
    """Derivatives in which a function value that the forward pass has named is called so: sigmoid(a_f) is f."""

    def __init__(self, named: Mapping[sympy.Expr, sympy.Symbol]) -> None:
        """named: function values to the symbols of what holds them."""
        self.named = named
        self._split: dict[sympy.Expr, dict[sympy.Symbol, list[sympy.Expr]]] = {}  # sums -> their terms by symbol

    def of(self, expression: sympy.Expr, name: str) -> sympy.Expr:
        """Return the derivative by the value of this name."""
        by = symbol(name)
        if expression.is_Add:  # each term by its own symbols only: a sum has many of both
            return sympy.Add(*(term.diff(by) for term in self._terms_with(expression).get(by, ()))).xreplace(self.named)
        return sympy.diff(expression, by).xreplace(self.named)

    def _terms_with(self, expression: sympy.Add) -> Mapping[sympy.Symbol, list[sympy.Expr]]:
        """Return the terms of a sum by the symbols that are in them."""
        if expression not in self._split:
            found = self._split[expression] = defaultdict(list)
            for term in expression.args:
                for own in term.free_symbols:
                    found[own].append(term)
        return self._split[expression]
