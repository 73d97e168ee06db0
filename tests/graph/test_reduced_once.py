"""Reductions of parameters, and products of matrices with vectors of parameters: computed once per call."""

import numpy as np
import pytest

from symcell import CellError
from symcell.graph import adjoint as rules
from symcell.graph.adjoint import adjoint
from symcell.graph.check import GraphError, check
from symcell.graph.ir import MatMul, Once, Reduce, symbol
from symcell.graph.lower import lower
from symcell.graph.names import ACROSS, DOWN
from symcell.proof import frameworks, handwritten, numeric, symbolic
from tests.declare.text import declare
from tests.graph.second import Second
from tests.graph.test_once import changed
from tests.oracle import Sample, graphs, run

START = """
x, h = Input(), State()
W, U, V, b, c, k = Matrix(h, x), Matrix(h, h), Matrix("P", h), Vector(h), Vector(h), Scalar()
"""
BODIES = {  # the nodes before the first step, and a body
    "r = sum(b)": "r = reduce_sum(b)\nh.next = r * tanh(W @ x)",
    "mean_b_k = mean(b_k)": "h.next = tanh(W @ x + U @ h) * reduce_mean(b * k) + b",
    "max_b = max(b)": "h.next = tanh(W @ x) * reduce_max(b)",
    "shift_b = shift(b)": "h.next = tanh(W @ x) * softmax(b)",
    "mu_g = mean(b)": "g = layer_norm(b, c, c)\nh.next = tanh(W @ x) * g",
    "mean_h_next_in = mean(h_next_in)": "h.next = tanh(W @ x) * rms_norm(b)",
    "sum_m_in = sum(m_in)": "m, n = softmax((b, c))\nh.next = tanh(W @ x) * m + n * reduce_max(h)",
    "U_b = U @ b": "h.next = tanh(W @ x + U @ b)",
    "VT_v = V.T @ v": "v = V @ (b * c)\nh.next = tanh(W @ x) + V.T @ v",
    "p = U.T @ U_b": "p = U.T @ (U @ b)\nh.next = tanh(U @ h) * p",
    "A_b = A @ b": "A = U - U.T\nh.next = tanh(W @ x) + A @ b + A.T @ h",
    "matrix.1 = U*sum_b - U.T": "h.next = tanh(W @ x) + (reduce_sum(b) * U - U.T) @ h",
    "matrix.1 = U*r - U.T": "r = reduce_mean(b)\nh.next = tanh(W @ x) + r * ((r * U - U.T) @ h)",
    "z = W.T @ b": "z = W.T @ b\nh.next = tanh(W @ (z * x))",
    "v = k*r": "r = reduce_max(b)\nv = k * r\nh.next = v * tanh(W @ x) + r * reduce_sum(h)",
}
EVERY = {body: declare(START + body) for body in BODIES.values()}
ORACLES = [symbolic.check, numeric.check, handwritten.check, frameworks.check_torch]

each_cell = pytest.mark.parametrize("body", EVERY)


@pytest.mark.parametrize(("node", "body"), BODIES.items())
def test_it_is_computed_before_the_first_step(node, body):
    graph = lower(EVERY[body].spec)
    assert node in [str(once) for once in graph.once]
    read = {name for one in graph.nodes if isinstance(one, (MatMul, Reduce)) for name in one.reads}
    assert not {"b", "c", "b_k", "b_c", "U_b"} & read
    assert all(graph.value(once.out).role == "derived" for once in graph.once)


@each_cell
@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.__module__ + "." + oracle.__name__)
def test_the_gradients_are_right(body, oracle, monkeypatch):
    monkeypatch.setattr(symbolic, "POINTS", 1)
    rows = oracle(EVERY[body].spec)
    assert rows
    assert all(row.passed for row in rows), rows


def test_a_product_is_proven():
    rows = symbolic.check(EVERY["h.next = tanh(W @ x + U @ b)"].spec)
    assert all(row.how.startswith("proof") for row in rows), rows


@each_cell
def test_the_adjoint_of_the_adjoint_is_right(body):
    second, random = Second(EVERY[body]), np.random.default_rng(3)
    gradients = second.gradients()
    for name, array in second.reads["params"].items():
        along = random.normal(size=np.shape(array))
        moved = {**second.reads, "params": {**second.reads["params"], name: array + 1e-30j * along}}
        expected = second.loss(moved).imag / 1e-30
        assert (gradients["params"][name] * along).sum() == pytest.approx(expected, rel=1e-10, abs=1e-11), name


