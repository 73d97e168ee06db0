"""The machinery of transformations: a copy is the same cell, and a program can write what a person could."""

from dataclasses import fields

import numpy as np
import pytest

import symcell
from symcell import Cell, CellError, Constant, Input, Matrix, Output, Scalar, State, Vector, equal, sigmoid, tanh, where
from symcell.declare.members import MEMBERS
from symcell.declare.spec import CellSpec
from symcell.declare.symbols import NEXT
from symcell.declare.words import DECLARED, names_in, words
from symcell.graph.lower import lower
from symcell.transforms.body import Body, declaration
from symcell.zoo import names
from tests import together
from tests.declare.text import declare


def copy(cell):
    old = declaration(cell)
    body = Body(old, old.name, "A copy.")
    for equation in old.equations:
        body.enter(equation, body.copied(equation.expression))
    return body.cell()


class Mixed(Cell):
    """Every word, a transpose, a comparison, a power, an output of its own."""

    x, m = Input(), Input("H", each="sequence")
    h, p = State(), State("P")
    W, R = Matrix(h, x, init="glorot"), Matrix(p, h, init=0.5, learned=False)
    b, s = Vector(h, init="uniform", learned=False), Scalar(init=0.25)
    dt = Constant(0.1)
    a = W @ x + R.T @ (p * 2.5) + b
    f = where((a > s) & ~equal(a, m), sigmoid(a) ** 0.5, (h - 1) ** 3 / (2 + h**2))
    h.next = f * h + dt * tanh(m)
    p.next = R @ h.next - p
    y = Output(h.next * f)


@pytest.mark.parametrize("cell", [Mixed, *together.CELLS, *names()])
def test_a_copy_declares_the_same_cell(cell):
    old, new = declaration(cell), copy(cell).spec
    assert str(new) == str(old)
    assert str(lower(new)) == str(lower(old))
    assert [(p.name, p.dims, p.init) for p in new.parameters] == [(p.name, p.dims, p.init) for p in old.parameters]
    assert new.equations[0].symbol != old.equations[0].symbol  # nothing is shared


def test_every_field_of_a_declaration_is_rebuilt():
    """A kind of member that a copy would lose makes this fail: give it a row in symcell.declare.words."""
    fields_of_words = {"whole"}  # what a word of another row holds
    assert {field.name for field in fields(CellSpec)} == {*DECLARED, *fields_of_words, "name", "doc", "equations",
                                                          "output"}
    assert copy(Mixed).spec.whole == ("m",)
    assert [p.name for p in copy(Mixed).spec.parameters if not p.learned] == ["R", "b"]
    assert {type(word) for _, word in words(Mixed.spec)} | {Output} == set(MEMBERS)


def slower(cell, rate):
    """The new state lies `rate` of the way; what reads an update reads it unmixed."""
    old = declaration(cell)
    body = Body(old, f"Slow{old.name}", "Each state moves part of the way.")
    k = body.add(body.fresh("k"), Constant(rate))
    for equation in old.equations:
        formula = body.copied(equation.expression)
        if equation.name.endswith(NEXT):
            state = equation.name.removesuffix(NEXT)
            new = body.add(body.fresh(f"{state}_new"), formula)
            formula = (1 - k) * body[state] + k * new
            body.enter(equation, formula)
            body.read_as(equation.name, new)
        else:
            body.enter(equation, formula)
    return body.cell()


def test_a_transformation_adds_replaces_and_redirects():
    cell = slower("lstm", 0.5)
    equations = {e.name: str(e.expression) for e in cell.spec.equations}
    assert cell.__name__ == "SlowLSTM"
    assert equations["c_new"] == "c*f + g*i"
    assert equations["c.next"] == "c*(1 - k) + c_new*k"
    assert equations["h_new"] == "o*tanh(c_new)"  # not of c.next
    assert cell.spec.doc.startswith("Each state moves part of the way.\n\nMade from LSTM: Long short-term memory.")
    assert cell.spec.constants == (("k", 0.5),)


def test_what_it_computes():
    cell, rng = slower("rnn", 0.25), np.random.default_rng(0)
    reference = symcell.reference(cell)
    params = reference.init_params(seed=1, I=3, H=4)
    x, h = rng.normal(size=(5, 2, 3)), np.zeros((2, 4))
    for step in x:
        h = 0.75 * h + 0.25 * np.tanh(step @ params["W"].T + h @ params["U"].T + params["b"])
    assert np.allclose(reference.infer(x, params)[0][-1], h, rtol=1e-12)


def test_fresh_names_avoid_both_cells():
    body = Body(Mixed.spec, "New", "Trial.", leave_out={"s"})
    assert [body.fresh(wish) for wish in ("q", "s", "a", "h")] == ["q", "s_2", "a_2", "h_2"]


def test_the_checks_of_a_class_body_hold():
    body = Body(Mixed.spec, "New", "Trial.")
    with pytest.raises(CellError, match=r"New: a is a vector of H|New: q: the shapes in .* do not agree"):
        body.add("q", body["h"] + body["p"])
    with pytest.raises(CellError, match="New: dt is defined twice"):
        body.add("dt", Constant(1.0))
    with pytest.raises(CellError, match=r"New: the state h has no update"):
        body.cell()


def test_a_formula_of_what_is_not_there_is_refused():
    body = Body(Mixed.spec, "New", "Trial.", leave_out={"s"})
    with pytest.raises(CellError, match=r"New: .* reads a, s of Mixed, which the new cell does not have, or not yet"):
        body.copied(Mixed.spec.equations[1].expression)


@pytest.mark.parametrize("wrong", [None, 3, Cell, Mixed.spec])
def test_what_is_no_cell_is_refused(wrong):
    with pytest.raises(CellError, match="expected a Cell class or the name of a cell of the zoo"):
        declaration(wrong)


def test_names_in_a_formula():
    cell = declare("x, h = Input(), State()\nW = Matrix(h, x)\nh.next = tanh(W @ (x * 2)) + h")
    assert names_in(cell.spec.equations[0].expression) == {"W", "x", "h"}


LONG = "a" * 64


@pytest.mark.parametrize("transform", [symcell.zoneout, symcell.variational_dropout])
def test_a_name_that_becomes_too_long_is_traced_to_its_author(transform):
    cell = declare(f"""
x, {LONG} = Input(), State()
W, U = Matrix({LONG}, x), Matrix({LONG}, {LONG})
{LONG}.next = tanh(W @ x + U @ {LONG})
""")
    with pytest.raises(CellError, match=rf"the transformed cell would have the quantity (zone|drop)_{LONG}, of 69 "
                       rf"characters, and a name has at most 64\. It is made of {LONG}: .* shorter by 5\."):
        transform(cell, 0.1)


def test_a_class_name_that_becomes_too_long_is_traced_to_its_author():
    class Short(Cell, name="C" * 64):
        x, h = Input("H"), State()
        h.next = x + h

    with pytest.raises(CellError, match=r"the class name ZoneoutC*, of 71 characters, .* It is made of CCC*: give"):
        symcell.zoneout(Short, 0.1)
