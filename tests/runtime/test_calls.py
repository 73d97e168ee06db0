"""What callers hand to a kernel and what they get: clear errors, nothing shared, nothing lost."""

import os
import re
import subprocess
import sys
import threading

import numpy as np
import pytest

import symcell
from symcell.runtime import threads
from tests.runtime.cells import Mixed, assert_near, assert_same_bits, draw, kernel_of, reference_of, results

FLOAT = "float32"
OTHER = "float64"


@pytest.fixture(scope="module")
def kernel():
    return kernel_of(Mixed, FLOAT)


@pytest.fixture(scope="module")
def lstm():
    return kernel_of("lstm", FLOAT)


@pytest.fixture
def data():
    return draw(Mixed, FLOAT, T=4, B=3, I=3, H=5)  # P=3, O=8


@pytest.fixture
def lstm_data():
    return draw("lstm", FLOAT, T=4, B=3, I=3, H=5)


def says(*parts):
    """A pattern that finds these texts in this order."""
    return "(?s)" + ".*".join(re.escape(part) for part in parts)


# --- arrays that are refused -------------------------------------------------------------------------------

WRONG_TYPE = {
    "list": (lambda a: a.tolist(), ["must be a NumPy array", "got list"]),
    "none": (lambda a: None, ["must be a NumPy array", "got NoneType"]),
    "number": (lambda a: 1.0, ["must be a NumPy array", "got float"]),
    "numpy number": (lambda a: np.float32(1), ["must be a NumPy array", "got float32"]),
    "text": (lambda a: "x", ["must be a NumPy array", "got str"]),
    "masked": (np.ma.masked_array, ["masked array", "fill it first"]),
    "other float": (lambda a: a.astype("float64"), ["is float64", "computes in float32", "astype(np.float32)",
                                                    'dtype="float64"']),
    "half": (lambda a: a.astype("float16"), ["is float16", "astype(np.float32)"]),
    "int": (lambda a: a.astype("int64"), ["is int64", "astype(np.float32)"]),
    "bool": (lambda a: a > 0, ["is bool", "astype(np.float32)"]),
    "complex": (lambda a: a.astype("complex64"), ["is complex64"]),
    "object": (lambda a: a.astype(object), ["is object"]),
    "other byte order": (lambda a: a.astype(a.dtype.newbyteorder()), ["in the other byte order", "astype(np.float32)"]),
    "record": (lambda a: np.zeros(a.shape, [("a", "f4")]), ["is void"]),
    "time": (lambda a: a.astype("int64").astype("M8[s]"), ["is datetime64"]),
}
WRONG_SHAPE = {
    "one axis less": (lambda a: a[0] if a.ndim > 1 else np.asarray(a[0]), "dimensions"),
    "one axis more": (lambda a: a[None], "dimensions"),
    "no axis": (lambda a: np.zeros((), a.dtype), "dimensions"),
    "one axis longer": (lambda a: np.concatenate([a, a], 2 if a.ndim == 3 else 0), "on axis"),
    "last axis empty": (lambda a: a[..., :0].copy(), "must be at least 1"),
}


def call(kernel, data, where, change):
    """Call the kernel with one argument changed."""
    x, params, state, dy, dstate = data.x, dict(data.params), dict(data.state), data.dy, dict(data.dstate)
    if where == "x":
        return kernel.forward(change(x), params, state)
    if where == "infer x":
        return kernel.infer(change(x), params, state)
    if where == "params":
        return kernel.forward(x, {**params, "A": change(params["A"])}, state)
    if where == "vector":
        return kernel.forward(x, {**params, "q": change(params["q"])}, state)
    if where == "prepare":
        return kernel.prepare({**params, "A": change(params["A"])})
    if where == "state":
        return kernel.forward(x, params, {**state, "c": change(state["c"])})
    run = kernel.forward(x, params, state)
    if where == "dy":
        return kernel.backward(run, change(dy), dstate)
    return kernel.backward(run, dy, {**dstate, "c": change(dstate["c"])})