def test_the_adjoint_of_a_product_is_two_products():
    _, backward = graphs(EVERY["h.next = tanh(W @ x + U @ b)"])
    assert [str(node) for node in backward.once if backward.value(node.out).role == "total"] == [
        "d_b.U_b = U.T @ d_U_b", "d_U = b.across*d_U_b.down", "d_b = d_b.U_b"]


def test_the_gradient_of_a_maximum_goes_to_the_first_of_equals():
    cell = declare("x, h, b = Input('H'), State(), Vector('H')\nh.next = x + reduce_max(b) * h")
    sample = Sample.draw(cell, T=2, B=2, H=4)
    found = run(cell, Sample(**{**vars(sample), "params": {"b": np.array([1.0, 3.0, 3.0, 0.0])}})).dparams["b"]
    assert found[1] != 0
    assert not found[[0, 2, 3]].any()


def test_what_a_step_reads_stays_in_the_step():
    graph = lower(declare(START + "p = U @ (b * h)\nr = reduce_sum(b * h)\nh.next = p * r + W @ x").spec)
    assert not graph.once
    assert {"p", "r"} <= {node.out for node in graph.nodes if isinstance(node, (MatMul, Reduce))}


def test_a_product_of_parameters_may_be_an_output_or_a_state():
    cell = declare(START + "h.next = U @ b\ny = Output(U @ b + W @ x)")
    assert [str(node) for node in lower(cell.spec).once] == ["U_b = U @ b"]
    assert all(row.passed for row in handwritten.check(cell.spec))


@pytest.mark.parametrize("name", ["T", "down", "across"])
def test_a_matrix_may_be_called_like_the_form_of_another(name):
    """The part of d_k that comes from a matrix T was taken for the transpose of d_k."""
    cell = declare(START + f"{name} = k * U\nh.next = tanh({name} @ h + W @ x)")
    assert all(row.passed for row in handwritten.check(cell.spec))


def test_a_dimension_may_be_called_like_the_form_of_a_vector():
    cell = declare("x, h, b = Input('down'), State('down'), Vector('down')\n"
                   "h.next = tanh(x) * reduce_mean(b) * reduce_max(b)")
    assert all(row.passed for row in handwritten.check(cell.spec))


@pytest.mark.parametrize("factor", ["reduce_sum(h)", "reduce_sum(b * h)", "b", "U @ b"])
def test_a_factor_that_changes_or_is_a_vector_is_refused(factor):
    with pytest.raises(CellError, match="no scalar of parameters and constants"):
        declare(START + f"h.next = ({factor} * U) @ h")


# --- the checker, and planted errors -------------------------------------------------------------------------


@pytest.mark.parametrize(("wrong", "fault"), [
    (Once("U_b", symbol("V") * symbol("b" + ACROSS), over="rows"), "a sum over all entries is a scalar"),
    (Once("U_b", symbol("W") * symbol("b" + ACROSS), over="rows"), "the dimensions of b.across do not fit"),
    (Once("U_b", symbol("W") * symbol("b" + DOWN), over="columns"), "a sum over all entries is a scalar"),
    (Once("U_b", symbol("U") * symbol("b" + ACROSS), over="rows", kind="mean"), "'mean' is no reduction of these"),
    (Once("U_b", symbol("b"), over="all"), "a sum over all entries is a scalar"),
    (Once("U_b", symbol("U") * symbol("h" + ACROSS), over="rows"), "h.across is not known once per call"),
])
def test_a_wrong_node_is_found(wrong, fault):
    forward = lower(EVERY["h.next = tanh(W @ x + U @ b)"].spec)
    with pytest.raises(GraphError, match=fault):
        check(changed(forward, wrong))


def wrong_upstream(sweep, node, out, dims):
    """Every reduction is taken for a sum of all entries."""
    return symbol(out + rules.REPEATED[node.over]) if node.over else symbol(out)


def wrong_side(sweep, node, out, dims):
    """What comes back to a row goes to the column."""
    return symbol(out + {"rows": ACROSS, "columns": DOWN, "all": "", "": ""}[node.over])


@pytest.mark.parametrize(("wrong", "body"), [
    (wrong_upstream, "h.next = tanh(W @ x + U @ h) * reduce_mean(b * k) + b"),
    (wrong_upstream, "h.next = tanh(W @ x) * reduce_max(b)"),
    (wrong_side, "h.next = tanh(W @ x + U @ b)"),
])
@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.__module__ + "." + oracle.__name__)
def test_a_wrong_rule_is_found(wrong, body, oracle, monkeypatch):
    monkeypatch.setattr(symbolic, "POINTS", 1)
    monkeypatch.setattr(rules, "_upstream", wrong)
    adjoint(lower(EVERY[body].spec))
    assert not all(row.passed for row in oracle(EVERY[body].spec))
