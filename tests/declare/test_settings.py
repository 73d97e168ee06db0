"""A cell with settings is a function that returns a cell: class bodies in functions, loops, names put together."""

import numpy as np
import pytest

import symcell
from symcell import Cell, CellError, Input, Matrix, Scalar, State, Vector, named, relu, tanh
from symcell.graph.lower import lower
from symcell.proof import symbolic
from symcell.zoo.highway import rhn
from tests.declare.text import START, UPDATE, declare
from tests.oracle import Sample, assert_alive, assert_close, run
from tests.zoo.test_frameworks import run_torch_cell


def stacked(depth, activation=tanh, scale=0.5):
    class Stacked(Cell, name=f"Stacked{depth}"):
        x, h = Input(), State()
        W = Matrix(h, x)
        levels = [W @ x]
        for k in range(depth):
            U = named(f"U_{k}", Matrix(h, h))
            levels.append(named(f"a_{k}", activation(U @ levels[-1] * scale)))
        h.next = levels[-1] + h

    return Stacked


def written(line, **others):
    return declare(START + line + UPDATE, named=named, **others)


# --- loops and names ----------------------------------------------------------------------------------------


def test_a_loop_names_what_it_makes():
    spec = stacked(3).spec
    assert (spec.name, stacked(3).__name__) == ("Stacked3", "Stacked3")
    assert [p.name for p in spec.parameters] == ["W", "U_0", "U_1", "U_2"]
    assert [e.name for e in spec.equations] == ["a_0", "a_1", "a_2", "h.next"]
    assert str(spec.equations[1]).count("a_0")


def test_settings_are_plain_python():
    assert "relu" in str(lower(stacked(1, relu).spec))
    assert str(stacked(1, scale=0.25).spec.equations[0].expression) == "tanh(0.25*(U_0 @ (W @ x)))"
    assert str(stacked(2).spec) != str(stacked(1).spec)


def test_a_given_name_can_be_read():
    spec = written("named('q', U @ h)\nr = q * 2").spec
    assert [(e.name, str(e.expression)) for e in spec.equations[:2]] == [("q", "U @ h"), ("r", "2*q")]


def test_a_variable_of_a_named_quantity_is_no_quantity():
    spec = written("a = named('q', U @ h)\na = named('r', a * 2)\nV = named('M', Matrix(h, h))\nV = V.T").spec
    assert [e.name for e in spec.equations] == ["q", "r", "h.next"]
    assert [p.name for p in spec.parameters] == ["W", "U", "b", "M"]


def test_all_other_assignments_still_name():
    spec = written("a = named('q', U @ h)\nc = a + h\nd = c").spec
    assert [e.name for e in spec.equations] == ["q", "c", "d", "h.next"]


def test_a_helper_function_names_in_the_cell_that_calls_it():
    def gate(name, v):
        return named(name, tanh(named(f"W_{name}", Matrix(v, v)) @ v + named(f"b_{name}", Vector(v))))

    class Two(Cell):
        x, h = Input("H"), State()
        class_level = gate("f", x)
        h.next = class_level * gate("g", h)

    assert [p.name for p in Two.spec.parameters] == ["W_f", "b_f", "W_g", "b_g"]
    assert [e.name for e in Two.spec.equations] == ["f", "g", "h.next"]


@pytest.mark.parametrize(("line", "message"), [
    ("named('W', U @ h)", "Trial: W is defined twice"),
    ("a = named('q', U @ h)\nq = tanh(h)", "Trial: q is defined twice"),
    ("a = named('q', U @ h)\nb = a", "Trial: b is defined twice"),
    ("named('q', 3)", r"Trial: named\(\"a\", value\) expects a name and a formula .*; got 'q' and 3"),
    ("named('q', [Matrix(h, h)])", "expects a name and a formula"),
    ("named(h, U @ h)", "expects a name and a formula"),
    ("named('__doc__', U @ h)", "expects a name and a formula"),
    ("named('two words', U @ h)", "the name 'two words' cannot be used"),
    ("named('h.next', U @ h)", r"the name 'h.next' cannot be used"),
    ("Us = [Matrix(h, h), Matrix(h, h)]", r"or in a loop named\(\"a_1\", State\(\)\)"),
])
def test_misuse_is_refused(line, message):
    with pytest.raises(CellError, match=message):
        written(line)


def test_outside_of_a_class_body():
    with pytest.raises(CellError, match=r"named\('q', ...\) stands outside of a class body"):
        named("q", Scalar())


@pytest.mark.parametrize(("words", "message"), [
    ({"name": "a b"}, "the name 'a b' cannot be used"), ({"name": 3}, "the name 3 cannot be used"),
    ({"nam": "A"}, r"class A\(Cell, ...\) takes name=\"...\" and nothing else; got nam"),
])
def test_a_class_statement_takes_a_name_only(words, message):
    with pytest.raises(CellError, match=message):
        class A(Cell, **words):
            x, h = Input("H"), State()
            h.next = x + h


# --- the recurrent highway network --------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_highway_networks_of_other_depths(depth):
    cell = rhn(depth)
    sample = Sample.draw(cell, T=4, B=3, I=5, H=4)
    results = run(cell, sample)
    assert_alive(results)
    assert_close(results, run_torch_cell("rhn", sample), tolerance=1e-11)
    assert cell.__name__ == f"RHN{depth}"
    assert f"of {depth} levels" in cell.spec.doc


def test_the_gradient_of_one_level_is_proven():
    rows = symbolic.check(rhn(1).spec)
    assert all(row.passed and row.how.startswith("proof") for row in rows)


@pytest.mark.parametrize("depth", [0, -1, 1.0, "3", True, None])
def test_a_depth_is_a_positive_integer(depth):
    with pytest.raises(CellError, match=r"rhn\(depth\): expected an integer of at least 1"):
        rhn(depth)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_kernel_of_a_highway_network(dtype):
    kernel, reference = symcell.compile("rhn", dtype), symcell.reference("rhn")
    params = kernel.init_params(seed=0, I=5, H=7)
    exact = {name: array.astype("float64") for name, array in params.items()}
    rng = np.random.default_rng(1)
    x, dy = rng.normal(size=(6, 3, 5)).astype(dtype), rng.normal(size=(6, 3, 7)).astype(dtype)
    run, expected = kernel.forward(x, params), reference.forward(x.astype("float64"), exact)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    assert np.allclose(run.y, expected.y, rtol=0, atol=tolerance)
    got, wanted = kernel.backward(run, dy), reference.backward(expected, dy.astype("float64"))
    for name, array in wanted.params.items():
        assert np.abs(array).max() > 1e-3
        assert np.allclose(got.params[name], array, rtol=0, atol=100 * tolerance), name
