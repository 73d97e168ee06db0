"""What textbooks disagree on: each convention worked out, and its exact relation to the others."""

from dataclasses import replace

import numpy as np
import pytest

from symcell import zoo
from tests.oracle import Arrays, Results, Sample, assert_alive, assert_close, run

ALWAYS = 40.0  # sigmoid(40) is 1 in float64
EXACT = 1e-13


def results(name: str, sample: Sample, params: Arrays) -> Results:
    return run(zoo.find(name), sample.with_params(**params))


def without(params: Arrays, *prefixes: str) -> Arrays:
    return {k: v for k, v in params.items() if not k.startswith(prefixes)}


def negated(params: Arrays, gate: str) -> Arrays:
    """The gate's weights and bias with the other sign: sigmoid(-a) = 1 - sigmoid(a)."""
    return {k: -v if k in (f"W_{gate}", f"U_{gate}", f"b_{gate}") else v for k, v in params.items()}


def zeros(params: Arrays, *names: str) -> Arrays:
    return {name: np.zeros_like(params[name]) for name in names}


def assert_same(got: Results, expected: Results, dparams: Arrays) -> None:
    """Two cells agree; `dparams` are the parameter gradients that this implies, made of the second cell's."""
    assert_alive(got)
    assert_close(got, Results(expected.y, expected.state, expected.dx, dparams, expected.dstate), EXACT)


def differ(a: Results, b: Results) -> bool:
    return float(np.abs(a.y - b.y).max()) > 1e-2


# --- simple recurrent networks ---


def linear_sample(*inputs: tuple[float, float]) -> Sample:
    """The worked example: two inputs, two hidden units, two outputs, all weights 1, memory 0."""
    sample = Sample.draw(zoo.find("rnn_linear"), T=len(inputs), B=1, I=2, H=2, O=2)
    sample.x[:, 0], sample.state["h"][:] = inputs, 0.0
    return sample.with_params(**{name: np.ones((2, 2)) for name in ("W", "U", "W_y")})


@pytest.mark.parametrize(("steps", "hidden", "output"), [(1, 2, 4), (2, 6, 12), (3, 16, 32)])
def test_the_worked_example_of_the_linear_network(steps, hidden, output):
    found = run(zoo.find("rnn_linear"), linear_sample(*[(1, 1), (1, 1), (2, 2)][:steps]))
    np.testing.assert_array_equal(found.state["h"], [[hidden, hidden]])
    np.testing.assert_array_equal(found.y[-1], [[output, output]])


def test_the_linear_network_depends_on_the_order_of_its_inputs():
    y = run(zoo.find("rnn_linear"), linear_sample((1, 1), (1, 1), (2, 2))).y[:, 0]
    np.testing.assert_array_equal(y, [[4, 4], [12, 12], [32, 32]])
    y = run(zoo.find("rnn_linear"), linear_sample((2, 2), (1, 1), (1, 1))).y[:, 0]
    np.testing.assert_array_equal(y, [[8, 8], [20, 20], [44, 44]])


def test_the_linear_network_is_linear():
    cell = zoo.find("rnn_linear")
    sample = linear_sample((1, 1), (1, 1), (2, 2))
    scaled = replace(sample, x=3 * sample.x)
    np.testing.assert_array_equal(run(cell, scaled).y, 3 * run(cell, sample).y)


def test_an_output_head_leaves_the_hidden_states_as_they_are():
    sample = Sample.draw(zoo.find("elman_head"), T=4, O=2)
    p = sample.params
    headed = run(zoo.find("elman_head"), sample)
    dy = np.zeros((4, 3, 3))  # of the hidden state
    plain = run(zoo.find("rnn"), replace(sample, dy=dy, params=without(p, "W_y", "b_y")))
    np.testing.assert_array_equal(headed.state["h"], plain.state["h"])
    head = 1 / (1 + np.exp(-(plain.y @ p["W_y"].T + p["b_y"])))
    np.testing.assert_allclose(headed.y, head, rtol=0, atol=EXACT)


