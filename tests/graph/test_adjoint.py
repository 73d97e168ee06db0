"""The adjoint: its names, its sums, what it leaves out, and its numbers."""

import dataclasses
import itertools

import numpy as np
import pytest

from symcell.declare.functions import sigmoid
from symcell.graph.adjoint import adjoint, prune
from symcell.graph.ir import BatchSum, Carry, Map, Once, Outer, Value, symbol
from symcell.zoo import find
from tests.declare.text import START, UPDATE, declare
from tests.graph.cells import FIXED, HEAD, MIXED, SEVERAL, SIZES, STATIC, TINY, WHOLE, loss
from tests.graph.good import GOOD, NODES, VALUES, h
from tests.oracle import Sample, graphs, run


def test_steps_run_in_the_opposite_order():
    forward, backward = graphs(find("lstm"))
    assert [forward.reverse, backward.reverse, adjoint(backward).reverse] == [False, True, False]
    assert backward.name == "LSTM_adjoint"


def test_adjoints_are_called_after_what_they_belong_to():
    _, backward = graphs(find("lstm"))
    assert {name: backward.adjoints[name] for name in ("x", "h", "c", "f", "a_f", "U_f", "b_f", "h.next")} == {
        "x": "d_x", "h": "d_h", "c": "d_c", "f": "d_f", "a_f": "d_a_f", "U_f": "d_U_f", "b_f": "d_b_f",
        "h.next": "d_h.next"}
    assert backward.adjoints["h.next.out"] == "d_y"
    assert backward.carries == (Carry("d_h.later", "d_h"), Carry("d_c.later", "d_c"))
    assert [v.name for v in backward.with_role("input")] == ["d_y"]


def test_the_state_of_jordan_is_called_y_and_so_is_its_adjoint():
    _, backward = graphs(find("jordan"))
    assert backward.adjoints["y"] == "d_y"
    assert backward.adjoints["y.next.out"] == "d_output"


def test_an_output_of_its_own_seeds_the_adjoint_of_its_name():
    _, backward = graphs(find("elman_head"))
    assert backward.adjoints["y.out"] == "d_y"
    assert backward.adjoints["y"] == "d_y"


def test_authors_names_that_look_like_adjoints_are_left_alone():
    cell = declare(HEAD + "d_h, d_y, d_x = Vector(h), Vector(h), Vector(h)\n"
                   "h.next = tanh(W @ x + U @ h + d_h * h + d_y) + d_x + b")
    backward = graphs(cell)[1]
    assert [backward.value(name).role for name in ("d_h",)] == ["param"]
    assert len({backward.adjoints[name] for name in ("h", "d_h", "d_y", "d_x", "x")}) == 5
    assert {"d_h", "d_y", "d_x"}.isdisjoint(backward.adjoints.values())


def test_functions_that_have_a_name_are_not_computed_again():
    _, backward = graphs(find("gru"))
    assert not any(node.expression.has(sigmoid) for node in backward.nodes if isinstance(node, Map))


def test_what_nothing_reads_is_pruned():
    _, backward = graphs(find("lstm"))
    saved = {value.name for value in backward.with_role("saved")}
    assert saved == {"x", "h", "c", "i", "f", "g", "o", "tanh_c_next"}
    used = {*itertools.chain(*(node.reads for node in backward.nodes)), *backward.outputs,
            *(carry.next for carry in backward.carries)}
    assert {value.name for value in backward.with_role("local")} <= used


def test_prune_keeps_parameters_carries_and_their_gradients():
    more = [Value("q", ("H",), "local"), Value("r", ("H",), "saved"), Value("b", ("H",), "param"),
            Value("d_A", ("H", "H"), "sum")]
    spare = dataclasses.replace(
        GOOD, values=(*VALUES, *more), nodes=(*NODES, Map("q", h), Outer("d_A", "h", "h")),
        adjoints={"W": "d_W", "b": "d_b", "A": "d_A", "s": "d_s"})
    assert {v.name for v in prune(spare).values} == {v.name for v in VALUES} - {"d_s"} | {"b"}
    assert prune(spare).nodes == NODES[:-1]


@pytest.mark.filterwarnings("ignore::symcell.UnusedParameterWarning")
@pytest.mark.parametrize("use", ["V @ h * 0", "b - b", "sign(p)", "where(V @ h > p, 1.0, 2.0)", "2 + h * 0"])
def test_a_parameter_that_moves_nothing_has_a_gradient_of_zeros(use):
    cell = declare(HEAD + f"V, p = Matrix(h, h), Vector(h)\nq = h * ({use})\nh.next = tanh(W @ x) + q")
    _, backward = graphs(cell)
    assert not [node for node in backward.nodes if node.out in (backward.adjoints["V"], backward.adjoints["p"])]
    results = run(cell, Sample.draw(cell, **SIZES))
    assert not results.dparams["V"].any()
    assert not results.dparams["p"].any()
    assert results.dparams["V"].shape == (3, 3)
    assert results.dparams["W"].any()


def test_a_scalar_of_two_dimensions_has_a_sum_for_each():
    _, backward = graphs(MIXED)
    sums = [node for node in backward.nodes if isinstance(node, BatchSum) and node.out == "d_s.steps"]
    assert sorted(backward.value(node.operand).dims for node in sums) == [("H",), ("P",)]


def test_scalars_made_of_scalars_are_computed_once_and_not_saved():
    for graph in graphs(MIXED):
        assert "a" not in {value.name for value in graph.with_role("saved", "local")}
        assert Once("a", sigmoid(symbol("s"))) in graph.once


def test_constants_have_no_gradient():
    _, backward = graphs(MIXED)
    assert "k" not in backward.adjoints
    assert backward.value("k").role == "constant"


CLOSELY = [MIXED, STATIC, SEVERAL, WHOLE, FIXED, find("lstm_peephole"), find("jordan")]


@pytest.mark.parametrize("cell", CLOSELY, ids=lambda cell: cell.__name__)
def test_gradients_are_complex_step_differences(cell):
    sample, random = Sample.draw(cell, T=3, B=2, seed=3, **SIZES), np.random.default_rng(1)
    results = run(cell, sample)
    given = sample.x if isinstance(sample.x, dict) else {None: sample.x}
    for part, name, array, gradient in [
            *(("x", name, value, results.dx if name is None else results.dx[name]) for name, value in given.items()),
            *(("params", name, sample.params[name], gradient) for name, gradient in results.dparams.items()),
            *(("state", name, value, results.dstate[name]) for name, value in sample.state.items())]:
        along = random.normal(size=np.shape(array))
        moved = array + 1j * TINY * along
        moved = moved if name is None else {**getattr(sample, part), name: moved}
        expected = loss(cell, sample, **{part: moved}).imag / TINY
        assert (gradient * along).sum() == pytest.approx(expected, rel=1e-11, abs=1e-12), (part, name)


def test_no_steps_give_the_initial_state_and_zero_sums():
    cell = declare(START + UPDATE)
    sample = Sample.draw(cell, T=0, B=2, **SIZES)
    results = run(cell, sample)
    assert results.y.shape == (0, 2, 3)
    assert (results.state["h"] == sample.state["h"]).all()
    assert (results.dstate["h"] == sample.dstate["h"]).all()
    assert not results.dparams["U"].any()