PLACES = {"x": "x", "infer x": "x", "params": 'params["A"]', "vector": 'params["q"]', "prepare": 'params["A"]',
          "state": 'state["c"]', "dy": "dy", "dstate": 'dstate["c"]'}


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("kind", WRONG_TYPE)
def test_another_type_is_refused(kernel, data, where, kind):
    change, message = WRONG_TYPE[kind]
    if where == "dy" and kind == "none":
        return  # means zero
    with pytest.raises(TypeError, match=says("Mixed", PLACES[where], *message)):
        call(kernel, data, where, change)


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("kind", WRONG_SHAPE)
def test_another_shape_is_refused(kernel, data, where, kind):
    change, message = WRONG_SHAPE[kind]
    with pytest.raises(ValueError, match=says("Mixed", PLACES[where], "has shape")) as caught:
        call(kernel, data, where, change)
    assert message in str(caught.value)


def test_the_error_of_a_shape_names_cell_axis_and_size(kernel, data):
    with pytest.raises(ValueError, match=says("Mixed: x has shape (4, 3, 2); expected (T, B, F) with F=3 on axis 2.")):
        kernel.forward(data.x[:, :, :2], data.params)
    with pytest.raises(ValueError, match=says('state["h"] has shape (2, 5)', "(B, H) with B=3 on axis 0")):
        kernel.forward(data.x, data.params, {"h": data.state["h"][:2]})
    run = kernel.forward(data.x, data.params)
    with pytest.raises(ValueError, match=says("dy has shape (3, 3, 8)", "T=4 on axis 0")):
        kernel.backward(run, data.dy[1:])


@pytest.mark.parametrize("size", [0])
def test_empty_dimensions_are_refused(kernel, data, size):
    for dim, axis in (("I", 3), ("H", 5)):
        params = {name: np.zeros([size if n == axis else n for n in array.shape], FLOAT)
                  for name, array in data.params.items()}
        x = data.x[:, :, :size] if dim == "I" else data.x
        with pytest.raises(ValueError, match="must be at least 1"):
            kernel.forward(x, params)
        with pytest.raises(ValueError, match="must be at least 1"):
            kernel.prepare(params)


@pytest.mark.parametrize("value", [1j, "0.1", None, True, [0.1], np.zeros(1, FLOAT), np.zeros((), OTHER)],
                         ids=lambda v: repr(v)[:12])
def test_scalars_and_constants_are_numbers(kernel, data, value):
    for name, given in (('params["tau"]', {"params": {**data.params, "tau": value}}),
                        ('constants["dt"]', {"params": data.params, "constants": {"dt": value}})):
        with pytest.raises((TypeError, ValueError), match=says("Mixed", name)):
            kernel.forward(data.x, **given)


@pytest.mark.parametrize("value", [1e300, -1e39, 10**400])
def test_numbers_too_large_for_the_dtype_are_refused(kernel, data, value):
    with pytest.raises(ValueError, match=says('params["tau"] is too large for float32')):
        kernel.forward(data.x, {**data.params, "tau": value})
    with pytest.raises(ValueError, match=says('constants["dt"] is too large for float32')):
        kernel.forward(data.x, data.params, constants={"dt": value})
    with pytest.raises(ValueError, match=says('constants["dt"] is too large for float32')):
        kernel.infer(data.x, kernel.prepare(data.params), constants={"dt": value})


def test_numbers_of_every_real_type_are_taken(kernel, data):
    expected = kernel.forward(data.x, {**data.params, "tau": np.asarray(2, FLOAT)}, constants={"dt": 0.5}).y
    for two in (2, 2.0, np.float32(2), np.float64(2), np.int64(2)):
        run = kernel.forward(data.x, {**data.params, "tau": two}, constants={"dt": two / 4})
        assert_same_bits({"y": run.y}, {"y": expected})


# --- names -----------------------------------------------------------------------------------------------


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