def test_jordan_feeds_back_the_output_and_elman_the_hidden_state():
    """From equal memories the first outputs are equal; the second ones are not."""
    sample = Sample.draw(zoo.find("jordan"), T=2, B=2, I=3, H=3, O=3)
    renamed = replace(sample, state={"h": sample.state["y"]}, dstate={"h": sample.dstate["y"]})
    elman = run(zoo.find("elman_head"), renamed)
    jordan = run(zoo.find("jordan"), sample)
    np.testing.assert_allclose(jordan.y[0], elman.y[0], rtol=0, atol=EXACT)
    assert np.abs(jordan.y[1] - elman.y[1]).max() > 1e-2
    np.testing.assert_array_equal(jordan.state["y"], jordan.y[-1])
    rest = replace(sample, x=sample.x[1:], dy=sample.dy[1:], sizes=sample.sizes | {"T": 1})
    second = run(zoo.find("jordan"), replace(rest, state={"y": jordan.y[0]}))
    np.testing.assert_array_equal(second.y[0], jordan.y[1])


def test_relu_is_linear_where_every_unit_is_active():
    sample = Sample.draw(zoo.find("rnn_relu"), T=3)
    p = {k: np.abs(v) for k, v in sample.params.items()} | {"b": np.zeros(3)}
    positive = replace(sample, x=np.abs(sample.x), state={"h": np.abs(sample.state["h"])}, params=p)
    relu = run(zoo.find("rnn_relu"), positive)
    same = replace(positive, params=without(p, "b") | {"W_y": np.eye(3)}, sizes=sample.sizes | {"O": 3})
    identity = run(zoo.find("rnn_linear"), same)
    np.testing.assert_allclose(relu.y, identity.y, rtol=EXACT)
    np.testing.assert_allclose(relu.dx, identity.dx, rtol=0, atol=EXACT)
    np.testing.assert_allclose(relu.dparams["U"], identity.dparams["U"], rtol=EXACT)


# --- long short-term memory ---


@pytest.fixture
def lstm() -> Sample:
    return Sample.draw(zoo.find("lstm"), T=5, B=3, I=4, H=6, seed=3)


def test_without_biases_is_with_biases_of_zero(lstm):
    p = lstm.params
    full = results("lstm", lstm, p | zeros(p, "b_i", "b_f", "b_g", "b_o"))
    assert_same(results("lstm_nobias", lstm, without(p, "b")), full, without(full.dparams, "b"))


def test_inverted_forget_gate_is_the_forget_gate_with_negated_weights(lstm):
    p = lstm.params
    plain = results("lstm", lstm, p)
    inverted = results("lstm_inverted_forget", lstm, negated(p, "f"))
    assert_same(inverted, plain, negated(plain.dparams, "f"))
    assert differ(results("lstm_inverted_forget", lstm, p), plain)


def test_coupled_gates_are_f_equal_to_one_minus_i(lstm):
    """sigmoid(-a) = 1 - sigmoid(a): an LSTM whose forget gate has the input gate's weights, negated."""
    p = without(lstm.params, "W_f", "U_f", "b_f")
    tied = {f"{k}_f": -p[f"{k}_i"] for k in "WUb"}
    plain = results("lstm", lstm, p | tied)
    d = without(plain.dparams, "W_f", "U_f", "b_f")
    d |= {f"{k}_i": plain.dparams[f"{k}_i"] - plain.dparams[f"{k}_f"] for k in "WUb"}
    assert_same(results("lstm_coupled", lstm, p), plain, d)


def test_without_forget_gate_is_a_gate_that_is_always_open(lstm):
    p = lstm.params
    always = p | zeros(p, "W_f", "U_f") | {"b_f": np.full_like(p["b_f"], ALWAYS)}
    plain = results("lstm", lstm, always)
    gone = ("W_f", "U_f", "b_f")
    assert_same(results("lstm_no_forget", lstm, without(p, *gone)), plain, without(plain.dparams, *gone))


