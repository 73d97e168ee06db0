r"""The equations of a derivation, from the graphs that are compiled: forward, adjoint, and the sums over time."""

from __future__ import annotations

from collections import defaultdict

from symcell.graph.ir import BatchSum, Computed, Graph, Map, MatMul, Outer, TimeSum
from symcell.graph.names import base
from symcell.render.latex import Formula, Level, beside, parenthesized
from symcell.render.lines import Equation
from symcell.render.notation import Notation


def forward_equations(notation: Notation) -> list[Equation]:
    """Return an equation for each value of a step of the forward graph that has a name."""
    return _named(notation, notation.forward, whole=False)


def whole_equations(notation: Notation) -> list[Equation]:
    """Return an equation for each value that is computed for the whole sequence, before the steps."""
    return _named(notation, notation.forward, whole=True)


def whole_adjoint_equations(notation: Notation) -> list[Equation]:
    """Return the adjoints of what is one for the whole sequence: sums over time, and what is made of them."""
    return _named(notation, notation.backward, whole=True)


def _named(notation: Notation, graph: Graph, whole: bool) -> list[Equation]:
    formula = Formula(notation)
    return [Equation(formula(node.out), _right(formula, node)) for node in graph.nodes
            if isinstance(node, Computed | TimeSum) and graph.is_whole(node.out) == whole
            and notation.formula(node.out) is None]


def once_equations(notation: Notation) -> list[Equation]:
    """Return an equation for each named value that is computed from the parameters once per call."""
    formula = Formula(notation)
    return [Equation(formula(node.out), formula.over(node)[0] if node.over else formula(node.expression))
            for node in notation.forward.once if notation.formula(node.out) is None]


def _right(formula: Formula, node: Computed | TimeSum) -> str:
    if isinstance(node, TimeSum):
        return formula.over_time(node)
    if isinstance(node, Map):
        return formula(node.expression)
    return formula.applied(node) if isinstance(node, MatMul) else formula.reduction(node.kind, node.operand)[0]


def adjoint_equations(notation: Notation) -> list[Equation]:
    """Return the equations of one step of the backward pass, in the order in which they are computed."""
    formula, aliases = Formula(notation), _aliases(notation)
    producers = {node.out for node in notation.backward.nodes}
    equations = [alias for name in aliases if name not in producers for alias in aliases[name]]
    for node in notation.backward.nodes:
        if not isinstance(node, Computed) or not notation.is_adjoint(node.out):
            continue
        if notation.backward.is_whole(node.out):
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
    """Return each parameter's gradient as a sum over time, after those of what is computed from parameters."""
    formula = Formula(notation)
    once = [node.out for node in reversed(notation.forward.once)]
    names = [*once, *(value.name for value in notation.forward.with_role("param"))]
    outs = [notation.backward.adjoints[name] for name in names if name in notation.backward.adjoints]
    return [Equation(formula(out), _gradient(formula, out)) for out in outs]


def _gradient(formula: Formula, out: str) -> str:
    node = next((node for node in formula.notation.backward.once if node.out == out), None)
    if node is None:
        return _summed(formula, out) or "0"
    owned = set(formula.notation.backward.adjoints.values())
    terms = [term for term in node.expression.free_symbols
             if formula.notation.value(term.name).role == "sum" and base(term.name) not in owned]  # what the steps give
    rest = node.expression - sum(terms) if terms else node.expression
    return " + ".join([formula(rest), *(_summed(formula, term.name) for term in terms)])


def _summed(formula: Formula, out: str) -> str:
    """Return what a sum gathers: over all steps, and from what is one for the whole sequence."""
    backward = formula.notation.backward
    nodes = [node for node in backward.nodes if isinstance(node, (Outer, BatchSum)) and node.out == out]
    terms = [_summand(formula, node) for node in nodes if not backward.is_of_sequence(node)]
    parts = [_summand(formula, node)[0] for node in nodes if backward.is_of_sequence(node)]
    if terms:
        body = terms[0][0] if len(terms) == 1 else " + ".join(text for text, _ in terms)
        body = parenthesized(body) if len(terms) > 1 or terms[0][1] == Level.SUM else body
        parts.insert(0, rf"\sum_{{t=1}}^{{T}} {body}")
    return " + ".join(parts)


def _summand(formula: Formula, node: Outer | BatchSum) -> tuple[str, Level]:
    if isinstance(node, Outer):
        return beside(formula(node.left, Level.ATOM), rf"{formula(node.right, Level.BASE)}^\top"), Level.APPLIED
    notation = formula.notation
    if notation.value(node.operand).is_vector and not notation.value(node.out).dims:
        return rf"\mathbf{{1}}^\top {formula(node.operand, Level.ATOM)}", Level.APPLIED
    text = formula(node.operand)
    return text, Level.SUM if text != formula(node.operand, Level.PRODUCT) else Level.PRODUCT