# --- sizes -----------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("count", [0, -1, 1.5, True, None, "2"])
def test_threads_is_a_positive_integer(lstm, count):
    before = lstm.threads
    with pytest.raises((TypeError, ValueError), match=says("threads=")):
        lstm.threads = count
    assert lstm.threads == before == threads.default()


# --- kernels that do not exist ---------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "int32", "complex64", "", None, np.float16])
def test_kernels_compute_in_two_precisions(dtype):
    with pytest.raises(ValueError, match=says("dtype=", "float32 or float64")):
        symcell.compile("lstm", dtype)


def test_a_dtype_may_be_numpys():
    assert symcell.compile("lstm", np.dtype(OTHER)).dtype == OTHER


def test_an_unknown_cell_gets_a_suggestion():
    with pytest.raises(symcell.CellError, match=says("lstn", "lstm")):
        symcell.compile("lstn")
    for value in (3, None, Mixed.spec, symcell.Cell, object):
        with pytest.raises(symcell.CellError, match="expected a Cell class"):
            symcell.compile(value)


def test_an_unknown_instruction_set_is_an_error(monkeypatch):
    monkeypatch.setenv("SYMCELL_ISA", "mmx")
    for cell in ("lstm", Mixed):
        with pytest.raises(ValueError, match=says("SYMCELL_ISA='mmx'", "is not an instruction set", "base")):
            symcell.compile(cell)


# --- arrays that are taken -----------------------------------------------------------------------------------


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


# --- runs ------------------------------------------------------------------------------------------------


def test_the_run_of_another_kernel_is_refused(kernel, lstm, data, lstm_data):
    run = kernel.forward(data.x, data.params)
    with pytest.raises(ValueError, match=says("LSTM: backward got the run of another kernel (Mixed, float32)")):
        lstm.backward(run, lstm_data.dy)
    with pytest.raises(ValueError, match="run of another kernel"):
        kernel_of(Mixed, OTHER).backward(run, data.dy.astype(OTHER))
    with pytest.raises(ValueError, match="run of another kernel"):
        kernel_of("gru", FLOAT).backward(lstm.forward(lstm_data.x, lstm_data.params), lstm_data.dy)
    for other in (None, run.y, (run.y, run.state), run.tape):
        with pytest.raises(TypeError, match=says("Mixed: backward expects what forward returned, got")):
            kernel.backward(other, data.dy)
    twin = symcell.compile(Mixed, FLOAT)  # the same code: no reason to refuse
    assert_same_bits(twin.backward(run, data.dy).params, kernel.backward(run, data.dy).params)


def test_parameters_changed_since_the_forward_pass_are_refused(kernel, data):
    for change in (lambda p: p["U"].__setitem__((0, 0), 9), lambda p: p.__setitem__("b", p["b"] + 1),
                   lambda p: p.pop("U"), lambda p: p.__setitem__("U", p["U"][:2]),
                   lambda p: p["tau"].__setitem__((), 3), lambda p: p["U"].__setitem__((0, 0), np.nan)):
        params = {name: array.copy() for name, array in data.params.items()}
        run = kernel.forward(data.x, params)
        change(params)
        with pytest.raises(ValueError, match=says("changed since the forward pass", "Call forward again")):
            kernel.backward(run, data.dy)


def test_parameters_replaced_by_equal_ones_are_the_same(kernel, data):
    params = {name: array.copy() for name, array in data.params.items()}
    params["b"][0] = np.nan  # which equals itself, bit for bit
    run = kernel.forward(data.x, params)
    params.update({name: array.copy() for name, array in params.items()})
    kernel.backward(run, data.dy)


def test_x_and_state_changed_since_do_not_reach_the_gradient(kernel, data):
    expected = results(kernel, data)
    run = kernel.forward(data.x, data.params, data.state, constants=data.constants)
    data.x[...] = np.nan
    for array in data.state.values():
        array[...] = np.nan
    data.constants["dt"] = 7.0
    grads = kernel.backward(run, data.dy, data.dstate)
    assert_same_bits({"dx": grads.x, **{f"d {name}": array for name, array in grads.params.items()}},
                     {name: array for name, array in expected.items() if name == "dx" or name.startswith("d ")})


