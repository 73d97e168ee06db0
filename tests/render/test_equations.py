"""What is printed is what is computed: every equation, read back, has the values of the interpreter."""

import dataclasses
import re

import numpy as np
import pytest

from symcell.graph.interpret import interpret
from symcell.render.lines import broken
from symcell.zoo import find, names
from tests import reductions
from tests.render.cells import Bare, Derived, Entries, Odd, Reduced, Shared
from tests.render.printed import Case, key
from tests.render.reader import Unreadable, read

CELLS = {**{name: name for name in names()}, "odd": Odd, "shared": Shared, "bare": Bare, "derived": Derived,
         "entries": Entries, "reduced": Reduced,
         **{cell.__name__: cell for cell in reductions.CELLS}}


@pytest.fixture(scope="module", params=CELLS)
def case(request):
    cell = CELLS[request.param]
    return Case(find(cell) if isinstance(cell, str) else cell, I=2, H=3, O=4, D=2, P=4)


def test_forward_equations(case):
    equations = case.section("Forward pass")
    assert case.wrong(equations) == []
    lefts = {equation.left for equation in equations}
    assert {key(state, "t") for state, _ in case.cell.spec.states} <= lefts


def test_what_is_computed_once(case):
    equations = case.section("Once per call")
    sums = {**case.params_row(), "size": case.sample.sizes["H"]}
    named = [node.out for node in case.forward.once if not case.forward.value(node.out).anonymous]
    assert [equation.left.replace(" ", "") for equation in equations] == [key(name) for name in named]
    for equation, name in zip(equations, named, strict=True):
        np.testing.assert_allclose(read(equation.right)(sums), case.trace.derived[name], rtol=1e-12, err_msg=name)


def adjoints(case):
    return (*case.section("Adjoints of one step"), *case.section("Gradients of the parameters"))


def test_adjoint_equations_and_gradients(case):
    equations = adjoints(case)
    assert case.wrong(equations) == []
    lefts = {equation.left for equation in equations}
    spec = case.cell.spec
    assert {key(parameter.name, bar=True) for parameter in spec.parameters if parameter.learned} <= lefts
    assert {key(name, "t-1", bar=True, plus="^+") for name, _ in spec.states} <= lefts
    assert {key(name, "t", bar=True) for name, _ in spec.inputs} <= lefts


@pytest.mark.parametrize("room", [6, 12, 24])
def test_a_broken_equation_says_the_same(case, room):
    """However narrow the page: what is written otherwise to be broken has the same value."""
    for equations in (case.section("Forward pass"), adjoints(case)):
        lines = {equation.left: " ".join(broken(equation.right, room, room)) for equation in equations}
        assert case.wrong([dataclasses.replace(equation, right=lines[equation.left]) for equation in equations]) == []


def test_every_adjoint_is_printed_before_it_is_used(case):
    known = {r"\bar{y}_t", r"\bar{y}_{\mathrm{out},t}"}
    if case.cell.spec.output not in {c.next for c in case.forward.carries}:
        known.add(rf"\bar{{{case.cell.spec.output}}}_t")  # an Output of its own is given its adjoint by the loss
    for equation in adjoints(case):
        used = set(re.findall(r"\\bar\{[^{}]*\}_(?:\{[^{}]*(?:\{\w*\})?[^{}]*\}|\w)(?:\^\+)?", equation.right))
        assert {name for name in used if "^" not in name} <= known
        known.add(equation.left)


def jacobian_rows(case):
    """The state Jacobian of one step by central differences, as printed names."""
    step, found = 1e-6, {}
    t, b = 1, 0
    inputs = {name: array[t:t + 1, b:b + 1] for name, array in case.sample.inputs(case.cell).items()}
    state = {c.previous: case.trace.steps[c.previous][t, b][None] for c in case.forward.carries}
    sizes = {**case.sample.sizes, "B": 1}
    for by, at in state.items():
        columns = []
        for index in range(at.size):
            ends = []
            for sign in (1, -1):
                moved = at.copy()
                moved[0, index] += sign * step
                ends.append(interpret(case.forward, 1, inputs, case.params, {**state, by: moved}, sizes).carries)
            columns.append({name: (ends[0][name] - ends[1][name])[0] / (2 * step) for name in state})
        for of in state:
            name = rf"\frac{{\partial{key(of, 't')}}}{{\partial{key(by, 't-1')}}}"
            found[name] = np.stack([column[of] for column in columns], axis=1)
    return found


def test_state_jacobian(case):
    row, expected = dict(case.rows[case.B]), jacobian_rows(case)
    states = dict(case.cell.spec.states)
    for equation in case.section("State Jacobian"):
        short, _, fraction = equation.left.replace(" ", "").rpartition("=")
        size = case.sample.sizes[next((d for s, d in states.items() if f"partial{key(s, 't')}" in fraction), "H")]
        row[fraction] = row[short] = read(equation.right)(row | {"size": size})
    for name, matrix in expected.items():
        printed = row[name] if np.ndim(row[name]) else np.full(matrix.shape, row[name])
        np.testing.assert_allclose(printed, matrix, rtol=1e-5, atol=1e-7)


def mutations(formula):
    """The formula with one sign, factor or index changed."""
    yield from (formula[:m.start()] + " - " + formula[m.end():] for m in re.finditer(r" \+ ", formula))
    if "h_{t-1}" in formula:
        yield formula.replace("h_{t-1}", "h_t", 1)
    if "f_t" in formula:
        yield formula.replace("f_t", "n_t", 1)
    if r"^\top \bar" in formula:
        yield formula.replace(r"^\top", "", 1)


def test_a_planted_error_in_a_printed_equation_is_noticed():
    case = Case(find("mgu"), I=3, H=3)  # square, so that a transposition lost is a wrong value, not a wrong shape
    planted = 0
    for equation in (*case.section("Forward pass"), *adjoints(case)):
        for formula in mutations(equation.right):
            changed = dataclasses.replace(equation, right=formula)
            assert case.wrong([changed]) == [changed], formula
            planted += 1
    assert planted > 20


@pytest.mark.parametrize("formula", [
    r"\input{x}", r"(a", r"\frac{a}{b", r"a ^^ b", "a $ b", r"\left(a)", r"\unknown", "a + ", r"\begin{cases} a", "x#",
])
def test_the_reader_is_strict(formula):
    with pytest.raises((Unreadable, KeyError, IndexError, TypeError)):
        read(formula)({"a": 1.0, "b": 1.0})
