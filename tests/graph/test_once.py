"""What is computed once per call: its nodes, its adjoint, the checker, and planted errors."""

import dataclasses

import numpy as np
import pytest
import sympy

from symcell import softmax
from symcell.graph import adjoint as rules
from symcell.graph import once
from symcell.graph.check import GraphError, check
from symcell.graph.interpret import interpret
from symcell.graph.ir import Once, symbol
from symcell.graph.names import ACROSS, DOWN, EYE
from symcell.proof import frameworks, handwritten, numeric, symbolic
from symcell.zoo import find
from tests.declare.text import declare
from tests.oracle import Sample, graphs, run
from tests.render.cells import Derived

START = "x, h = Input(), State()\nW, U, tau, a, k = Matrix(h, x), Matrix(h, h), Vector(h), Scalar(), Constant(0.5)\n"


def nodes(body, role="derived", backward=False, **words):
    graph = graphs(declare(START + body, **words))[backward]
    return [str(node) for node in graph.once if graph.value(node.out).role == role]


# --- what is computed once --------------------------------------------------------------------------------


def test_named_quantities_and_functions_of_parameters_are():
    assert nodes("s = sigmoid(a)\nr = k * exp(-tau)\nh.next = s * r * h + W @ x + U @ h * tanh(k)") == [
        "s = sigmoid(a)", "exp = exp(-tau)", "r = exp*k", "tanh_k = tanh(k)"]


def test_what_a_step_hands_on_and_what_changes_are_not():
    body = "y = Output(exp(tau) * 2)\nr = tau * h\nh.next = sigmoid(tau)\n"
    assert nodes(body) == ["exp_tau = exp(tau)"]


@pytest.mark.parametrize("later", ["sigmoid(tau)", "softplus(tau)", "tanh(sigmoid(tau))"])
@pytest.mark.parametrize("first", ["y = Output(sigmoid(tau))\nh.next = ", "h.next = sigmoid(tau)\ny = Output"])
def test_a_function_that_is_an_output_and_computed_once(first, later):
    """Its derivative once per call read the value of the step."""
    cell = declare(START + f"{first}({later} * (W @ x))")
    assert [node.out for node in graphs(cell)[0].once]
    assert all(row.passed for row in symbolic.check(cell.spec) + handwritten.check(cell.spec))


def test_a_product_of_what_is_derived_has_its_value():
    cell = declare(START + "r = exp(tau)\nh.next = U @ r + W @ x")
    sample = Sample.draw(cell, T=2, B=2)
    results = run(cell, sample)
    expected = np.exp(sample.params["tau"]) @ sample.params["U"].T + sample.x[0] @ sample.params["W"].T
    np.testing.assert_allclose(results.y[0], expected, rtol=1e-13)


def test_derived_values_are_no_parameters():
    forward, backward = graphs(Derived)
    assert {v.name for v in forward.with_role("param")} == {p.name for p in Derived.spec.parameters}
    trace = interpret(forward, 1, *arguments(Derived))
    assert set(trace.derived) == {node.out for node in forward.once}
    assert not set(trace.derived) & set(trace.steps)
    assert {node.out for node in backward.once} > set(trace.derived)


def arguments(cell):
    sample = Sample.draw(cell, T=1, B=1)
    return sample.inputs(cell), {**sample.params, **sample.constants}, sample.state, sample.sizes


# --- its adjoint --------------------------------------------------------------------------------------------


def test_the_gradient_of_an_antisymmetric_matrix_is_antisymmetric():
    assert nodes("A = U - U.T\nh.next = A @ h + W @ x", "total", True) == ["d_U = d_A - d_A.T"]
    cell = declare(START + "A = U - U.T\nh.next = A @ h + W @ x")
    gradient = run(cell, Sample.draw(cell, T=3, B=2)).dparams["U"]
    np.testing.assert_array_equal(gradient, -gradient.T)