def test_linear_output_is_tanh_for_small_memories_only(lstm):
    p = lstm.params
    assert differ(results("lstm_linear_output", lstm, p), results("lstm", lstm, p))
    small = Sample.draw(zoo.find("lstm"), T=1, B=3, I=4, H=6)
    small.params.update({"b_i": np.full(6, -12.0)})
    small.state["c"] *= 1e-5
    linear, plain = (run(zoo.find(name), small) for name in ("lstm_linear_output", "lstm"))
    np.testing.assert_array_equal(linear.state["c"], plain.state["c"])
    assert np.abs(linear.y - plain.y).max() < 1e-13 < np.abs(plain.y).max() * 1e-6


def test_peepholes_of_zero_are_none(lstm):
    p, none = lstm.params, np.zeros(6)
    plain = results("lstm", lstm, p)
    peephole = results("lstm_peephole", lstm, p | {"p_i": none, "p_f": none, "p_o": none})
    assert_same(peephole, plain, peephole.dparams | plain.dparams)
    full = results("lstm_full_peephole", lstm, p | {f"V_{k}": np.zeros((6, 6)) for k in "ifo"})
    assert_same(full, plain, full.dparams | plain.dparams)


def test_diagonal_matrices_are_peepholes_but_for_the_memory_that_o_sees(lstm):
    random = np.random.default_rng(0)
    p, p_i, p_f, p_o = lstm.params, *random.normal(size=(3, 6))
    V = {"V_i": np.diag(p_i), "V_f": np.diag(p_f), "V_o": np.zeros((6, 6))}
    full = results("lstm_full_peephole", lstm, p | V)
    peephole = results("lstm_peephole", lstm, p | {"p_i": p_i, "p_f": p_f, "p_o": np.zeros(6)})
    assert_same(full, peephole, without(peephole.dparams, "p") | {k: full.dparams[k] for k in V})
    for k in "if":
        diagonal = np.diag(full.dparams[f"V_{k}"])
        np.testing.assert_allclose(diagonal, peephole.dparams[f"p_{k}"], rtol=0, atol=EXACT)
    old = results("lstm_full_peephole", lstm, p | V | {"V_o": np.diag(p_o)})
    new = results("lstm_peephole", lstm, p | {"p_i": p_i, "p_f": p_f, "p_o": p_o})
    assert differ(old, new)


# --- gated recurrent units ---


@pytest.fixture
def gru() -> Sample:
    return Sample.draw(zoo.find("gru"), T=5, B=3, I=4, H=6, seed=3)


def test_the_two_conventions_of_z_are_one_cell_with_negated_weights(gru):
    """h' = (1-z)*n + z*h and h' = (1-z)*h + z*n: negate W_z, U_z and b_z, and so their gradients."""
    p = without(gru.params, "c_n")
    keeps = results("gru_reset_before", gru, p)
    replaces = results("gru_reset_before_inverted", gru, negated(p, "z"))
    assert_same(replaces, keeps, negated(keeps.dparams, "z"))
    assert differ(results("gru_reset_before_inverted", gru, p), keeps)


def test_z_at_one_keeps_the_state_or_replaces_it(gru):
    p = without(gru.params, "c_n")
    p |= zeros(p, "W_z", "U_z") | {"b_z": np.full(6, ALWAYS)}
    for name, more in (("gru", zeros(gru.params, "c_n")), ("gru_reset_before", {})):
        np.testing.assert_array_equal(results(name, gru, p | more).state["h"], gru.state["h"])
    assert np.abs(results("gru_reset_before_inverted", gru, p).state["h"] - gru.state["h"]).max() > 1e-2


def test_gru_without_biases_is_with_biases_of_zero(gru):
    p = gru.params
    full = results("gru", gru, p | zeros(p, "b_r", "b_z", "b_n", "c_n"))
    assert_same(results("gru_nobias", gru, without(p, "b", "c")), full, without(full.dparams, "b", "c"))


def test_reset_before_and_after_agree_where_nothing_is_reset(gru):
    """r = 1: U (r*h) = r * (U h). Otherwise the two are different cells."""
    p = gru.params | zeros(gru.params, "c_n")
    assert differ(results("gru", gru, p), results("gru_reset_before", gru, without(p, "c_n")))
    open_ = p | zeros(p, "W_r", "U_r") | {"b_r": np.full(6, ALWAYS)}
    after, before = results("gru", gru, open_), results("gru_reset_before", gru, without(open_, "c_n"))
    np.testing.assert_allclose(after.y, before.y, rtol=0, atol=EXACT)
    np.testing.assert_allclose(after.dx, before.dx, rtol=0, atol=EXACT)


