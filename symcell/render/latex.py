r"""Elementwise formulas of the graph -> LaTeX, as a person writes them: (1 - f_t) \odot h_{t-1} + f_t \odot n_t."""

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any

import sympy
from sympy.core import relational
from sympy.logic import boolalg

from symcell.declare.functions import Elementwise, where_
from symcell.graph.ir import Map, MatMul, Once, Reduce, TimeSum, symbol
from symcell.graph.names import ACROSS, BLOCKS, DOWN, EYE, SIZE, TRANSPOSED, base, is_pattern, is_repeated
from symcell.render.flatten import factors, is_negative, terms
from symcell.render.names import braced
from symcell.render.notation import Notation
from symcell.render.numbers import latex_number
from symcell.render.opening import outermost
from symcell.render.order import Order

_RELATIONS = {
    relational.StrictGreaterThan: ">", relational.GreaterThan: r"\geq", relational.StrictLessThan: "<",
    relational.LessThan: r"\leq", relational.Equality: "=", relational.Unequality: r"\neq",
}  # fmt: skip
# A function that takes an exponent.
_CALL = re.compile(r"(\\[a-z]+|\\operatorname\{\{[a-z]+\}\})\\left\(\{0\}\\right\)")
_PLACE = re.compile(r"\{(\d)\}|\{\{|\}\}")  # as in str.format; single braces of LaTeX stay
_DIGIT = re.compile(r"\d|\\mathbf\{1\}|\\tfrac")
_ENDS_IN_WORD = re.compile(r"\\mathit\{\w+\}\}?\Z")
_TALL = (r"\frac", r"\begin", r"\left")


class Level(IntEnum):
    """How tightly a formula binds; below what its place asks for it gets parentheses."""

    SUM = 1
    PRODUCT = 2  # of vectors, with \odot
    APPLIED = 3  # a matrix or a scalar in front of a vector
    ATOM = 4
    BASE = 5  # of an exponent: without one of its own


