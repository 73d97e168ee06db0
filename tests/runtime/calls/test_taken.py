"""Arrays of any layout, and any numbers in them, are taken, and nothing is written to them."""

import numpy as np
import pytest

from tests.runtime.calls.given import FLOAT, OTHER
from tests.runtime.cells import assert_same_bits, draw, kernel_of, results


def strided(array):
    if not array.ndim:
        return array
    wide = np.full([2 * n for n in array.shape], np.nan, array.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def reversed_view(array):
    return array[::-1].copy()[::-1] if array.ndim else array


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def misaligned(array):
    raw = np.empty(array.nbytes + 1, np.uint8)[1:]
    view = raw.view(array.dtype).reshape(array.shape)
    view[...] = array
    assert not view.flags.aligned
    return view


class Subclass(np.ndarray):
    pass


LAYOUTS = {"strided": strided, "Fortran": lambda a: a.copy(order="F"), "reversed": reversed_view,
           "read-only": read_only, "misaligned": misaligned, "subclass": lambda a: a.view(Subclass)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_layout_gives_the_same_bits(kernel, data, layout):
    change = LAYOUTS[layout]

    def each(arrays):
        return {name: change(array) for name, array in arrays.items()}

    other = type(data)(change(data.x), each(data.params), each(data.state), change(data.dy), each(data.dstate),
                       data.constants)
    assert_same_bits(results(kernel, other), results(kernel, data))
    expected, _ = kernel.infer(data.x, data.params, data.state)
    for params in (other.params, kernel.prepare(other.params)):
        assert_same_bits({"y": kernel.infer(other.x, params, other.state)[0]}, {"y": expected})
    assert type(kernel.forward(other.x, other.params).y) is np.ndarray


def test_one_array_may_be_every_argument():
    kernel, data = kernel_of("lstm", FLOAT), draw("lstm", FLOAT, T=3, B=5, I=5, H=5)
    one = data.params["U_f"]
    params = {name: one if array.ndim == 2 else array for name, array in data.params.items()}
    separate = {name: array.copy() for name, array in params.items()}
    state = {"h": one, "c": one}
    x = np.broadcast_to(one, (3, 5, 5))
    grads = kernel.backward(kernel.forward(x, params, state), np.broadcast_to(one, (3, 5, 5)), state)
    expected = kernel.backward(kernel.forward(x.copy(), separate, {n: a.copy() for n, a in state.items()}),
                               x.copy(), {n: a.copy() for n, a in state.items()})
    assert_same_bits({"dx": grads.x, **grads.params}, {"dx": expected.x, **expected.params})


def test_a_dict_of_inputs_gives_a_dict_of_gradients(kernel, data):
    run = kernel.forward({"x": data.x}, data.params, data.state)
    plain = kernel.forward(data.x, data.params, data.state)
    grads = kernel.backward(run, data.dy)
    assert list(grads.x) == ["x"]
    assert_same_bits({"y": run.y, **grads.x}, {"y": plain.y, "x": kernel.backward(plain, data.dy).x})


def test_nothing_is_written_to_an_argument(kernel, data):
    before = data.astype(FLOAT)
    results(kernel, data)
    kernel.infer(data.x, kernel.prepare(data.params), data.state)
    assert_same_bits({"x": data.x, "dy": data.dy, **data.params}, {"x": before.x, "dy": before.dy, **before.params})
    assert_same_bits(data.state, before.state)
    assert_same_bits(data.dstate, before.dstate)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_stay_in_their_row(kernel, data, value):
    bad = data.x.copy()
    bad[1, 1, 0] = value
    clean = results(kernel, data)
    run = kernel.forward(bad, data.params, data.state, constants=data.constants)
    others = [0, 2]
    assert_same_bits({"y": run.y[:, others]}, {"y": clean["y"][:, others]})
    assert np.array_equal(run.y[0], clean["y"][0])
    if np.isnan(value):
        assert np.isnan(run.y[1:, 1]).all()
    grads = kernel.backward(run, data.dy, data.dstate)
    assert_same_bits({"dx": grads.x[:, others]}, {"dx": clean["dx"][:, others]})
    for name, array in grads.state.items():
        assert_same_bits({name: array[others]}, {name: clean[f"dstate {name}"][others]})
    if np.isnan(value):
        assert np.isnan(grads.params["W"]).any()
    y, _ = kernel.infer(bad, data.params, data.state, constants=data.constants)
    assert_same_bits({"y": y}, {"y": run.y})


def test_nan_in_a_state_or_in_dy_stays_in_its_row(kernel, data):
    clean = results(kernel, data)
    state, dy = {name: array.copy() for name, array in data.state.items()}, data.dy.copy()
    state["c"][2, -1] = dy[3, 1, 0] = np.nan
    run = kernel.forward(data.x, data.params, state, constants=data.constants)
    grads = kernel.backward(run, dy, data.dstate)
    assert_same_bits({"y": run.y[:, :2], "dx": grads.x[:, :1]}, {"y": clean["y"][:, :2], "dx": clean["dx"][:, :1]})
    assert np.isnan(run.y[:, 2]).any()
    assert np.isnan(grads.x[:, 1]).any()


@pytest.mark.parametrize("dtype", [FLOAT, OTHER])
@pytest.mark.parametrize("name", ["lstm", "gru", "rnn"])
def test_enormous_and_tiny_inputs_stay_finite(name, dtype):
    kernel, data = kernel_of(name, dtype), draw(name, dtype, T=5, B=3)
    for scale in (np.finfo(dtype).max / 1e3, np.finfo(dtype).tiny):
        data.x[...] = np.sign(data.x) * scale
        found = results(kernel, data)
        assert all(np.isfinite(array).all() for array in found.values())
        assert np.abs(found["y"]).max() <= 2.5  # a bounded cell, and initial states below that


def test_a_call_leaves_denormal_numbers_alone(lstm, lstm_data):
    results(lstm, lstm_data)
    assert np.full(1, 1e-40, FLOAT) * np.float32(0.5) > 0
    tiny = np.full_like(lstm_data.x, 1e-40)
    zeros = {name: np.zeros_like(array) for name, array in lstm_data.params.items()}
    params = {**zeros, "W_g": np.full_like(zeros["W_g"], 0.25)}
    assert (lstm.infer(tiny, params)[1]["c"] > 0).all()