def test_raw_and_derived_uses_add_up():
    found = nodes("A = 2 * U\nh.next = A @ h + U @ (h * h) + W @ x + tau * a * sigmoid(a)", "total", True)
    assert found == ["d_U = 2*d_A + d_U.steps", "d_a = d_a.steps + d_sigmoid_a*sigmoid_a*(1 - sigmoid_a)"]


def test_a_scalar_sums_over_every_entry_that_it_meets():
    found = nodes("A = U * a\nr = tau * a\nh.next = A @ h + r * h + W @ x", "total", True)
    assert "d_a.A = sum(U*d_A)" in found
    assert "d_a.r = sum(d_r*tau)" in found
    assert "d_a = d_a.A + d_a.r" in found


def test_constants_and_what_is_made_of_them_have_no_gradient():
    _, backward = graphs(declare(START + "c = 2 * k\nh.next = c * (U @ h) + W @ x + a * tau"))
    assert not {"c", "k"} & set(backward.adjoints)
    assert not [value.name for value in backward.values if value.name.startswith("d_c")]


def test_a_derivative_that_is_zero_gives_zero():
    cell = declare(START + "s = sign(tau)\nh.next = U @ h + W @ x + s * a")
    gradient = run(cell, Sample.draw(cell)).dparams["tau"]
    assert gradient.shape == (3,)
    assert not gradient.any()


def test_transposes_of_transposes():
    U, V = symbol("U"), symbol("U.T")
    dims = {"U": ("H", "I"), "a": (), "U.T": ("I", "H")}.__getitem__
    expression = symbol("a") * U + V * symbol(EYE)
    assert once.mirrored(expression, dims) == symbol("a") * V + U * symbol(EYE)
    assert once.mirrored(once.mirrored(expression, dims), dims) == expression


# --- the checker --------------------------------------------------------------------------------------------


def changed(graph, wrong):
    return dataclasses.replace(graph, nodes=tuple(wrong if node.out == wrong.out else node for node in graph.nodes))


@pytest.mark.parametrize(("expression", "fault"), [
    (symbol("h") * symbol("U"), "h is not known once per call"),
    (symbol("W"), "the dimensions of W do not fit"),
    (symbol("tau") * symbol("U"), "the dimensions of tau do not fit"),
    (symbol("missing"), "used before they are computed"),
    (sympy.Derivative(symbol("U"), symbol("U")), "is no elementwise operation"),
])
def test_a_wrong_node_is_found(expression, fault):
    forward, _ = graphs(declare(START + "A = U - U.T\nh.next = A @ h + W @ x + tau * a"))
    with pytest.raises(GraphError, match=fault):
        check(changed(forward, Once("A", expression)))


def test_a_sum_of_entries_is_a_scalar():
    forward, _ = graphs(declare(START + "A = U - U.T\nh.next = A @ h + W @ x + tau * a"))
    with pytest.raises(GraphError, match="a sum over all entries is a scalar"):
        check(changed(forward, Once("A", symbol("U"), over="all")))


# --- planted errors -----------------------------------------------------------------------------------------

ORACLES = [symbolic.check, numeric.check, handwritten.check, frameworks.check_torch]
CELLS = [find("antisymmetric"), find("fastgrnn"), Derived]


def not_mirrored(monkeypatch):
    monkeypatch.setattr(rules, "mirrored", lambda expression, dims: expression)


def without_transposes(monkeypatch):
    monkeypatch.setattr(rules, "mirrored", lambda expression, dims: sympy.S.Zero)


def steps_forgotten(monkeypatch):
    """Where a parameter is used raw and derived, the raw use is lost."""
    right = rules.Sweep.settle

    def wrong(self, name):
        if self.once_terms.get(name) and self.forward.value(name).role == "param":
            self.adjoints.pop(name, None)
        return right(self, name)

    monkeypatch.setattr(rules.Sweep, "settle", wrong)


def derived_forgotten(monkeypatch):
    monkeypatch.setitem(rules.ADJOINTS, Once, lambda sweep, node: None)


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.__module__ + "." + oracle.__name__)
@pytest.mark.parametrize("plant", [not_mirrored, without_transposes, steps_forgotten, derived_forgotten],
                         ids=lambda plant: plant.__name__)
