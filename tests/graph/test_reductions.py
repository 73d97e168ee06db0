"""Reductions in graphs: how they are lowered and differentiated, what the checker finds, and oracles that can fail."""

import dataclasses

import numpy as np
import pytest

from symcell.graph import reductions
from symcell.graph.adjoint import adjoint
from symcell.graph.builder import symbol
from symcell.graph.check import GraphError, check
from symcell.graph.interpret import interpret
from symcell.graph.ir import Carry, Graph, Map, Reduce, Value
from symcell.graph.jacobian import evaluate_jacobian, jacobian
from symcell.graph.lower import lower
from symcell.proof import frameworks, handwritten, numeric, symbolic
from symcell.proof.problem import random_problem
from tests.declare.text import declare
from tests.reductions import CELLS, Attending, Largest, Means, Normed

ORACLES = {"symbolic": symbolic.check, "differences": numeric.check, "declaration": handwritten.check,
           "torch": frameworks.check_torch}
each_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
HEAD = "x, h = Input('H'), State()\n"


def equations(graph):
    return [str(node) for node in graph.nodes]


def test_a_mean_and_its_adjoint_as_text():
    forward = lower(declare(HEAD + "m = reduce_mean(h)\nh.next = x * m").spec)
    assert equations(forward) == ["m = mean(h)", "h.next = m*x"]
    assert equations(adjoint(forward)) == [
        "d_h.next = d_h.later + d_y",
        "d_m_in = d_h.next*x",
        "sum_d_m_in = sum(d_m_in)",
        "sum_d_m_in_part = sum_d_m_in/size.of.H",
        "d_h = sum_d_m_in_part",
        "d_x = d_h.next*m",
    ]


def test_a_maximum_and_its_adjoint_as_text():
    forward = lower(declare(HEAD + "h.next = h - reduce_max(x)").spec)
    assert equations(forward) == ["max_x = max(x)", "h.next = h - max_x"]
    assert equations(adjoint(forward))[-5:] == [
        "d_max_x_in = -d_h.next",
        "sum_d_max_x_in = sum(d_max_x_in)",
        "argmax_x = argmax(x)",
        "d_h = d_h.next",
        "d_x = where(Eq(index.of.H, argmax_x), sum_d_max_x_in, 0)",
    ]


def test_a_norm_names_its_mean_and_spread_and_holds_what_it_repeats():
    graph = lower(declare(HEAD + "W = Matrix(h, h)\nn = layer_norm(W @ x + h)\nh.next = tanh(n)").spec)
    assert equations(graph) == [
        "W_x = W @ x", "n_in = W_x + h", "mu_n = mean(n_in)", "n_in_2 = -mu_n + n_in",
        "n_in_3 = n_in_2**2", "mean_n_in_3 = mean(n_in_3)", "s_n = sqrt(mean_n_in_3 + 1.0e-5)", "n_in_4 = 1/s_n",
        "n = n_in_2*n_in_4", "h.next = tanh(n)",
    ]


VALUES = (Value("x", ("H",), "input"), Value("h", ("H",), "carry"), Value("m", ("1",), "local"),
          Value("h.next", ("H",), "local"))
NODES = (Reduce("m", "mean", "x"), Map("h.next", symbol("h") * symbol("m")))
GOOD = Graph("Good", VALUES, NODES, (Carry("h", "h.next"),), ("h.next",))


@pytest.mark.parametrize(("value", "node", "said"), [
    (None, Reduce("m", "median", "x"), "'median' is no reduction"),
    (Value("m", ("H",), "local"), NODES[0], "do not agree"),
    (Value("m", (), "local"), NODES[0], "do not agree"),
    (Value("x", ("1",), "input"), NODES[0], "do not agree"),
    (Value("m", ("1",), "local"), Map("m", symbol("x") * 2), "do not agree"),
    (Value("m", (), "local"), Map("m", symbol("x") * 2), "do not agree"),
])
def test_the_checker_knows_what_a_reduction_leaves(value, node, said):
    assert check(GOOD) is GOOD
    values = tuple(value if value and value.name == v.name else v for v in VALUES)
    with pytest.raises(GraphError, match=said):
        check(dataclasses.replace(GOOD, values=values, nodes=(node, NODES[1])))


@pytest.mark.parametrize("oracle", ["differences", "declaration", "torch"])
@each_cell
def test_every_oracle_agrees(cell, oracle):
    if oracle == "torch":
        pytest.importorskip("torch")
    rows = ORACLES[oracle](cell.spec)
    assert rows
    assert all(row.passed for row in rows), rows


@pytest.mark.parametrize(("cell", "how"), [(Largest, "50-digit"), (Attending, "50-digit")])
def test_maxima_are_compared_to_50_digits(cell, how):
    rows = symbolic.check(cell.spec)
    assert all(row.passed and row.how.startswith(how) for row in rows), rows


def test_a_sum_and_a_mean_are_proven():
    rows = symbolic.check(declare(HEAD + "h.next = tanh(h - reduce_mean(x * h)) * reduce_sum(h)").spec)
    assert all(row.passed and row.how.startswith("proof") for row in rows), rows


WRONG = {
    "a mean that is not divided": ("mean", lambda build, operand, d_out: d_out, Means),
    "a sum without its gradient": ("sum", None, Means),
    "a maximum for all": ("max", lambda build, operand, d_out: d_out, Largest),
    "a maximum without its gradient": ("max", None, Largest),
    "a sum of the other sign": ("sum", lambda build, operand, d_out: -d_out, Attending),
}


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_planted_error_in_a_rule_is_noticed(wrong, oracle, monkeypatch):
    kind, rule, cell = WRONG[wrong]
    spec = declare(HEAD + "h.next = tanh(h - reduce_mean(x * h)) * reduce_sum(h)").spec if cell is Means else cell.spec
    monkeypatch.setitem(reductions.KINDS, kind, dataclasses.replace(reductions.KINDS[kind], adjoint=rule))
    assert not all(row.passed for row in ORACLES[oracle](spec))


def test_a_shift_that_matters_is_noticed(monkeypatch):
    """In softmax the maximum passes no gradient because it cancels; where it does not, every oracle sees it."""
    monkeypatch.setitem(reductions.KINDS, "max", reductions.KINDS["shift"])
    assert not all(row.passed for row in numeric.check(Largest.spec))


@pytest.mark.parametrize("cell", [Means, Largest, Normed], ids=lambda cell: cell.__name__)
def test_the_state_jacobian(cell):
    forward = lower(cell.spec)
    sizes = {"B": 1, "I": 3, "H": 4}
    problem = random_problem(cell.spec, 1, sizes, 3)

    def run(h):
        return interpret(forward, 1, problem.inputs, {**problem.params, **problem.constants}, {"h": h}, sizes)

    at = problem.state["h"].astype(complex)
    columns = [np.imag(run(at + 1e-30j * unit).carries["h"][0]) / 1e-30 for unit in np.eye(4)]
    values = {name: array[0, 0] for name, array in run(problem.state["h"]).steps.items()}
    made = evaluate_jacobian(jacobian(forward), {**values, **problem.params, **problem.constants}, sizes)
    [block] = jacobian(forward).blocks
    np.testing.assert_allclose(made[block], np.array(columns).T, rtol=1e-12, atol=1e-14)
