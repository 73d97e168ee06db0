"""What stays for a whole sequence, and what is not learned: where it is computed, and what the checker refuses."""

import dataclasses

import numpy as np
import pytest

from symcell.graph.adjoint import adjoint
from symcell.graph.check import GraphError, check
from symcell.graph.ir import Carry, Graph, Map, MatMul, Outer, Value, symbol
from symcell.graph.lower import lower
from tests.declare.text import declare
from tests.graph.cells import FIXED, WHOLE, loss
from tests.oracle import Sample, run

CONDITIONED = declare("""
x, h, z = Input(), State(), Input("Z", each="sequence")
W, U, V, b = Matrix(h, x), Matrix(h, h), Matrix(h, z), Vector(h)
p = tanh(V @ z + b)
h.next = tanh(W @ x + U @ h + p)
""", name="Conditioned")


def whole(graph):
    return [value.name for value in graph.values if value.whole]


def test_a_projection_of_it_is_whole():
    graph = lower(CONDITIONED.spec)
    assert whole(graph) == ["z", "V_z", "a_p", "p"]
    assert not graph.late
    backward = adjoint(graph)
    assert [str(node) for node in backward.time_sums] == ["d_p.steps += d_p.steps.t, over time"]
    assert backward.late == {"d_p.steps", "d_a_p", "VT_d_a_p", "d_z"}
    products = [node for node in backward.nodes if isinstance(node, (MatMul, Outer)) and backward.is_of_sequence(node)]
    assert [str(node) for node in products] == ["VT_d_a_p = V.T @ d_a_p", "d_V += d_a_p z^T"]


def test_text_of_the_graph_says_what_is_one_for_the_whole_sequence():
    text = str(lower(CONDITIONED.spec))
    assert "  input    z (Z), for the whole sequence\n" in text
    assert "  p = tanh(a_p)                                              (H) whole\n" in text


def test_an_output_and_a_state_change_at_every_step_even_if_made_of_it_alone():
    cell = declare("""
    x, h, c, z = Input("H"), State(), State(), Input("H", each="sequence")
    V = Matrix(h, z)
    h.next = V @ z
    c.next = z
    y = Output(tanh(V @ z) * x + h.next + c)
    """)
    graph = lower(cell.spec)
    assert whole(graph) == ["z", "V_z", "tanh_V_z"]
    sample = Sample.draw(cell, T=3, B=2, H=3)
    expected = np.broadcast_to(sample.x["z"] @ sample.params["V"].T, (3, 2, 3))
    c = np.stack([sample.state["c"], sample.x["z"], sample.x["z"]])
    assert np.allclose(run(cell, sample).y, np.tanh(expected) * sample.x["x"] + expected + c)


def test_its_gradient_is_the_sum_over_the_steps_of_an_input_that_is_given_at_each():
    stepwise = declare(
        'x, h, z = Input(), State(), Input("Z")\nW, U, V, b = Matrix(h, x), Matrix(h, h), Matrix(h, z), Vector(h)\n'
        "h.next = tanh(W @ x + U @ h + tanh(V @ z + b))")
    sample = Sample.draw(CONDITIONED, T=4, B=3, seed=1)
    z = np.broadcast_to(sample.x["z"], (4, *sample.x["z"].shape))
    ours = run(CONDITIONED, sample).flat()
    theirs = run(stepwise, dataclasses.replace(sample, x={**sample.x, "z": z})).flat()
    theirs["dx z"] = theirs["dx z"].sum(axis=0)
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        assert np.allclose(ours[name], array, rtol=1e-12, atol=1e-12), name


def test_a_derivative_that_is_needed_once_reads_nothing_of_a_step():
    """softplus' is sigmoid, and the state happens to be that sigmoid: a value of every step."""
    cell = declare("""
    x, h, z = Input("H"), State(), Input("Z", each="sequence")
    V, b = Matrix(h, z), Vector(h)
    a = V @ z + b
    h.next = sigmoid(a)
    p = softplus(a)
    y = Output(p * x + h * h.next)
    """)
    sample = Sample.draw(cell, T=3, B=2, seed=4, H=3, Z=2)
    results, along = run(cell, sample), np.random.default_rng(5).normal(size=(2, 2))
    moved = dataclasses.replace(sample, x={**sample.x, "z": sample.x["z"] + 1e-30j * along})
    assert (results.dx["z"] * along).sum() == pytest.approx(loss(cell, moved).imag / 1e-30, rel=1e-11)


def test_what_is_not_learned_has_no_gradient_and_costs_none():
    backward = adjoint(lower(FIXED.spec))
    assert [value.name for value in backward.with_role("sum")] == ["d_W", "d_M_b", "d_U_k"]
    assert {node.out for node in backward.nodes if isinstance(node, Outer)} == {"d_W"}
    assert {backward.adjoints.get(name) for name in ("M", "k")} == {None}
    assert {node.out for node in backward.once if backward.value(node.out).role == "total"} >= {"d_U", "d_b"}


# --- the checker ---------------------------------------------------------------------------------------------------


def without_flag(graph, name):
    values = tuple(dataclasses.replace(v, whole=False) if v.name == name else v for v in graph.values)
    return dataclasses.replace(graph, values=values)


def with_flag(graph, name):
    values = tuple(dataclasses.replace(v, whole=True) if v.name == name else v for v in graph.values)
    return dataclasses.replace(graph, values=values)


def reading(graph, out, name):
    """The graph with one more factor in the expression of a Map."""
    nodes = tuple(dataclasses.replace(n, expression=n.expression * symbol(name)) if n.out == out else n
                  for n in graph.nodes)
    return dataclasses.replace(graph, nodes=nodes)


@pytest.mark.parametrize("cell", [CONDITIONED, WHOLE], ids=lambda cell: cell.__name__)
def test_good_graphs_pass(cell):
    graph = lower(cell.spec)
    assert check(graph) is graph
    assert check(adjoint(graph))


def test_checker_refuses_a_carry_that_never_changes():
    values = (Value("x", ("H",), "input"), Value("h", ("H",), "carry", whole=True), Value("n", ("H",), "local"))
    with pytest.raises(GraphError, match="a carry changes from step to step"):
        check(Graph("Still", values, (Map("n", symbol("x") * symbol("h")),), (Carry("h", "n"),), ("n",)))


@pytest.mark.parametrize(("change", "found"), [
    (lambda f, b: without_flag(f, "V_z"), "V_z = V @ z: what is computed for the whole sequence"),
    (lambda f, b: with_flag(f, "W_x"), "W_x = W @ x: what is computed for the whole sequence"),
    (lambda f, b: with_flag(f, "a_h_next"), "a_h_next = .*what is computed for the whole sequence"),
    (lambda f, b: with_flag(f, "h.next"), "h.next = .*what is computed for the whole sequence"),
    (lambda f, b: without_flag(b, "d_p.steps"), "d_p.steps .*what is computed for the whole sequence"),
    (lambda f, b: reading(dataclasses.replace(b, nodes=(*b.nodes[:-2], b.nodes[-1], b.nodes[-2])), "d_h", "d_a_p"),
     "what is computed for the whole sequence|used before"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_checker_refuses(change, found):
    forward = lower(CONDITIONED.spec)
    with pytest.raises(GraphError, match=found):
        check(change(forward, adjoint(forward)))