def arrays_of(found):
    """All arrays of a Run or of Gradients."""
    parts = [getattr(found, name) for name in ("y", "state", "record", "x", "params") if hasattr(found, name)]
    return [array for part in parts for array in (part.values() if isinstance(part, dict) else [part])]


def assert_apart(some, others):
    for array in some:
        for other in others:
            assert not np.shares_memory(array, other)


def test_results_share_memory_with_nothing(kernel, data):
    named = list(kernel._meta["named"])
    given = [data.x, data.dy, *data.params.values(), *data.state.values(), *data.dstate.values()]
    first = kernel.forward(data.x, data.params, data.state, record=named)
    second = kernel.forward(data.x, data.params, data.state, record=named)
    grads = kernel.backward(first, data.dy, data.dstate)
    again = kernel.backward(first, data.dy, data.dstate)
    y, state = kernel.infer(data.x, data.params, data.state)
    ready = kernel.prepare(data.params)
    y2, state2 = kernel.infer(data.x, ready, data.state)
    groups = [given, arrays_of(first), arrays_of(second), arrays_of(grads), arrays_of(again), [y, *state.values()],
              [y2, *state2.values()], [*ready.params.values(), *ready.panels.values()]]
    for index, group in enumerate(groups):
        for other in groups[index + 1 :]:
            assert_apart(group, other)
    for group in groups[1:]:
        for index, array in enumerate(group):
            assert_apart([array], group[index + 1 :])


@pytest.mark.parametrize("cell", [Mixed, "lstm", "rnn"], ids=str)
def test_backward_twice_gives_the_same_bits_whatever_is_written_to_the_results(cell):
    kernel, data = kernel_of(cell, FLOAT), draw(cell, FLOAT, T=5, B=3)
    run = kernel.forward(data.x, data.params, data.state, record=list(kernel._meta["named"]))
    grads = kernel.backward(run, data.dy, data.dstate)
    expected = {"dx": grads.x.copy(), **{name: np.array(array) for name, array in grads.params.items()},
                **{f"state {name}": array.copy() for name, array in grads.state.items()}}
    for array in (*arrays_of(grads), *grads.state.values(), *run.state.values(), *run.record.values()):
        assert array.flags.writeable
        array[...] = np.nan
    grads = kernel.backward(run, data.dy, data.dstate)
    found = {"dx": grads.x, **grads.params, **{f"state {name}": array for name, array in grads.state.items()}}
    assert_same_bits(found, expected)


@pytest.mark.parametrize("cell", [Mixed, "lstm"], ids=str)
def test_only_the_y_of_forward_is_read_only(cell):
    kernel, data = kernel_of(cell, FLOAT), draw(cell, FLOAT)
    run = kernel.forward(data.x, data.params)
    with pytest.raises(ValueError, match="read-only"):
        run.y[...] = 0
    for params in (data.params, kernel.prepare(data.params)):
        y, state = kernel.infer(data.x, params)
        y[...] = 0
        state["h"][...] = 0
    assert run.y.any()


def test_no_dy_means_zero_and_states_left_out_are_zero(kernel, data):
    run = kernel.forward(data.x, data.params, {"c": data.state["c"]})
    full = kernel.forward(data.x, data.params, {"c": data.state["c"], "h": np.zeros_like(data.state["h"])})
    assert_same_bits({"y": run.y, **run.state}, {"y": full.y, **full.state})
    none = kernel.backward(run, None, {"h": data.dstate["h"]})
    zero = kernel.backward(run, np.zeros_like(data.dy), {"h": data.dstate["h"], "c": np.zeros_like(data.dstate["c"])})
    assert_same_bits({"dx": none.x, **none.params}, {"dx": zero.x, **zero.params})
    assert none.x.any()
    nothing = kernel.backward(run, None)
    assert not nothing.x.any()
    assert not any(array.any() for array in (*nothing.params.values(), *nothing.state.values()))
    assert {name: array.shape for name, array in nothing.params.items()} \
        == {name: array.shape for name, array in data.params.items()}


