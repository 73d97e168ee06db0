"""Zoneout and variational dropout: against PyTorch written by hand, their limits, inference forms, and noise."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
import torch

import symcell
from symcell import Cell, CellError, Constant, Input, Matrix, Output, State, Vector, draw_noise, tanh, where
from symcell.graph.lower import lower
from symcell.proof import kernel as kernel_proof
from symcell.proof import symbolic
from symcell.transforms.body import declaration
from symcell.transforms.dropout import variational_dropout, zoneout
from symcell.transforms.noise import noise_inputs
from symcell.zoo import find, names
from tests.oracle import Sample

SIZES = {"I": 3, "H": 5}
RATES = {"h": 0.25, "c": 0.5}


def problem(cell, noisy=None, T=6, B=4, seed=0, dtype="float64"):
    """Parameters, x, noise, states and dy of a cell."""
    random = np.random.default_rng(seed)
    params = symcell.reference(cell).init_params(seed=seed, **SIZES)
    for name, array in params.items():
        params[name] = array + 0.1 * random.normal(size=array.shape)
    noise = draw_noise(noisy, seed, T=T, B=B, dtype=dtype, **SIZES) if noisy else {}
    states = {name: random.normal(size=(B, SIZES[dim])) for name, dim in declaration(cell).states}
    return params, random.normal(size=(T, B, 3)), noise, states, random.normal(size=(T, B, 5))


def tensors(arrays):
    return {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}


def lstm_in_torch(params, xs, states, zoned=lambda t, name, old, new: new, masked=lambda name, value: value):
    """Krueger et al. 2017, the equations of section 3.2; Gal and Ghahramani 2016, eq. 7."""
    h, c, outputs = states["h"], states["c"], []
    for t, x in enumerate(xs):
        x, seen = masked("x", x), masked("h", h)
        a = {g: x @ params[f"W_{g}"].T + seen @ params[f"U_{g}"].T + params[f"b_{g}"] for g in "ifgo"}
        new_c = torch.sigmoid(a["f"]) * c + torch.sigmoid(a["i"]) * torch.tanh(a["g"])
        new_h = torch.sigmoid(a["o"]) * torch.tanh(new_c)
        c, h = zoned(t, "c", c, new_c), zoned(t, "h", h, new_h)
        outputs.append(h)
    return torch.stack(outputs), {"h": h, "c": c}


def assert_like_torch(cell, params, x, states, dy, run_in_torch):
    """y, final states and all gradients of the reference, and of the compiled kernel, against autograd."""
    ours, start, xs = tensors(params), tensors(states), torch.tensor(x["x"], requires_grad=True)
    y, last = run_in_torch(ours, xs, start)
    (y * torch.tensor(dy)).sum().backward()
    for kernel in (symcell.reference(cell), symcell.compile(cell, "float64")):
        run = kernel.forward(x, params, states)
        grads = kernel.backward(run, dy)
        pairs = [(run.y, y), (grads.x["x"], xs.grad), *((run.state[name], last[name]) for name in last),
                 *((grads.params[name], ours[name].grad) for name in params),
                 *((grads.state[name], start[name].grad) for name in states)]
        for got, expected in pairs:
            assert np.allclose(got, expected.detach().numpy(), rtol=1e-10, atol=1e-12)


def zoned_by(noise):
    def zoned(t, name, old, new):
        keep = torch.tensor((noise[f"zone_{name}"][t] < RATES[name]).astype(float))
        return keep * old + (1 - keep) * new
    return zoned


def test_zoneout_is_that_of_the_paper():
    cell = zoneout("lstm", RATES)
    params, x, noise, states, dy = problem("lstm", cell)
    assert_like_torch(cell, params, {"x": x, **noise}, states, dy,
                      lambda p, xs, start: lstm_in_torch(p, xs, start, zoned=zoned_by(noise)))


def test_an_update_that_reads_the_mixture_would_be_noticed():
    """The easy mistake: h from the memory after zoneout. The comparison above must see it."""
    noise = draw_noise(zoneout("lstm", RATES), 0, T=6, B=4, dtype="float64", **SIZES)

    class Wrong(Cell):
        x, zone_h, zone_c = Input(), Input("H"), Input("H")
        h, c = State(), State()
        W_i, W_f, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
        U_i, U_f, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
        b_i, b_f, b_g, b_o = Vector(h), Vector(h), Vector(h), Vector(h)
        r, q = Constant(0.25), Constant(0.5)
        i = symcell.sigmoid(W_i @ x + U_i @ h + b_i)
        f = symcell.sigmoid(W_f @ x + U_f @ h + b_f)
        g = tanh(W_g @ x + U_g @ h + b_g)
        o = symcell.sigmoid(W_o @ x + U_o @ h + b_o)
        c.next = where(zone_c < q, c, f * c + i * g)
        h.next = where(zone_h < r, h, o * tanh(c.next))

    params, x, _, states, dy = problem("lstm")
    with pytest.raises(AssertionError):
        assert_like_torch(Wrong, params, {"x": x, **noise}, states, dy,
                          lambda p, xs, start: lstm_in_torch(p, xs, start, zoned=zoned_by(noise)))


def test_variational_dropout_is_that_of_the_paper():
    cell = variational_dropout("lstm", {"x": 0.25, "h": 0.5})
    assert cell.spec.whole == ("drop_x", "drop_h")
    params, x, noise, states, dy = problem("lstm", cell)
    masks = {name: torch.tensor(np.where(noise[f"drop_{name}"] < rate, 0, 1 / (1 - rate)))
             for name, rate in (("x", 0.25), ("h", 0.5))}
    assert all(0 < (mask == 0).double().mean() < 1 for mask in masks.values())
    assert_like_torch(cell, params, {"x": x, **noise}, states, dy,
                      lambda p, xs, start: lstm_in_torch(p, xs, start, masked=lambda n, v: masks[n] * v))


def test_both_at_once():
    cell = variational_dropout(zoneout("lstm", RATES), {"h": 0.5})
    params, x, noise, states, dy = problem("lstm", cell)
    assert list(noise) == ["zone_h", "zone_c", "drop_h"]
    mask = torch.tensor(np.where(noise["drop_h"] < 0.5, 0.0, 2.0))
    assert_like_torch(cell, params, {"x": x, **noise}, states, dy, lambda p, xs, start: lstm_in_torch(
        p, xs, start, zoned=zoned_by(noise), masked=lambda n, v: mask * v if n == "h" else v))


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


# --- noise ---------------------------------------------------------------------------------------------------------


def test_noise_is_seeded_and_the_same_for_both_precisions():
    cell = variational_dropout(zoneout("lstm", 0.1), 0.2)
    first = draw_noise(cell, 7, T=50, B=20, **SIZES)
    assert {name: (a.shape, a.dtype.name) for name, a in first.items()} == {
        "zone_h": ((50, 20, 5), "float32"), "zone_c": ((50, 20, 5), "float32"),
        "drop_x": ((20, 3), "float32"), "drop_h": ((20, 5), "float32")}
    again, double = draw_noise(cell, 7, T=50, B=20, **SIZES), draw_noise(cell, 7, T=50, B=20, dtype="float64", **SIZES)
    for name, array in first.items():
        assert np.array_equal(array, again[name])
        assert np.array_equal(array, double[name])
        assert array.min() >= 0
        assert array.max() < 1
    assert not np.array_equal(first["zone_h"], first["zone_c"])
    assert not np.array_equal(first["zone_h"], draw_noise(cell, 8, T=50, B=20, **SIZES)["zone_h"])
    assert np.mean(first["zone_h"] < 0.1) == pytest.approx(0.1, abs=0.02)
    generator = np.random.default_rng(7)
    assert np.array_equal(draw_noise(cell, generator, T=50, B=20, **SIZES)["zone_h"], first["zone_h"])
    assert not np.array_equal(draw_noise(cell, generator, T=50, B=20, **SIZES)["zone_h"], first["zone_h"])


def test_a_cell_read_from_its_document_draws_the_same_noise():
    cell = zoneout("gru", 0.1)
    again = Cell.from_json(cell.to_json())
    assert np.array_equal(draw_noise(again, 1, T=2, B=3, **SIZES)["zone_h"],
                          draw_noise(cell, 1, T=2, B=3, **SIZES)["zone_h"])


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


@pytest.mark.parametrize(("changed", "error", "message"), [
    ({"T": -2}, ValueError, "ZoneoutLSTM: draw_noise: the size T=-2: expected at least 0"),
    ({"B": -1}, ValueError, "the size B=-1: expected at least 0"), ({"H": 0}, ValueError, "the size H=0: expected at"),
    ({"T": 1.5}, TypeError, r"the size T=1\.5: expected an integer\."), ({"T": "4"}, TypeError, "the size T='4'"),
    ({"H": True}, TypeError, "the size H=True: expected an integer"),
    ({"seed": -1}, ValueError, "seed=-1: expected at least 0"),
    ({"seed": "a"}, TypeError, "seed='a': expected an integer or a NumPy Generator"),
    ({"seed": None}, TypeError, "seed=None: expected an integer or"),
    ({"seed": 0.5}, TypeError, "seed=0.5: expected an"),
    ({"dtype": "float16"}, ValueError, "dtype='float16': kernels compute in float32 or float64"),
    ({"dtype": int}, ValueError, "kernels compute in"), ({"dtype": None}, ValueError, "kernels compute in"),
])
def test_wrong_arguments_of_draw_noise_are_refused(changed, error, message):
    with pytest.raises(error, match=message):
        draw_noise(zoneout("lstm", 0.1), **{"seed": 0, "T": 2, "B": 3, "H": 4} | changed)


def test_sizes_of_noise_may_be_numbers_of_numpy_and_none():
    cell = zoneout("lstm", 0.1)
    assert draw_noise(cell, np.int64(1), T=np.int32(0), B=np.int64(3), H=np.int64(4))["zone_h"].shape == (0, 3, 4)


def test_a_missing_size_of_noise_is_named():
    with pytest.raises(TypeError, match="draw_noise needs the size H, such as H=64"):
        draw_noise(zoneout("lstm", 0.1), 0, T=1, B=1, I=3)


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
