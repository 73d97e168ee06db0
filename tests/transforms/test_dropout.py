"""Zoneout and variational dropout: every cell, their limits, inference forms, misuse, and the compiled kernels."""

import warnings
from fractions import Fraction

import numpy as np
import pytest

import symcell
from symcell import Cell, CellError, Input, Matrix, Output, State, draw_noise, tanh, where
from symcell.graph.lower import lower
from symcell.proof import kernel as kernel_proof
from symcell.proof import symbolic
from symcell.transforms.dropout import variational_dropout, zoneout
from symcell.transforms.noise import noise_inputs
from symcell.zoo import find, names
from tests.oracle import Sample
from tests.transforms.lstm_in_torch import RATES, SIZES, problem


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("transform", [zoneout, variational_dropout])
def test_every_cell_of_the_zoo_can_be_transformed_and_a_rate_of_zero_changes_nothing(transform, name):
    old = find(name)
    if transform is variational_dropout and "@" not in str(old.spec):  # such as the recurrence of the SRU
        with pytest.raises(CellError, match="nothing to apply it to"):
            transform(name, 0.0)
        return
    cell, sample = transform(name, 0.0), Sample.draw(old, T=4, B=3, seed=1)
    given, sizes = sample.inputs(old), {dim: sample.sizes[dim] for dim in old.spec.dims}
    noise = draw_noise(cell, 0, T=4, B=3, dtype="float64", **sizes)
    plain, noisy = symcell.reference(name), symcell.reference(cell)
    expected = plain.forward(given, sample.params, sample.state)
    run = noisy.forward({**given, **noise}, sample.params, sample.state)
    assert np.allclose(run.y, expected.y, rtol=1e-13, atol=1e-13)
    grads = noisy.backward(run, sample.dy)
    for key, array in plain.backward(expected, sample.dy).params.items():
        assert np.allclose(grads.params[key], array, rtol=1e-11, atol=1e-12), key
    assert not any(grads.x[key].any() for key in noise)  # nothing is learned about noise


def test_a_state_that_is_always_kept_stays():
    cell = zoneout("lstm", {"c": 1.0})
    params, x, noise, states, _ = problem("lstm", cell)
    run = symcell.reference(cell).forward({"x": x, **noise}, params, states)
    assert np.array_equal(run.state["c"], states["c"])
    assert not np.allclose(run.state["h"], states["h"])


def test_the_rate_can_be_set_at_a_call():
    cell = zoneout("gru", 0.5)
    params, x, noise, states, _ = problem("gru", cell)
    kernel = symcell.reference(cell)
    off = kernel.forward({"x": x, **noise}, params, states, constants={"zone_h_rate": 0.0})
    assert np.allclose(off.y, symcell.reference("gru").forward(x, params, states).y, rtol=1e-13, atol=1e-13)
    assert not np.allclose(kernel.forward({"x": x, **noise}, params, states).y, off.y)


@pytest.mark.parametrize(("transform", "p"), [(zoneout, 0.3), (variational_dropout, 0.3)])
def test_the_inference_form_is_the_expected_value(transform, p):
    """Exact where the step is linear in the masks: 40,000 members of the batch that differ in their noise only."""

    class Linear(Cell):
        x, h = Input(), State()
        W, U = Matrix(h, x), Matrix(h, h)
        h.next = W @ x + U @ h

    noisy, expected = transform(Linear, p), transform(Linear, p, training=False)
    params = symcell.reference(Linear).init_params(seed=1, **SIZES)
    random, B = np.random.default_rng(2), 40_000
    x, h = random.normal(size=(1, 1, 3)), random.normal(size=(1, 5))
    many = {"x": np.repeat(x, B, 1), **draw_noise(noisy, 3, T=1, B=B, dtype="float64", **SIZES)}
    drawn = symcell.reference(noisy).forward(many, params, {"h": np.repeat(h, B, 0)}).y[0]
    mean = symcell.reference(expected).forward(x, params, {"h": h}).y[0, 0]
    spread = drawn.std(axis=0)
    assert (spread > 0).all()
    assert (np.abs(drawn.mean(axis=0) - mean) < 4 * spread / B**0.5).all()


def test_what_only_the_output_reads_is_the_state_as_it_leaves_the_step():
    class Headed(Cell):
        x, h = Input(), State()
        W, U, R = Matrix(h, x), Matrix(h, h), Matrix("O", h)
        h.next = tanh(W @ x + U @ h)
        top = 2 * h.next
        y = Output(R @ top)

    spec = zoneout(Headed, 0.5).spec
    assert [str(e.expression) for e in spec.equations] == [
        "tanh(U @ h + W @ x)", "where(zone_h < zone_h_rate, h, h_new)", "2*h.next", "R @ top"]
    assert spec.output == "y"