def test_gradients_add_up_over_dy_and_dstate():
    kernel, data = kernel_of(Mixed, OTHER), draw(Mixed, OTHER)
    run = kernel.forward(data.x, data.params, data.state)
    both = kernel.backward(run, data.dy, data.dstate).params
    parts = [kernel.backward(run, data.dy).params, *(kernel.backward(run, None, {name: array}).params
                                                    for name, array in data.dstate.items())]
    assert_near({name: sum(part[name] for part in parts) for name in both}, both, OTHER)


def test_constants_are_per_call(kernel, data):
    default = kernel.forward(data.x, data.params, data.state)
    other = kernel.forward(data.x, data.params, data.state, constants={"dt": 0.9})
    assert np.abs(default.y - other.y).max() > 1e-3
    given = kernel.forward(data.x, data.params, data.state, constants={"dt": 0.1})
    assert_same_bits({"y": given.y, **given.state}, {"y": default.y, **default.state})
    ready = kernel.prepare(data.params)
    for constants, run in ((None, default), ({"dt": 0.9}, other)):
        y, _ = kernel.infer(data.x, ready, data.state, constants=constants)
        assert_same_bits({"y": y}, {"y": run.y})
    exact = data.astype(OTHER)
    reference = reference_of(Mixed)
    expected = reference.backward(
        reference.forward(exact.x, exact.params, exact.state, constants={"dt": 0.9}), exact.dy)
    assert_near(kernel.backward(other, data.dy).params, expected.params, FLOAT)


# --- prepare ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [Mixed, "lstm"], ids=str)
def test_prepared_parameters_are_a_copy(cell):
    kernel, data = kernel_of(cell, FLOAT), draw(cell, FLOAT)
    params = {name: array.copy() for name, array in data.params.items()}
    ready = kernel.prepare(params)
    expected, _ = kernel.infer(data.x, data.params, data.state)
    for array in params.values():
        array[...] = np.nan
    for B in (2, 1):  # and they serve any number of calls
        y, _ = kernel.infer(data.x[:, :B], ready, {name: array[:B] for name, array in data.state.items()})
        assert_same_bits({"y": y}, {"y": expected[:, :B]})


def test_parameters_prepared_for_another_kernel_are_refused(kernel, lstm, data, lstm_data):
    with pytest.raises(ValueError, match=says("LSTM: these parameters were prepared for another kernel")):
        lstm.infer(lstm_data.x, kernel.prepare(data.params))
    with pytest.raises(ValueError, match="prepared for another kernel"):
        kernel_of(Mixed, OTHER).infer(data.x.astype(OTHER), kernel.prepare(data.params))
    with pytest.raises(ValueError, match=says("x has shape", "F=3 on axis 2")):
        kernel.infer(np.zeros((2, 2, 4), FLOAT), kernel.prepare(data.params))
    with pytest.raises(TypeError, match=says("params must be a dict", "got Ready")):
        kernel.forward(data.x, kernel.prepare(data.params))


# --- threads and processes -------------------------------------------------------------------------------


@pytest.fixture
def split_always(monkeypatch):
    monkeypatch.setattr(threads, "MIN_ROWS", 1)
    monkeypatch.setattr(threads, "MIN_WORK", 1)


def test_several_threads_may_call_one_kernel(split_always):
    kernel = symcell.compile(Mixed, FLOAT)
    kernel.threads = 2
    problems = [draw(Mixed, FLOAT, T=9, B=5, H=11 + k, seed=k) for k in range(4)]
    expected = [results(kernel, data) for data in problems]
    readies = [kernel.prepare(data.params) for data in problems]
    failures = []

    def work(k):
        try:
            for _ in range(10):
                assert_same_bits(results(kernel, problems[k]), expected[k])
                data = problems[k]
                y, _ = kernel.infer(data.x, readies[k], data.state, constants=data.constants)
                assert_same_bits({"y": y}, {"y": expected[k]["y"]})
        except BaseException as error:  # reported by the main thread
            failures.append(error)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not any(worker.is_alive() for worker in workers)
    assert not failures


