"""A class body is Python: what it sees from outside, helpers and loops, and the names that it may give."""

import pytest

import symcell
from symcell import Cell, CellError, Constant, Input, Matrix, Output, Scalar, State, Vector, exp, sigmoid, tanh
from symcell.declare.functions import FUNCTIONS
from symcell.graph.lower import lower
from tests.declare.text import START, UPDATE, declare

SLOPE = 0.25  # a global of this module, which class bodies below read


def test_globals_builtins_and_closures_are_seen():
    slope = 0.5

    def squash(v):
        return tanh(v * slope)

    class Local(Cell):
        x, h = Input(), State()
        W = [Matrix][0](h, x)
        count = len([1, 2])
        total = sum([0.5, 0.25])
        q = squash(W @ x) * SLOPE * slope * count
        h.next = q * total + max(1, 2) * h

    assert str(Local.spec.equations[0].expression) == "0.25*tanh(0.5*(W @ x))"
    assert str(Local.spec.equations[1].expression) == "2*h + 0.75*q"


def test_a_local_before_the_class_is_seen_and_one_that_shadows_a_builtin():
    def make(rate, sum):
        class Inner(Cell):
            x, h = Input(), State()
            W = Matrix(h, x)
            h.next = rate * h + W @ x * sum

        return Inner

    assert str(make(0.5, 3).spec.equations[0].expression) == "0.5*h + 3*(W @ x)"
    assert str(make(0.25, 2).spec.equations[0].expression) == "0.25*h + 2*(W @ x)"


def test_helpers_and_loops_of_the_class_body():
    class Helpers(Cell):
        x, h = Input(), State()
        W, U = Matrix(h, x), Matrix(h, h)

        def gate(v):
            return sigmoid(v) * 2

        steps = 3
        total = 0
        for index in range(steps):
            total = total + 0.5 * index
        V = W
        UT = U.T
        h.next = gate(V @ x + UT @ h) * total

    assert str(Helpers.spec.equations[0].expression) == "3.0*sigmoid(U.T @ h + W @ x)"
    assert [e.name for e in Helpers.spec.equations] == ["h.next"]
    assert [p.name for p in Helpers.spec.parameters] == ["W", "U"]


def test_annotations_docstring_and_qualified_name():
    cell = declare('"""Doc."""\n' + START.strip() + "\nq: object = h * b\nh.next = q + W @ x + U @ h")
    assert cell.spec.doc == cell.__doc__ == "Doc."
    assert cell.__module__ == "declared"


@pytest.mark.parametrize("name", ["A", "B", "G", "M", "N", "Q", "R", "I", "S", "E", "T", "pi", "gamma", "beta", "zeta"])
def test_names_that_sympy_has_too(name):
    cell = declare(START + f"{name} = Vector(h)\nc = State()\nc.next = {name} * c" + UPDATE)
    assert str(cell.spec.equations[0].expression) in (f"{name}*c", f"c*{name}")
    assert lower(cell.spec).value(name).dims == ("H",)


@pytest.mark.parametrize("name", ["vec", "tanhf", "main", "x_", "h_next", "d_h", "a_f", "W_f_x", "t_0", "self", "next"])
def test_names_near_those_of_symcell(name):
    cell = declare(START + f"{name} = b * h\nc = State()\nc.next = {name} * c" + UPDATE)
    assert lower(cell.spec).value(name).dims == ("H",)


def test_identifiers_are_folded_as_python_folds_them():
    # Python reads the fullwidth W and the ligature fi as W and fi (NFKC).
    cell = declare("x, h = Input(), State()\n\uff37, \ufb01 = Matrix(h, x), Vector(h)\nh.next = W @ x + fi")
    assert [p.name for p in cell.spec.parameters] == ["W", "fi"]


def test_a_name_of_the_language_may_be_given_again():
    cell = declare("x, h = Input(), State()\ntanh_h, sign = h * 0.5, Vector(h)\nh.next = sign * tanh_h")
    assert [p.name for p in cell.spec.parameters] == ["sign"]


def test_importing_everything_shadows_no_builtin():
    import builtins

    assert not set(symcell.__all__) & (set(vars(builtins)) - {"compile", "__name__"})
    assert "abs" in FUNCTIONS


def test_words_are_values():
    assert Input() == Input("I")
    assert State() == State("H")
    assert Matrix("H", "I").init == "uniform"
    assert (Vector("H").init, Scalar().init, Constant(2).value) == (0.0, 0.0, 2)
    assert Output(exp(1)).expression == exp(1)


def test_next_can_be_read_once_it_is_set():
    cell = declare("x, h, c = Input(), State(), State()\nW, p = Matrix(h, x), Vector(c)\n"
                   "c.next = W @ x + c\nh.next = sigmoid(p * c.next + p * c)")
    assert str(cell.spec.equations[1].expression) == "sigmoid(c*p + c.next*p)"


def test_the_author_may_have_an_h_next_besides():
    cell = declare(START + "h_next = h * 2" + UPDATE + "y = Output(h_next * h.next)")
    graph = lower(cell.spec)
    assert {"h_next", "h.next"} <= {value.name for value in graph.values}


def test_a_declaration_that_fails_leaves_nothing_behind():
    with pytest.raises(CellError):
        declare(START + "h.next = b\nq = nope" + UPDATE)
    declare(START + UPDATE)