def test_only_what_a_matrix_applies_to_is_masked():
    class Odd(Cell):
        x, h, zone_h = Input(), State(), Input("H")
        W, U = Matrix(h, x), Matrix(h, h)
        f = tanh(U @ (h * tanh(W @ x + zone_h) + where(h > 0, h, zone_h)))
        h.next = f * h + zone_h

    spec = variational_dropout(Odd, 0.5).spec
    first = next(e for e in spec.equations if e.name == "f").expression
    assert {str(part) for part in first.atoms(*{type(symbol) for symbol in first.free_symbols})} >= {
        "mask_x", "mask_h", "mask_zone_h"}
    assert "mask" not in str(spec.equations[-1].expression)
    assert "W @ (mask_x*x) + zone_h" in str(first).replace("zone_h + W @ (mask_x*x)", "W @ (mask_x*x) + zone_h")
    taken = zoneout(Odd, 0.5).spec
    assert [name for name, _ in taken.inputs] == ["x", "zone_h", "zone_h_2"]  # no name is lost
    assert list(noise_inputs(taken)) == ["zone_h_2"]


@pytest.mark.parametrize(("call", "message"), [
    (lambda: zoneout("lstm", 1.5), "LSTM: zoneout: p=1.5 is no probability; expected a number from 0 to 1"),
    (lambda: zoneout("lstm", -0.1), "is no probability"),
    (lambda: zoneout("lstm", float("nan")), "is no probability"),
    (lambda: zoneout("lstm", True), "is no probability"),
    (lambda: zoneout("lstm", "0.1"), "is no probability"),
    (lambda: zoneout("lstm", {"hh": 0.1}), "p names 'hh'; expected h, c"),
    (lambda: zoneout("lstm", {}), "nothing to apply it to"),
    (lambda: zoneout("nonesuch", 0.1), "nonesuch"),
    (lambda: zoneout(3, 0.1), "expected a Cell class"),
    (lambda: variational_dropout("lstm", 1), "p=1 is no probability; .*below 1"),
    (lambda: variational_dropout("lstm", {"c": 0.1}), "p names 'c'; expected x, h"),
    (lambda: draw_noise("lstm", 0, T=1, B=1), "LSTM reads no noise"),
    (lambda: zoneout("lstm", np.float32(1.5)), "is no probability"),
    (lambda: zoneout("lstm", np.True_), "is no probability"),
    (lambda: zoneout("lstm", 0.1j), "is no probability"),
    (lambda: zoneout("lstm", 0.1, training="no"), "LSTM: zoneout: training: expected True or False, got 'no'"),
    (lambda: variational_dropout("gru", 0.1, None), "variational_dropout: training: expected True or False, got None"),
])
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(CellError, match=message):
        call()


@pytest.mark.parametrize("p", [np.float32(0.25), np.float64(0.25), np.float16(0.25), Fraction(1, 4)])
def test_a_probability_may_be_a_number_of_numpy(p):
    assert str(zoneout("lstm", p).spec) == str(zoneout("lstm", 0.25).spec)
    dropped = variational_dropout("lstm", {"h": 0.25}).spec
    assert str(variational_dropout("lstm", {"h": p}, np.True_).spec) == str(dropped)
    assert zoneout("lstm", np.int64(1)).spec.constants == zoneout("lstm", 1.0).spec.constants


# --- through the compiler ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [
    lambda: zoneout("lstm", RATES), lambda: variational_dropout("gru_reset_before", 0.25),
    lambda: variational_dropout(zoneout("rnn", 0.25), 0.5), lambda: zoneout("gru", 0.25, training=False),
], ids=["zoneout lstm", "dropout gru", "both rnn", "zoneout gru, expected"])
def test_kernels_and_proof(make):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cell = make()
    assert all(outcome.passed for outcome in symbolic.check(cell.spec))
    for dtype in ("float32", "float64"):
        for outcome in kernel_proof.check(cell.spec, symcell.compile(cell, dtype), dtype):
            assert outcome.passed, str(outcome)


def test_the_inference_form_of_dropout_is_the_cell():
    cell = variational_dropout("lstm", 0.3, training=False)
    assert str(lower(cell.spec)).partition("\n")[2] == str(lower(find("lstm").spec)).partition("\n")[2]
