r"""The equations of a derivation, from the graphs that are compiled: forward, adjoint, and the sums over time."""

from __future__ import annotations

from collections import defaultdict

from symcell.graph.ir import BatchSum, Computed, Map, MatMul, Outer
from symcell.render.latex import Formula, Level, parenthesized
from symcell.render.lines import Equation
from symcell.render.notation import Notation


def forward_equations(notation: Notation) -> list[Equation]:
    """Return an equation for each value of the forward graph that has a name."""
    formula = Formula(notation)
    return [Equation(formula(node.out), _right(formula, node)) for node in notation.forward.nodes
            if isinstance(node, Computed) and notation.formula(node.out) is None]


def _right(formula: Formula, node: Computed) -> str:
    if isinstance(node, Map):
        return formula(node.expression)
    return formula.applied(node) if isinstance(node, MatMul) else formula.reduction(node.kind, node.operand)


def adjoint_equations(notation: Notation) -> list[Equation]:
    """Return the equations of one step of the backward pass, in the order in which they are computed."""
    formula, aliases = Formula(notation), _aliases(notation)
    producers = {node.out for node in notation.backward.nodes}
    equations = [alias for name in aliases if name not in producers for alias in aliases[name]]
    for node in notation.backward.nodes:
        if not isinstance(node, Computed) or not notation.is_adjoint(node.out):
            continue
        if notation.formula(node.out) is None:
            equations.append(Equation(formula(node.out), _right(formula, node)))
        equations += aliases.get(node.out, [])
    return equations


def _aliases(notation: Notation) -> dict[str, list[Equation]]:
    """Adjoints that are another one: of c_t where nothing but the later step reads it, of a where h = a + b."""
    formula, aliases = Formula(notation), defaultdict(list)
    for value in notation.forward.with_role("local"):
        adjoint = notation.backward.adjoints.get(value.name)
        if adjoint is None or value.anonymous or notation.is_static(value.name):
            continue
        own = notation.names[value.name].latex("t", bar=True)
        if own != formula(adjoint):
            aliases[adjoint].append(Equation(own, formula(adjoint)))
    return aliases


def gradient_equations(notation: Notation) -> list[Equation]:
    """Return each parameter's gradient as a sum over time."""
    formula = Formula(notation)
    equations = []
    for value in notation.forward.with_role("param"):
        out = notation.backward.adjoints[value.name]
        terms = [_summand(formula, node) for node in notation.backward.nodes
                 if isinstance(node, (Outer, BatchSum)) and node.out == out]
        body = terms[0][0] if len(terms) == 1 else " + ".join(text for text, _ in terms)
        if len(terms) > 1 or (terms and terms[0][1] == Level.SUM):
            body = parenthesized(body)
        equations.append(Equation(formula(out), rf"\sum_{{t=1}}^{{T}} {body}" if terms else "0"))
    return equations


def _summand(formula: Formula, node: Outer | BatchSum) -> tuple[str, Level]:
    if isinstance(node, Outer):
        return rf"{formula(node.left, Level.ATOM)} {formula(node.right, Level.BASE)}^\top", Level.APPLIED
    notation = formula.notation
    if notation.value(node.operand).is_vector and not notation.value(node.out).dims:
        return rf"\mathbf{{1}}^\top {formula(node.operand, Level.ATOM)}", Level.APPLIED
    text = formula(node.operand)
    return text, Level.SUM if text != formula(node.operand, Level.PRODUCT) else Level.PRODUCT
