"""Runs: nothing that a caller does later reaches a gradient, and nothing is shared."""

import numpy as np
import pytest

import symcell
from tests.runtime.calls.given import FLOAT, OTHER, says
from tests.runtime.cells import Mixed, assert_near, assert_same_bits, draw, kernel_of, reference_of, results


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
