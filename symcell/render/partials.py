r"""The state Jacobian as equations: \frac{\partial h_t}{\partial h_{t-1}} from the named partials J_f of its gates."""

from __future__ import annotations

import sympy

from symcell.declare.symbols import ROW
from symcell.graph.jacobian import Chain, Diag, First, Jacobian, Linear, Ones, Operator, Partial, Total
from symcell.render.flatten import is_negative
from symcell.render.latex import Formula, Level, beside, parenthesized
from symcell.render.lines import Equation
from symcell.render.names import braced
from symcell.render.notation import Notation


class Partials:
    """Prints a Jacobian in the names of its cell."""

    def __init__(self, notation: Notation, made: Jacobian) -> None:
        """Choose the letter: J, unless the cell has a J of its own."""
        self.notation, self.made, self.formula = notation, made, Formula(notation)
        bases = {name.base for name in notation.names.values()}
        self.letter = "J" if "J" not in bases else r"\mathcal{J}"

    def equations(self) -> list[Equation]:
        """Return the partials, each after those it uses."""
        ordered = sorted(self.made.partials, key=lambda partial: self.notation.index(partial.of))
        return [Equation(self._left(partial), self.print(self.made.partials[partial])) for partial in ordered]

    def _left(self, partial: Partial) -> str:
        fraction, name = self.fraction(partial), self.name(partial)
        return fraction if name == fraction else f"{name} = {fraction}"

    def fraction(self, partial: Partial) -> str:
        r"""Return \frac{\partial f_t}{\partial h_{t-1}}."""
        return rf"\frac{{\partial {self.formula(partial.of)}}}{{\partial {self.formula(partial.by)}}}"

    def name(self, partial: Partial) -> str:
        """Return J_f, or J_{f,h} where f depends on several states; a block is its fraction."""
        if partial in self.made.blocks:
            return self.fraction(partial)
        several = sum(1 for other in self.made.partials if other.of == partial.of) > 1
        names = [self.notation.names[name].latex() for name in (partial.of, partial.by)[: 1 + several]]
        return f"{self.letter}_{braced(','.join(names))}"

    def print(self, operator: Operator, level: Level = Level.SUM) -> str:
        """Return a matrix formula."""
        if isinstance(operator, Partial):
            return self.name(operator)
        if isinstance(operator, Linear):
            return self.formula.matrix(operator.matrix, operator.transposed)
        if isinstance(operator, Ones):
            return r"\mathbf{1}^\top" if operator.row else r"\mathbf{1}"
        if isinstance(operator, First):
            return rf"\mathbf{{e}}_{{{self.formula.reduction('argmax', operator.operand)[0]}}}^\top"
        if isinstance(operator, Total):
            text = self._sum(operator)
            return parenthesized(text) if level > Level.SUM and len(operator.terms) > 1 else text
        factors = operator.factors if isinstance(operator, Chain) else (operator,)
        return beside(*(self._factor(factor, alone=len(factors) == 1) for factor in factors))

    def _factor(self, factor: Operator, alone: bool) -> str:
        if not isinstance(factor, Diag):
            return self.print(factor, Level.ATOM)
        if any(self.notation.value(name.name).is_vector for name in factor.expression.free_symbols):
            return rf"\operatorname{{diag}}{parenthesized(self.formula(factor.expression))}"
        if not alone or factor.dim == ROW:
            return self.formula(factor.expression, Level.ATOM)
        scalar = "" if factor.expression == 1 else self.formula(factor.expression, Level.ATOM) + " "
        return rf"{scalar}\mathbf{{I}}"  # a multiple of the identity

    def _sum(self, operator: Total) -> str:
        text = ""
        for term in sorted(operator.terms, key=_rank):
            positive, negative = self._sign(term)
            printed = self.print(positive, Level.PRODUCT)
            text += (("-" if negative else "") if not text else " - " if negative else " + ") + printed
        return text or "0"

    def _sign(self, term: Operator) -> tuple[Operator, bool]:
        """Take the minus sign out of a term one of whose factors is a negative diagonal."""
        factors = term.factors if isinstance(term, Chain) else (term,)
        negative = [index for index, factor in enumerate(factors)
                    if isinstance(factor, Diag) and is_negative(self.notation, factor.expression)]
        if not negative:
            return term, False
        index = negative[0]
        found = factors[index]
        assert isinstance(found, Diag)
        positive: sympy.Expr = -found.expression
        middle = (Diag(positive, found.dim),) if positive != 1 or len(factors) == 1 else ()
        rest = (*factors[:index], *middle, *factors[index + 1:])
        return (Chain(rest) if len(rest) > 1 else rest[0]), True


def _rank(term: Operator) -> int:
    """Diagonals first, then matrices of the cell, then what goes through another partial."""
    factors = term.factors if isinstance(term, Chain) else (term,)
    return 0 if isinstance(term, Diag) else 1 + any(isinstance(factor, (Partial, Total)) for factor in factors)
