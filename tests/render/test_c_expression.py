"""The last steps from a program to C: its expressions, read back and evaluated, and its identifiers."""

import re

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from symcell.compiler import stages
from symcell.declare import functions as table
from symcell.declare.functions import FUNCTIONS
from symcell.graph.evaluate import evaluate
from symcell.render.c_expression import c_expression
from symcell.render.identifiers import Identifiers, identifiers
from symcell.zoo import names
from tests.declare.text import declare
from tests.schedule.cells import CELLS

SYMBOLS = a, b, c, d = sympy.symbols("a b c d", real=True)
RANDOM = np.random.default_rng(0)
VALUES = {s.name: RANDOM.uniform(0.2, 2, 6) * [1, -1, 1, -1, 1, 1] for s in SYMBOLS}
VALUES["d"] = VALUES["a"].copy()  # ties
C_FUNCTIONS = {f.row.c: f.row.numpy for f in FUNCTIONS.values()} | {"vfill": float, "vpower": lambda x, n: x**n}


def read_c(text, values=VALUES, prefix="v_"):
    """The value of a C expression, read as Python: what C says of these operators, Python says too."""
    assert "--" not in text
    assert "++" not in text
    assert re.fullmatch(r"[A-Za-z_0-9+\-*/(), .<>=!&|~]+", text), text
    python = text.replace("(ivec)(", "(")
    environment = {prefix + name: np.asarray(array) for name, array in values.items()}
    return eval(python, {"__builtins__": {}}, {**C_FUNCTIONS, **environment})


def check_text(expression):
    text = c_expression(expression, "v_{}".format)
    with np.errstate(all="ignore"):
        got, expected = read_c(text), evaluate(expression, VALUES)
    np.testing.assert_allclose(got, np.asarray(expected, float), rtol=1e-13, atol=1e-300, err_msg=text)
    return text


PRINTED = {
    a + b: "v_a + v_b",
    a - b: "v_a - v_b",
    -a - b: "-v_a - v_b",
    b - a: "v_b - v_a",
    -a: "-v_a",
    a * b: "v_a * v_b",
    a * (b + c): "v_a * (v_b + v_c)",
    -a * b: "-v_a * v_b",
    -(a + b) * c: "v_c * (-v_a - v_b)",
    a - (b + c) * d: "v_a - v_d * (v_b + v_c)",
    a / b: "v_a / v_b",
    1 / a: "vfill(1.0) / v_a",
    a / (b * c): "v_a / v_b / v_c",
    a / (b + c): "v_a / (v_b + v_c)",
    1 / (a * b): None,
    a**2: "v_a * v_a",
    a**2 * b: None,
    b / a**2: None,
    (a + b) ** 2: "vpower(v_a + v_b, 2)",
    a**3: "vpower(v_a, 3)",
    a**-1: None,
    a**-3: None,
    (a + b) ** -2: None,
    (a**2 + 1) ** -1: None,
    -(a**2): None,
    2 * a: "vfill(2.0) * v_a",
    a / 3: None,
    -a / 3: None,
    sympy.Rational(-2, 3) * a * b**-2: None,
    0.1 * a - 0.7 * b: None,
    -0.1 * a * (b - c): None,
    -2 * a / b: None,
    a - 1: None,
    1 - a: "vfill(1.0) - v_a",
    1 - a**2: "vfill(1.0) - v_a * v_a",
    sympy.pi * a: None,
    sympy.sqrt(2) * a + 1 / sympy.sqrt(2): None,
    a * 1e-300 * 1e300: None,
    table.sqrt(a**2) ** -3: None,
    table.sigmoid(-a) * (1 - table.sigmoid(b - c)): None,
    table.tanh(table.tanh(a) + b / c): None,
    table.exp(-(a**2) / 2): None,
    table.log(a**2 + 1) / table.exp(b): None,
    table.maximum(a - b, -c): None,
    table.minimum(a, table.relu(b)) - 1: None,
    table.where(a > 0, b, -c): "vselect((ivec)(v_a > vfill(0.0)), v_b, -v_c)",
    table.where((a > 0) & (b <= c), a, b - c): None,
    table.where((a > 0) & ((b < 0) | (c >= 1)), a, b): None,
    table.where(((a > 0) & (b < 0)) | (c >= 1), a, b): None,
    table.where(~((a > b) | (c < 0)), a, b): None,
    table.where(~table.equal(a, d) & (b > 0), a, b): None,
    table.where(table.equal(a, d), 1, 0): None,
    table.where(sympy.Ne(a, d), 1, 0): None,
    table.where(a - b > c * d, 1 - a, 2): None,
    table.where(table.where(a > 0, b, c) > 0, 1, -1): None,
    table.leaky_relu(a - b, 0.3): None,
    table.absolute(a) * table.sign(b): None,
    table.absolute(a - b): None,
    table.sigmoid(sympy.Integer(0)) * a: None,
    sympy.Integer(3) + 0 * a: "vfill(3.0)",
    sympy.Float("0.1", 17): "vfill(0.1)",
}


@pytest.mark.parametrize(("expression", "printed"), PRINTED.items(), ids=str)
def test_expressions(expression, printed):
    text = check_text(expression)
    assert printed is None or text == printed


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in ("where", "log", "sqrt")])
def test_every_function_and_its_derivatives(name):
    function = FUNCTIONS[name]
    applied = function(*(a - b, c)[: len(function.row.partials)])
    check_text(applied)
    check_text(sympy.diff(applied, a))