class Formula:
    """Prints expressions over the names of one cell."""

    def __init__(self, notation: Notation) -> None:
        """Print in this notation."""
        self.notation, self.order = notation, Order(notation)

    def __call__(self, expression: sympy.Basic | str, level: Level = Level.SUM) -> str:
        """Return the LaTeX of an expression, or of what a name stands for."""
        text, own = self._print(symbol(expression) if isinstance(expression, str) else expression)
        return parenthesized(text) if own < level else text

    def _print(self, node: sympy.Basic) -> tuple[str, Level]:
        if isinstance(node, sympy.Symbol):
            return self._symbol(node.name)
        if isinstance(node, (sympy.Add, sympy.Mul)):
            return self._sum(node) if isinstance(node, sympy.Add) else self._product(node)
        if isinstance(node, sympy.Pow) and not node.is_number:
            return self._power(node)
        if isinstance(node, Elementwise):
            return self._call(node)
        if isinstance(node, sympy.Expr) and node.is_number:
            return latex_number(node), Level.ATOM if node.is_nonnegative else Level.SUM
        return self._condition(node), Level.SUM

    # --- names, and what stands for a name ---------------------------------------------------------------

    def _symbol(self, name: str) -> tuple[str, Level]:
        if is_pattern(name):
            blocks = rf"\mathbf{{B}}_{braced(name.removeprefix(BLOCKS))}"
            return r"\mathbf{I}" if name == EYE else blocks, Level.BASE
        if name.endswith(TRANSPOSED):
            return self(base(name), Level.BASE) + r"^\top", Level.ATOM
        if is_repeated(name) and name.endswith(ACROSS):
            return rf"\mathbf{{1}} {self(base(name), Level.BASE)}^\top", Level.APPLIED
        if is_repeated(name):
            return rf"{self(base(name), Level.ATOM)} \mathbf{{1}}^\top", Level.APPLIED
        node = self.notation.formula(name)
        if isinstance(node, Once) and node.over:
            return self.over(node)
        if isinstance(node, (Map, Once)):
            return self._print(node.expression)
        if isinstance(node, MatMul):
            return self.applied(node), Level.APPLIED
        if isinstance(node, TimeSum):
            return self.over_time(node), Level.SUM
        if isinstance(node, Reduce):
            return self.reduction(node.kind, node.operand)
        printed = self.notation.latex(name)
        if printed is None:  # the adjoint of something without a name: a long bar over its formula
            of = self.notation.adjoint_of(name)
            assert of is not None, name
            return rf"\overline{{{self(of)}}}" + self._bar_time(name, of), Level.BASE
        return printed, Level.ATOM if "^" in printed else Level.BASE

    def _bar_time(self, name: str, of: str) -> str:
        """The adjoint of what never changes has a time of its own, unless it is summed already."""
        static = self.notation.is_static(of) and self.notation.value(of).role != "derived"
        return "_t" if static and not self.notation.value(name).whole else ""

    def over_time(self, node: TimeSum) -> str:
        """Return the sum over all steps."""
        return rf"\sum_{{t=1}}^{{T}} {self(node.operand, Level.PRODUCT)}"

    def over(self, node: Once) -> tuple[str, Level]:
        """Return the sum over all entries, of a diagonal matrix its trace, or the sums or maxima of columns or rows."""
        expression = node.expression
        if node.product:
            left, right = node.product
            return beside(self(left, Level.ATOM), self(right, Level.ATOM)), Level.APPLIED
        if node.over == "all" and node.kind != "sum":
            return self.reduction(node.kind, str(expression))
        if node.kind == "shift":
            word = r"\operatorname{{colmax}}" if node.over == "columns" else r"\operatorname{{rowmax}}"
            return sized(word + r"\left({0}\right)", [self(expression)]), Level.APPLIED
        if node.over != "all":
            columns = node.over == "columns"
            entries = self(expression, Level.BASE if columns else Level.ATOM) + r"^\top" * columns
            return rf"{entries} \mathbf{{1}}", Level.APPLIED
        if symbol(EYE) in sympy.Mul.make_args(expression):
            rest = expression / symbol(EYE)
            negative = self._is_negative(rest)
            text = rf"\operatorname{{tr}}{parenthesized(self(-rest if negative else rest))}"
            return ("-" if negative else "") + text, Level.SUM if negative else Level.ATOM
        matrix = any(len(self.notation.value(found.name).dims) == 2 for found in expression.free_symbols)
        return rf"\mathbf{{1}}^\top {self(expression, Level.ATOM)}" + r" \mathbf{1}" * matrix, Level.APPLIED

    def applied(self, node: MatMul) -> str:
        """Return W x, or W^T x."""
        return beside(self.matrix(node.matrix, node.transposed), self(node.operand, Level.ATOM))

    def reduction(self, kind: str, operand: str) -> tuple[str, Level]:
        """Return the sum or mean of the components of a vector as a product with ones; else a function of it."""
        if kind == "sum":
            return self._total(operand)
        if kind == "mean":
            text, level = self._total(operand)
            mean = rf"\frac{{1}}{{{self(self._count(operand))}}} {text.removeprefix('-')}"
            return "-" * text.startswith("-") + mean, level
        word = r"\operatorname{{argmax}}" if kind == "argmax" else r"\max"
        return sized(word + r"\left({0}\right)", [self(operand)]), Level.APPLIED

    def _total(self, operand: str) -> tuple[str, Level]:
        """Return the sum of the components of a vector; the minus sign of all its terms stands in front."""
        node = self.notation.formula(operand)
        if isinstance(node, Map) and all(map(self._is_negative, sympy.Add.make_args(node.expression))):
            return rf"-\mathbf{{1}}^\top {self(-node.expression, Level.ATOM)}", Level.SUM
        return rf"\mathbf{{1}}^\top {self(operand, Level.ATOM)}", Level.APPLIED

    def _count(self, operand: str) -> sympy.Symbol:
        [dim] = self.notation.value(operand).dims
        return symbol(f"{SIZE}{dim}")

    def matrix(self, name: str, transposed: bool = False) -> str:
        """Return W, or its transpose."""
        return self(name, Level.BASE if transposed else Level.ATOM) + (r"^\top" if transposed else "")

    # --- arithmetic --------------------------------------------------------------------------------------

    def _sum(self, node: sympy.Expr) -> tuple[str, Level]:
        text = ""
        signed = [self._signed(term) for term in terms(self.notation, node)]
        for negative, _, printed in sorted(signed, key=lambda term: term[:2]):
            text += (("-" if negative else "") if not text else " - " if negative else " + ") + printed
        return text, Level.SUM

    def _signed(self, term: sympy.Expr) -> tuple[bool, tuple[float, ...], str]:
        """Print a term of a sum without its sign: (whether it is subtracted, its place, its text)."""
        negative, (text, level) = self._is_negative(term), self._unsigned(term)
        if level < Level.PRODUCT and text.startswith("-") and not outermost(text[1:], "+", "-"):
            negative, text, level = not negative, text[1:], Level.PRODUCT
        return negative, self.order.term(term), parenthesized(text) if level < Level.PRODUCT else text

    def _product(self, node: sympy.Expr) -> tuple[str, Level]:
        text, level = self._unsigned(node)
        if self._is_negative(node):
            return f"-{text}", Level.SUM
        return text, level

    def _is_negative(self, term: sympy.Expr) -> bool:
        return is_negative(self.notation, term)

    def _unsigned(self, node: sympy.Expr) -> tuple[str, Level]:
        """Print a product without its sign."""
        listed = [(abs(factor) if factor.is_number else factor, divides)
                  for factor, divides in factors(self.notation, node)]
        ratio = sympy.Mul(*(1 / factor if divides else factor for factor, divides in listed if factor.is_Rational))
        rest = [(sympy.Integer(ratio.p), False), (sympy.Integer(ratio.q), True)]
        rest += [(factor, divides) for factor, divides in listed if not factor.is_Rational]
        above = [factor for factor, divides in rest if not divides and factor is not sympy.S.One]
        below = [factor for factor, divides in rest if divides and factor is not sympy.S.One]
        if not below:
            return self._times(above)
        mean = self._mean(above)
        numerator = self._total(mean.operand)[0] if mean else self._times(above)[0]
        counts = [self._count(mean.operand)] if mean else []
        return rf"\frac{{{numerator}}}{{{self._times([*below, *counts])[0]}}}", Level.ATOM

    def _mean(self, product: list[sympy.Expr]) -> Reduce | None:
        """The mean that is all of a product: over a number, it is a sum over that number times the size."""
        names = [factor.name for factor in product if isinstance(factor, sympy.Symbol)]
        node = self.notation.formula(names[0]) if len(product) == len(names) == 1 else None
        return node if isinstance(node, Reduce) and node.kind == "mean" else None

    def _times(self, unordered: list[sympy.Expr]) -> tuple[str, Level]:
        if len(unordered) < 2:
            return self._print(unordered[0]) if unordered else ("1", Level.ATOM)
        ordered = sorted(unordered, key=self.order.factor)
        scalars = [factor for factor in ordered if not self._is_vector(factor)]
        vectors = [factor for factor in ordered if self._is_vector(factor)]
        vectors = self._outer(vectors)
        level = Level.ATOM if len(vectors) > 1 else Level.APPLIED
        parts = [self(factor, Level.ATOM) for factor in scalars]
        parts += [r" \odot ".join(factor if isinstance(factor, str) else self(factor, level) for factor in vectors)
                  ] if vectors else []
        # A digit after a number would read as one of its own: 0.1 and the indicator 1.
        dot = scalars and scalars[0].is_number and len(parts) > 1 and _DIGIT.match(parts[1])
        text = rf"{parts[0]} \cdot {beside(*parts[1:])}" if dot else beside(*parts)
        return text, Level.PRODUCT if len(vectors) > 1 else Level.APPLIED

    def _outer(self, vectors: list[Any]) -> list[Any]:
        """Replace a column that is repeated and a row that is repeated by the text of their outer product."""
        repeated = {factor.name[len(base(factor.name)):]: factor for factor in vectors if factor.is_Symbol}
        if not {ACROSS, DOWN} <= repeated.keys():
            return vectors
        down, across = repeated[DOWN], repeated[ACROSS]
        rest = [factor for factor in vectors if factor not in (down, across)]
        text = rf"{self(base(down.name), Level.ATOM)} {self(base(across.name), Level.BASE)}^\top"
        return [parenthesized(text) if rest else text, *rest]

    def _is_vector(self, factor: sympy.Expr) -> bool:
        return any(self.notation.has_components(name.name) for name in factor.free_symbols)

    def _power(self, node: sympy.Pow) -> tuple[str, Level]:
        root, exponent = node.base, node.exp
        if exponent.is_negative:
            return rf"\frac{{1}}{{{self(root if exponent == -1 else root**-exponent)}}}", Level.ATOM
        inner = self.notation.formula(root.name) if isinstance(root, sympy.Symbol) else None
        call = inner.expression if isinstance(inner, (Map, Once)) else root
        if isinstance(call, Elementwise) and (found := _CALL.fullmatch(call.row.latex)):
            called = f"{found[1].format()}^{braced(latex_number(exponent))}"
            return called + parenthesized(self(call.args[0])), Level.ATOM
        return f"{self(root, Level.BASE)}^{braced(latex_number(exponent))}", Level.ATOM

    # --- functions ---------------------------------------------------------------------------------------

    def _call(self, node: Elementwise) -> tuple[str, Level]:
        if isinstance(node, where_):
            return self._selection(node)
        arguments = [self(argument) for argument in node.args]
        return sized(node.row.latex, arguments), Level.ATOM

    def _selection(self, node: Elementwise) -> tuple[str, Level]:
        """Return an indicator for where(c, 1, 0), else the cases, with those nested in `otherwise` beside the rest."""
        condition, yes, no = node.args
        if yes == 1 and no == 0:
            return rf"\mathbf{{1}}_{{{self._condition(condition)}}}", Level.ATOM
        if yes == 0 and no == 1:
            return rf"\mathbf{{1}}_{{{self._condition(sympy.Not(condition))}}}", Level.ATOM
        rows = []
        while isinstance(node, where_):
            condition, yes, node = node.args
            rows.append(rf"{self(yes)} & \text{{if }} {self._condition(condition)}")
        rows.append(rf"{self(node)} & \text{{otherwise}}")
        return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}", Level.ATOM

    def _condition(self, node: sympy.Basic) -> str:
        if isinstance(node, boolalg.Not):
            return rf"\neg ({self._condition(node.args[0])})"
        if isinstance(node, (boolalg.And, boolalg.Or)):
            joint = r" \wedge " if isinstance(node, boolalg.And) else r" \vee "
            return joint.join(self._joined(part) for part in sympy.ordered(node.args))
        return f"{self(node.args[0])} {_RELATIONS[type(node)]} {self(node.args[1])}"

    def _joined(self, node: sympy.Basic) -> str:
        text = self._condition(node)
        return text if isinstance(node, relational.Relational) else parenthesized(text)


def beside(*factors: str) -> str:
    """Write factors side by side; a name of several letters gets a little space, or it would read as a product."""
    text = factors[0]
    for factor in factors[1:]:
        word = _ENDS_IN_WORD.search(text) and not factor.startswith((r"\frac", r"\left"))  # which have such a space
        apart = word or factor.startswith((r"\mathit", r"\overline{\mathit"))
        text += (r" \thinspace " if apart else " ") + factor
    return text


def parenthesized(text: str) -> str:
    """Put parentheses around a formula, as tall as it is."""
    return sized(r"\left({0}\right)", [text])


def sized(template: str, arguments: list[str]) -> str:
    r"""Fill in a template; its \left( \right) grow only where an argument is tall, so that spacing stays even."""
    if not any(command in argument for argument in arguments for command in _TALL):
        template = re.sub(r"\\(left|right)([()|])", r"\2", template)
    return _PLACE.sub(lambda found: arguments[int(found[1])] if found[1] else found[0][0], template)
