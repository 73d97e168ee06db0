"""What a derivation says, section by section.

The prose is ours, and valid both in LaTeX and in Markdown: its only special characters are the dollar signs of its
formulas.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import sympy

from symcell.declare.spec import CellSpec
from symcell.declare.symbols import NEXT, ROW
from symcell.graph.ir import Once, Reduce, Value
from symcell.graph.jacobian import jacobian
from symcell.render import counts
from symcell.render.equations import (
    adjoint_equations,
    forward_equations,
    gradient_equations,
    once_equations,
    whole_adjoint_equations,
    whole_equations,
)
from symcell.render.lines import WIDTH, Equation, aligned, broken
from symcell.render.names import name_of
from symcell.render.notation import Notation
from symcell.render.numbers import latex_number
from symcell.render.partials import Partials
from symcell.render.width import text_width, width

PER_ROW = 8  # names in one row of the table of dimensions, if the page is wide enough
_BETWEEN = 1.2  # em between two columns, and again at the ends of a row


@dataclass(frozen=True)
class Section:
    """Paragraphs, then a table, then equations; each may be absent. The first row of the table is its head."""

    title: str
    text: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    equations: tuple[Equation, ...] = ()


def sections(spec: CellSpec, notation: Notation) -> tuple[Section, ...]:
    """Return the body of the derivation."""
    named, forward = once_equations(notation), forward_equations(notation)
    once = notation.forward.once
    adjoint = adjoint_equations(notation)
    gradients = gradient_equations(notation)
    partials = Partials(notation, jacobian(notation.forward)).equations()
    whole, summed = whole_equations(notation), whole_adjoint_equations(notation)
    groups = (named, whole, forward, adjoint, summed, gradients, partials)
    formulas = [equation.right for equations in groups for equation in equations]
    lines = [aligned(equations) for equations in groups]  # which may say in other symbols what is too long for one
    return (
        Section("Notation", tuple(_notation(notation, [*formulas, *lines]))),
        Section("Dimensions", table=(("quantity", "kind", "shape"), *_dimensions(spec, notation))),
        Section("Size", (_COUNTED,), (("quantity", "count"), *_size(spec, notation))),
        *([Section("Once per call", (_ONCE,), (), tuple(named))] if named else []),
        *([Section("For the whole sequence", (_WHOLE,), (), tuple(whole))] if whole else []),
        Section("Forward pass", (_FORWARD,), (), tuple(forward)),
        Section("Adjoints of one step", (_ORDER,), (), tuple(adjoint)),
        *([Section("Adjoints of the whole sequence", (_SUMMED,), (), tuple(summed))] if summed else []),
        *([Section("Gradients of the parameters", (_ONCE_GRADIENTS if once else _GRADIENTS,), (), tuple(gradients))]
          if gradients else []),
        Section("State Jacobian", (_JACOBIAN,), (), tuple(partials)),
    )


_COUNTED = ("Multiply-adds are those of the matrix products, for one sequence and one step; "
            "elementwise operations are left out.")
_ONCE = "What the parameters alone give is computed before the first step; the steps use it like a parameter."
_ONCE_GRADIENTS = ("Each sum over time is one over the batch as well. What was computed once per call passes its "
                   "gradient on, once per call, to what it was computed from.")
_JACOBIAN = "How the new state depends on the old; a partial that is used again has a name."
_WHOLE = "Of each sequence of a batch; the same at all steps."
_SUMMED = "After the last of these steps, for each sequence of a batch."
_FORWARD = "For $t = 1$ up to $T$."
_ORDER = "In the order in which they are computed, for $t = T$ down to $1$."
_GRADIENTS = "Each is a sum over time; for a batch of sequences it is also a sum over the batch."


def _notation(notation: Notation, formulas: Iterable[str]) -> Iterator[str]:
    states = [notation.names[carry.previous] for carry in notation.forward.carries]
    inputs = [str(notation.latex(value.name)) for value in notation.forward.with_role("input")]
    yield (f"The time index $t$ runs from $1$ to $T$. Step $t$ reads the "
           f"{'input' if len(inputs) == 1 else 'inputs'} {_listed(inputs)} and the "
           f"{'state' if len(states) == 1 else 'states'} {_listed(s.latex('t-1') for s in states)}, and computes "
           f"{_listed(s.latex('t') for s in states)}; {_listed(s.latex('0') for s in states)} "
           f"{'is' if len(states) == 1 else 'are'} given. {_output(notation)}")
    special = r"$\odot$ is the product of components; functions, fractions and powers act on each component."
    text = " ".join(formulas)
    if r"\mathbf{1}_" in text or r"\mathbf{1}[" in text:
        long = r", or $\mathbf{1}[a > b]$," if r"\mathbf{1}[" in text else ""
        special += rf" $\mathbf{{1}}_{{a > b}}${long} is $1$ where the condition holds and $0$ elsewhere."
    if r"\mathbf{1}^\top" in text:
        special += r" $\mathbf{1}^\top v$ is the sum of the components of $v$."
    if r"\mathbf{B}_" in text:
        special += r" $\mathbf{B}_n$ holds $1$ in $n$ blocks along the diagonal and $0$ elsewhere."
    if r"\operatorname{colmax}" in text or r"\operatorname{rowmax}" in text:
        special += r" $\operatorname{colmax}(A)$ holds the largest entry of each column of $A$, rowmax of each row."
    if r"\mathbf{1} " in text or r" \mathbf{1}^" in text:
        special += (r" $\mathbf{1} v^\top$ is the matrix whose rows are all $v$, and $A \mathbf{1}$ holds the sums of "
                    r"the rows of $A$.")
    if any(isinstance(node, Reduce) or (isinstance(node, Once) and node.over == "all")
           for node in notation.forward.nodes):
        special += r" A number beside a vector meets each of its components; $\max(v)$ is the largest component of $v$."
    yield special
    s = states[0]
    yield (rf"A bar marks an adjoint: $\bar{{v}} = \partial \mathcal{{L}} / \partial v$ for the loss $\mathcal{{L}}$. "
           rf"${s.latex('t', bar=True, superscript='+')}$ is what the adjoint of ${s.latex('t')}$ receives from the "
           rf"later step, $t+1$; step $t$ hands ${s.latex('t-1', bar=True, superscript='+')}$ to the earlier one. At "
           rf"$t = T$ it is the adjoint of the final state, zero where the loss does not read that.")


def _output(notation: Notation) -> str:
    output = notation.forward.outputs[0]
    printed, seed = notation.output(output).latex("t"), notation.seed(output)
    value = notation.latex(output)
    comes = rf"the loss contributes ${seed}$ to the adjoint of each step"
    if printed == value:
        return f"The output is ${printed}$, and {comes}."
    return f"The output is ${printed} = {value}$, and {comes}."


def _listed(formulas: Iterable[str]) -> str:
    *first, last = [f"${formula}$" for formula in formulas]
    return f"{', '.join(first)} and {last}" if first else last


def _dimensions(spec: CellSpec, notation: Notation) -> Iterator[tuple[str, ...]]:
    """Rows of (names, kind, shape): what is of one kind and shape shares a row, as far as that is wide enough."""
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for value in _named(notation):
        alike[_kind(value), _shape(value)].append(_printed(value, notation))
    kinds = max((text_width(kind) for kind, _ in alike), default=0.0)
    shapes = max((width(shape.strip("$")) for _, shape in alike), default=0.0)
    room = WIDTH - kinds - max(shapes, text_width("scalar")) - 3 * _BETWEEN
    for kind, shape in sorted(alike, key=lambda row: _KINDS.index(row[0])):
        for names in _lines(alike[kind, shape], room):
            yield names, kind, shape
    for name, number in spec.constants:
        yield f"${notation.names[name].latex()} = {latex_number(sympy.Float(number))}$", "constant", "scalar"


def _lines(names: Iterable[str], room: float) -> Iterator[str]:
    """Yield names, as many in a row as have room, PER_ROW at most."""
    row: list[str] = []
    for name in names:
        if row and (len(row) == PER_ROW or sum(map(width, [*row, name])) + len(row) * text_width(", ") > room):
            yield ", ".join(f"${name}$" for name in row)
            row = []
        row.append(name)
    if row:
        yield ", ".join(f"${name}$" for name in row)


_KINDS = ("input", "input of the sequence", "state", "parameter", "not learned", "computed")


def _named(notation: Notation) -> list[Value]:
    return [value for value in notation.forward.values
            if not value.anonymous and (value.dims or value.role != "constant") and not value.name.endswith(NEXT)]


def _kind(value: Value) -> str:
    if value.role == "input" and value.whole:
        return "input of the sequence"
    kinds = {"input": "input", "carry": "state", "param": "parameter", "constant": "not learned"}
    return kinds.get(value.role, "computed")


def _printed(value: Value, notation: Notation) -> str:
    """A state stands in the table as it leaves the step."""
    return notation.names[value.name].latex("t" if value.role == "carry" else notation.time(value.name))


def _shape(value: Value) -> str:
    product = r" \times ".join(name_of(dim).latex() for dim in value.dims)
    return f"${product}$" if value.dims not in ((), (ROW,)) else "scalar"


def _size(spec: CellSpec, notation: Notation) -> list[tuple[str, str]]:
    rows = [("parameters", counts.parameter_counts(notation.forward)),
            ("multiply-adds of a step, forward", counts.multiply_adds(notation.forward)),
            ("multiply-adds of a step, backward", counts.multiply_adds(notation.backward))]
    room = WIDTH - text_width(rows[-1][0]) - 2 * _BETWEEN
    return [(what if not index else "", f"${line}$") for what, count in rows
            for index, line in enumerate(broken(counts.formula(count, spec.dims), room, room))]