def test_a_wrong_rule_is_found(plant, oracle, monkeypatch):
    monkeypatch.setattr(symbolic, "POINTS", 1)
    plant(monkeypatch)
    assert not all(row.passed for row in oracle(Derived.spec))


@pytest.mark.parametrize("oracle", ORACLES[1:], ids=lambda oracle: oracle.__module__ + "." + oracle.__name__)
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
def test_the_gradients_are_right(cell, oracle):
    rows = oracle(cell.spec)
    assert rows
    assert all(row.passed for row in rows), rows


@pytest.mark.parametrize("name", ["antisymmetric", "antisymmetric_gated", "fastrnn", "fastgrnn", "fastgrnn_lowrank"])
def test_the_zoo_s_gradients_are_proven(name):
    rows = symbolic.check(find(name).spec)
    assert rows
    assert all(row.passed for row in rows), rows


# --- sums over columns and rows, and vectors that are repeated -----------------------------------------------


def sums_forgotten(monkeypatch):
    """What a softmax divides by is not differentiated."""
    right = rules.ADJOINTS[Once]
    monkeypatch.setitem(rules.ADJOINTS, Once, lambda sweep, node: None if node.over else right(sweep, node))


def rows_for_columns(monkeypatch):
    """The adjoint of a sum goes to the rows in place of the columns."""
    monkeypatch.setattr(rules, "REPEATED", {"columns": DOWN, "rows": ACROSS, "all": ""})


def test_a_vector_across_becomes_one_down():
    dims = {"U": ("H", "I"), "v": ("I",), "w": ("H",)}.__getitem__
    expression = symbol("U") / symbol("v" + ACROSS) - symbol("w" + DOWN)
    assert once.mirrored(expression, dims) == symbol("U.T") / symbol("v" + DOWN) - symbol("w" + ACROSS)


SOFTMAXES = declare(START + """
V = Matrix(h, h)
R = softmax(U - V.T, axis="columns")
Q = softmax(V.T, axis="rows")
h.next = tanh(R @ h + W @ x) + Q @ (tau * h) * a""", softmax=softmax)


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.__module__ + "." + oracle.__name__)
@pytest.mark.parametrize("plant", [None, sums_forgotten, rows_for_columns],
                         ids=lambda plant: getattr(plant, "__name__", "right"))
def test_a_wrong_rule_for_sums_is_found(plant, oracle, monkeypatch):
    monkeypatch.setattr(symbolic, "POINTS", 1)
    if plant:
        plant(monkeypatch)
    assert all(row.passed for row in oracle(SOFTMAXES.spec)) == (plant is None)


def test_the_largest_is_not_differentiated_and_nothing_is_computed_in_vain():
    found = nodes("R = softmax(U, axis='columns')\nh.next = R @ h + W @ x + tau * a", "total", True, softmax=softmax)
    assert found == ["d_s_R.R = sum over columns(-d_R*e_R/s_R.across**2)", "d_s_R = d_s_R.R",
                     "d_e_R = d_R/s_R.across + d_s_R.across", "d_U = d_e_R*e_R"]


@pytest.mark.parametrize(("wrong", "fault"), [
    (Once("R", symbol("U") / symbol("s_R")), "the dimensions of s_R do not fit"),
    (Once("R", symbol("U") / symbol("a.across")), "the dimensions of a.across do not fit"),
    (Once("s_R", symbol("e_R"), over="lines"), "has no such entries to sum over"),
    (Once("s_R", symbol("a"), over="columns"), "has no such entries to sum over"),
    (Once("s_R", symbol("e_R"), over="all"), "a sum over all entries is a scalar"),
])
def test_a_wrong_sum_is_found(wrong, fault):
    body = "R = softmax(U, axis='columns')\nh.next = R @ h + W @ x + tau * a"
    forward, _ = graphs(declare(START + body, softmax=softmax))
    with pytest.raises(GraphError, match=fault):
        check(changed(forward, wrong))