def test_an_error_in_one_thread_reaches_the_caller(split_always):
    def task(first, last):
        if first:
            raise MemoryError(f"rows {first} to {last}")

    with pytest.raises(MemoryError, match="rows 2 to 4"):
        threads.run([(0, 2), (2, 4)], task)


def test_rows_are_split_only_where_that_pays():
    assert threads.split(64, 4, 1e9) == [(0, 16), (16, 32), (32, 48), (48, 64)]
    assert threads.split(64, 4, 1e5) == [(0, 64)]
    assert threads.split(1, 4, 1e9) == [(0, 1)]
    assert threads.split(0, 4, 0) == [(0, 0)]
    assert threads.split(9, 2, 1e9) == [(0, 4), (4, 9)]


FORK = """
import os, sys
import numpy as np
import symcell
from symcell.runtime import threads
threads.MIN_ROWS = threads.MIN_WORK = 1
kernel = symcell.compile("lstm")
kernel.threads = 2
params, x = kernel.init_params(I=3, H=5), np.ones((4, 7, 3), np.float32)
expected = kernel.infer(x, params)[0]  # the pool's threads run from here on
child = os.fork()
found = kernel.infer(x, params)[0]
same = np.array_equal(expected, found)
if not child:
    os._exit(0 if same else 1)
sys.exit(0 if same and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_computes_too():
    """In a process of its own: other libraries that tests import warn of any fork."""
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)


# --- the rest of the contract ------------------------------------------------------------------------------


def test_a_kernel_says_what_it_is(kernel, data):
    assert repr(kernel) == f"<symcell kernel mixed, float32, {kernel.isa}>"
    assert kernel.name == "mixed"
    assert kernel.dtype == np.float32
    text = kernel.explain()
    for part in (kernel.isa, "stage", "gemm", "tape", "panel"):
        assert part in text
    assert "tape" not in repr(kernel.forward(data.x, data.params))


def test_initial_parameters(kernel):
    params = kernel.init_params(seed=3, **SIZES)
    assert {name: array.shape for name, array in params.items()} == {
        name: tuple(SIZES[dim] for dim in p["dims"]) for name, p in kernel._meta["params"].items()}
    assert all(type(array) is np.ndarray and array.dtype == FLOAT for array in params.values())
    assert_same_bits(kernel.init_params(seed=3, **SIZES), params)
    assert not np.array_equal(kernel.init_params(seed=4, **SIZES)["U"], params["U"])
    assert np.array_equal(kernel.init_params(seed=3, **{**SIZES, "H": np.int64(5)})["U"], params["U"])


def test_the_reference_refuses_what_a_kernel_refuses(data):
    reference, exact = reference_of(Mixed), data.astype(OTHER)
    with pytest.raises(TypeError, match=says("Mixed: x is float32")):
        reference.forward(data.x, exact.params)
    with pytest.raises(ValueError, match=says("params lacks")):
        reference.forward(exact.x, {})
    with pytest.raises(ValueError, match=says("record", "'ff'", "'f'?")):
        reference.forward(exact.x, exact.params, record=["ff"])
    run = reference.forward(exact.x, exact.params)
    with pytest.raises(ValueError, match="run of another kernel"):
        reference_of("lstm").backward(run, exact.dy)
    assert sys.getsizeof(reference.explain()) > 100


def test_the_same_kernel_in_another_precision(kernel, data):
    single, double = kernel.astype("float32"), kernel.astype("float64")
    assert (single.dtype, double.dtype, single.path) == (np.float32, np.float64, kernel.path)
    with pytest.raises(ValueError, match="float32 or float64"):
        kernel.astype("float16")