@pytest.mark.parametrize("value", [0.1, 1 / 3, 1e-300, 1e300, 5e-324, 0.1 + 0.2, 123456789.12345679, 2.0**60, -0.1])
def test_numbers_are_read_back_exactly(value):
    text = c_expression(sympy.Float(value, 17), "v_{}".format)
    assert read_c(text) == value
    assert re.fullmatch(r"vfill\((-?[0-9.e+-]+)\)", text)
    assert "." in text or "e" in text  # a double, never an int


def grown(children):
    both = st.tuples(children, children)
    return st.one_of(
        both.map(lambda p: p[0] + p[1]), both.map(lambda p: p[0] - p[1]), both.map(lambda p: p[0] * p[1]),
        both.map(lambda p: p[0] / (p[1] ** 2 + 1)), children.map(lambda e: -e), children.map(lambda e: e**2),
        children.map(table.tanh), both.map(lambda p: table.maximum(*p)),
        both.map(lambda p: table.where((p[0] - a < p[1] + 0.125 * b) & (a > b), p[0], p[1])))


LEAVES = st.sampled_from([*SYMBOLS, sympy.Integer(2), sympy.Rational(-1, 3), sympy.Float(0.7)])


@given(st.recursive(LEAVES, grown, max_leaves=10))
def test_any_expression_means_the_same_in_c(expression):
    text = c_expression(expression, "v_{}".format)
    with np.errstate(all="ignore"):
        got, expected = read_c(text), np.asarray(evaluate(expression, VALUES), float)
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9 * (1 + np.abs(expected[np.isfinite(expected)]).max(
        initial=0.0)) if expected.ndim else 1e-9, err_msg=text)


@pytest.mark.parametrize("cell", [*names(), *CELLS], ids=lambda cell: getattr(cell, "__name__", cell))
def test_every_line_of_every_program(cell):
    made, random = stages(cell).program, np.random.default_rng(1)
    for part in (made.forward, made.backward):
        named = identifiers(part.graph)
        for stage in part.stages:
            for assign in stage.body:
                values = {s.name: random.uniform(0.1, 0.9, 5) for s in assign.expression.free_symbols}
                text = c_expression(assign.expression, lambda name, named=named: f"v_{named(name)}")
                got = read_c(text, {named(name): array for name, array in values.items()})
                # Terms of order 1 may cancel: what is left has their rounding, a few times 1e-16.
                np.testing.assert_allclose(got, evaluate(assign.expression, values), 1e-13, 1e-15, err_msg=text)


@pytest.mark.parametrize("condition", [(a > 0) ^ (b > 0), (a > 0) >> (b > 0), sympy.ITE(a > 0, b > 0, c > 0)], ids=str)
def test_other_connectives_have_no_c(condition):
    with pytest.raises(TypeError, match="no C for "):
        c_expression(condition, "v_{}".format)


@pytest.mark.parametrize("expression", [
    sympy.sin(a), sympy.Piecewise((a, b > 0), (b, True)), sympy.Derivative(a**2, a)])
def test_what_is_no_elementwise_operation_has_no_c(expression):
    with pytest.raises(TypeError, match="no C for "):
        c_expression(expression, "v_{}".format)


# --- identifiers -----------------------------------------------------------------------------------------------------

HOSTILE = ("h.next", "h_next", "h.next_2", "h_next_2", "h.next.2", "d_h.later", "d_h_later", "t.0", "t_0", "a.b.c",
           "a_b.c", "a.b_c", "a_b_c", "all.deltas", "all_deltas", "rows.b", "rows_b")


@pytest.mark.parametrize("order", [1, -1])
def test_identifiers_are_one_to_one(order):
    mapped = Identifiers(HOSTILE[::order])
    tails = {name: mapped(name) for name in HOSTILE[::order]}
    assert len(set(tails.values())) == len(HOSTILE)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", tail) for tail in tails.values())
    assert all(tails[name] == name for name in HOSTILE if "." not in name)
    assert {name: mapped(name) for name in HOSTILE} == tails  # and stay so


def test_a_made_up_name_that_comes_late_steps_aside():
    mapped = Identifiers(["t_0", "h_next", "h_next_2"])
    assert [mapped(name) for name in ("t.0", "h.next", "t.0", "h.next")] == ["t_0_2", "h_next_3", "t_0_2", "h_next_3"]


def test_the_identifiers_of_a_cell_of_hostile_names():
    cell = declare("""
x, h = Input(), State()
h_next, d_h, d_h_later = Vector(h), Vector(h), Vector(h)
d_y, t_0, all_deltas = Vector(h), Vector(h), Vector(h)
W, U = Matrix(h, x), Matrix(h, h)
a_h_next = tanh(W @ x + U @ h + h_next) * t_0
h.next = a_h_next * d_h + d_h_later * h + d_y + all_deltas * (1 - a_h_next) * (1 - a_h_next)
""")
    made = stages(cell).program
    mapped = identifiers(made.forward.graph, made.backward.graph)
    every = [v.name for graph in (made.forward.graph, made.backward.graph) for v in graph.values]
    every += [buffer.name for part in (made.forward, made.backward) for buffer in part.buffers]
    tails = {name: mapped(name) for name in every}
    assert len(set(tails.values())) == len(tails)
