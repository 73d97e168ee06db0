"""Arrays and numbers that a call refuses, and what the error says."""

import numpy as np
import pytest

from tests.runtime.calls.given import FLOAT, OTHER, says
from tests.runtime.cells import assert_same_bits

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