def test_the_second_bias_of_the_candidate_is_not_redundant(gru):
    """r scales c_n and not b_n: moving one into the other changes the cell, unlike in every other gate."""
    p = gru.params
    moved = p | {"b_n": p["b_n"] + p["c_n"], "c_n": np.zeros(6)}
    assert differ(results("gru", gru, p), results("gru", gru, moved))


def test_the_minimal_gate_is_reset_and_inverted_update_in_one(gru):
    """MGU is the reset-before GRU with z = 1 for the candidate whose two gates share their weights."""
    p = without(gru.params, "c_n", "W_r", "W_z", "U_r", "U_z", "b_r", "b_z")
    gates = {k: gru.params[f"{k}_r"] for k in "WUb"}
    both = {f"{k}_{gate}": value for k, value in gates.items() for gate in "rz"}
    tied = results("gru_reset_before_inverted", gru, p | both)
    d = {k: tied.dparams[k] for k in p}
    d |= {f"{k}_f": tied.dparams[f"{k}_r"] + tied.dparams[f"{k}_z"] for k in gates}
    assert_same(results("mgu", gru, p | {f"{k}_f": value for k, value in gates.items()}), tied, d)


# --- a product where others add ---


def test_a_multiplicative_state_that_is_h_gives_the_lstm(lstm):
    """W_m x = 1 and U_m = 1 make m = h; x has a component that is always 1."""
    x = lstm.x.copy()
    x[..., 0] = 1.0
    ones = {"W_m": np.outer(np.ones(6), np.eye(4)[0]), "U_m": np.eye(6)}
    sample = replace(lstm, x=x)
    plain, made = results("lstm", sample, sample.params), results("lstm_multiplicative", sample, ones | sample.params)
    np.testing.assert_allclose(made.y, plain.y, rtol=0, atol=EXACT)
    for name, gradient in plain.dparams.items():
        np.testing.assert_allclose(made.dparams[name], gradient, rtol=0, atol=EXACT)


def test_the_fourth_node_of_nas_multiplies_its_products():
    """Turning both products round leaves it as it was; turning one round does not, nor would either leave a sum."""
    sample = Sample.draw(zoo.find("nas"), T=5, B=3, I=4, H=6, seed=3)
    p = sample.params
    both = p | {name: -p[name] for name in ("W_3", "b_3", "U_3")}
    np.testing.assert_allclose(results("nas", sample, both).y, results("nas", sample, p).y, rtol=0, atol=EXACT)
    assert differ(results("nas", sample, p | {"U_3": -p["U_3"]}), results("nas", sample, p))


def test_the_bias_of_that_node_stands_beside_the_product_with_the_state():
    """As in NASCell of TensorFlow: without W_3 x the node is 0 whatever b_3 is, without U_3 h it is not."""
    sample = Sample.draw(zoo.find("nas"), T=5, B=3, I=4, H=6, seed=3)
    for matrix, seen in (("W_3", False), ("U_3", True)):
        p = sample.params | zeros(sample.params, matrix)
        assert differ(results("nas", sample, p | {"b_3": p["b_3"] + 1}), results("nas", sample, p)) == seen


def test_the_highway_of_sru_with_the_identity_is_the_papers():
    """r = 0 shows the input itself."""
    sample = Sample.draw(zoo.find("sru"), T=5, B=3, I=6, H=6, seed=3)
    p = sample.params
    shut = p | zeros(p, "W_r", "v_r") | {"b_r": np.full(6, -ALWAYS), "W_s": np.eye(6)}
    np.testing.assert_allclose(results("sru", sample, shut).y, sample.x, rtol=0, atol=EXACT)
    assert np.abs(results("sru", sample, p | {"W_s": np.eye(6)}).y - sample.x).max() > 1e-2
