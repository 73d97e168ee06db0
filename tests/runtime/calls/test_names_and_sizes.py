"""Names of parameters, states, constants and sizes: what is unknown, missing or no size at all."""

import numpy as np
import pytest

from tests.runtime.calls.given import FLOAT, says
from tests.runtime.cells import assert_same_bits


def test_unknown_names_get_a_suggestion(kernel, lstm, data, lstm_data):
    run = kernel.forward(data.x, data.params)
    cases = [
        (lambda: kernel.forward(data.x, {**data.params, "taw": 1}), ["params: ", "parameter 'taw'", "'tau'?"]),
        (lambda: lstm.forward(lstm_data.x, {**lstm_data.params, "U_ff": 1}), ["LSTM: params: ", "'U_ff'", "'U_f'?"]),
        (lambda: kernel.forward(data.x, data.params, {"hh": data.state["h"]}), ["state: ", "state 'hh'", "'h'?"]),
        (lambda: kernel.infer(data.x, data.params, {"hh": data.state["h"]}), ["state: ", "state 'hh'", "'h'?"]),
        (lambda: kernel.backward(run, data.dy, {"cc": data.state["c"]}), ["dstate: ", "state 'cc'", "'c'?"]),
        (lambda: kernel.forward(data.x, data.params, constants={"dtt": 1}), ["constants: ", "'dtt'", "'dt'?"]),
        (lambda: kernel.infer(data.x, data.params, constants={"dtt": 1}), ["constants: ", "'dtt'", "'dt'?"]),
        (lambda: kernel.forward(data.x, data.params, record=["ff"]), ["record: ", "'ff'", "'f'?"]),
        (lambda: kernel.forward(data.x, data.params, record="x"), ["record: ", "'x'", "expected "]),
        (lambda: kernel.forward(data.x, data.params, record=["alpha"]), ["record: ", "'alpha'"]),
        (lambda: kernel.forward({"xx": data.x}, data.params), ["x: ", "input 'xx'", "'x'?"]),
    ]
    for function, parts in cases:
        with pytest.raises(ValueError, match=says(*parts)):
            function()


def test_missing_parameters_are_named(kernel, data):
    some = {name: array for name, array in data.params.items() if name not in ("U", "tau")}
    for function in (lambda: kernel.forward(data.x, some), lambda: kernel.infer(data.x, some),
                     lambda: kernel.prepare(some)):
        with pytest.raises(ValueError, match=says("Mixed: params lacks U, tau.", "init_params")):
            function()
    with pytest.raises(ValueError, match=says("Mixed: x lacks x.")):
        kernel.forward({}, data.params)


def test_dicts_are_expected_where_names_are(kernel, data):
    run = kernel.forward(data.x, data.params)
    cases = [
        (lambda: kernel.forward(data.x, list(data.params.values())), ["params must be a dict", "got list"]),
        (lambda: kernel.forward(data.x, None), ["params must be a dict", "got NoneType"]),
        (lambda: kernel.prepare(data.x), ["params must be a dict", "got ndarray"]),
        (lambda: kernel.forward(data.x, data.params, data.state["h"]), ["state must be a dict", "got ndarray"]),
        (lambda: kernel.forward(data.x, data.params, (data.state["h"],)), ["state must be a dict", "got tuple"]),
        (lambda: kernel.backward(run, data.dy, data.state["h"]), ["dstate must be a dict", "got ndarray"]),
        (lambda: kernel.forward(data.x, data.params, constants=0.1), ["constants must be a dict", "got float"]),
    ]
    for function, parts in cases:
        with pytest.raises(TypeError, match=says("Mixed", *parts)):
            function()


def test_parameters_that_disagree_in_size_are_refused(kernel, data):
    for name, shape in (("W", (6, 3)), ("W", (5, 4)), ("U", (5, 6)), ("R", (8, 4)), ("b", (1,))):
        with pytest.raises(ValueError, match=says("Mixed", "has shape")):
            kernel.forward(data.x, {**data.params, name: np.zeros(shape, FLOAT)})


SIZES = {"F": 3, "H": 5, "P": 2, "O": 4}


@pytest.mark.parametrize("size", [2.0, "3", None, True, np.float32(3), np.inf, np.nan, [3]], ids=repr)
def test_sizes_are_integers(kernel, size):
    with pytest.raises(TypeError, match=says("the size H=", "is not an integer")):
        kernel.init_params(**{**SIZES, "H": size})


@pytest.mark.parametrize("size", [0, -1, -(2**70)])
def test_sizes_are_positive(kernel, size):
    with pytest.raises(ValueError, match=says(f"the size H={size} must be at least 1")):
        kernel.init_params(**{**SIZES, "H": size})


def test_names_of_sizes(kernel):
    with pytest.raises(TypeError, match=says("Mixed: init_params", "dimension 'OO'", "Did you mean 'O'?")):
        kernel.init_params(**SIZES, OO=3)
    with pytest.raises(TypeError, match=says("Mixed: init_params needs the sizes F, O", "F=64")):
        kernel.init_params(H=3, P=3)
    with pytest.raises(TypeError, match=says("init_params needs the size O")):
        kernel.init_params(F=3, H=3, P=3)


def test_sizes_that_overflow_are_refused_before_allocating(kernel, data):
    for sizes in ({"H": 2**60}, {"H": 2**40, "F": 2**40}, {"O": 2**62}, {"F": 10**30}):
        with pytest.raises(ValueError, match=says("would take", "bytes, more than can be addressed")):
            kernel.init_params(**{**SIZES, **sizes})
    for shape in ((2**20, 2**39, 3), (2**59, 1, 3), (1, 2**59, 3)):  # x itself has the bytes of one number
        x = np.broadcast_to(np.zeros((), FLOAT), shape)
        for function in (kernel.forward, kernel.infer):
            with pytest.raises(ValueError, match=says("x would take", "bytes, more than can be addressed")):
                function(x, data.params)


def test_initial_parameters(kernel):
    params = kernel.init_params(seed=3, **SIZES)
    assert {name: array.shape for name, array in params.items()} == {
        name: tuple(SIZES[dim] for dim in p["dims"]) for name, p in kernel._meta["params"].items()}
    assert all(type(array) is np.ndarray and array.dtype == FLOAT for array in params.values())
    assert_same_bits(kernel.init_params(seed=3, **SIZES), params)
    assert not np.array_equal(kernel.init_params(seed=4, **SIZES)["U"], params["U"])
    assert np.array_equal(kernel.init_params(seed=3, **{**SIZES, "H": np.int64(5)})["U"], params["U"])
