"""Where a cell of the zoo divides by a gate that may become 0: what its docstring says of it."""

import numpy as np
import pytest

import symcell
from symcell import zoo

SIZES = {"I": 3, "H": 4}


def constant_gates(name, dtype, **biases):
    """Run a cell whose weights are 0, so that its gates are what their biases say; return (run, gradients)."""
    kernel = symcell.compile(name, dtype)
    params = {key: np.zeros_like(array) for key, array in kernel.init_params(seed=0, **SIZES).items()}
    initial = biases.pop("state", None)
    for key, value in biases.items():
        params[key][:] = value
    with np.errstate(all="ignore"):
        run = kernel.forward(np.zeros((3, 2, 3), dtype), params, initial and {
            state: np.full((2, 4), initial.get(state, 0.0), dtype) for state, _ in zoo.find(name).spec.states})
        return run, kernel.backward(run, np.ones_like(run.y))


@pytest.mark.parametrize(("dtype", "limit"), [("float64", 745.2), ("float32", 104.0)])
def test_slstm_in_its_first_step(dtype, limit):
    assert f"less by {limit:.0f}" in zoo.find("slstm").spec.doc.replace("(float32: 104)", "less by 104")
    log_f = np.log(0.5)
    last, _ = constant_gates("slstm", dtype, b_z=0.5, b_i=log_f - limit + 1)
    assert np.isfinite(last.y).all()
    below, _ = constant_gates("slstm", dtype, b_z=0.5, b_i=log_f - limit - 1)
    assert np.isnan(below.y[0]).all()
    for b_i in (-limit - 1, -limit / 2 - 5, -0.9 * limit):
        run, gradients = constant_gates("slstm", dtype, b_z=0.5, b_i=b_i, state={"m": -1e30})
        assert np.allclose(run.y, 0.5 * np.tanh(0.5), rtol=1e-6)
        assert all(np.isfinite(array).all() for array in gradients.params.values())
        assert np.allclose(gradients.params["b_z"], 6 * 0.5 * (1 - np.tanh(0.5) ** 2), rtol=1e-5)
        assert np.abs(gradients.params["b_i"]).max() < 1e-5  # nothing before it to compare the input with


def test_an_initial_stabiliser_of_slstm_does_not_change_its_output():
    kernel, random = symcell.reference("slstm"), np.random.default_rng(3)
    params, x = kernel.init_params(seed=1, **SIZES), random.standard_normal((9, 2, 3))
    zero = {state: np.zeros((2, 4)) for state in "hcnm"}
    runs = [kernel.forward(x, params, zero | {"m": np.full((2, 4), m)}) for m in (0.0, -1e30)]
    assert np.abs(runs[0].y - runs[1].y).max() < 1e-14
    first, second = (kernel.backward(run, np.ones_like(run.y)).params for run in runs)
    assert all(np.abs(first[name] - second[name]).max() < 1e-13 for name in first)


@pytest.mark.parametrize(("dtype", "limit"), [("float64", 745.2), ("float32", 104.0)])
def test_min_lstm_where_both_gates_underflow(dtype, limit):
    assert f"exp(-{limit:.0f})" in zoo.find("min_lstm").spec.doc
    last, _ = constant_gates("min_lstm", dtype, b_n=0.5, b_i=-limit + 1, b_f=-limit + 1)
    assert np.isfinite(last.y).all()
    below, _ = constant_gates("min_lstm", dtype, b_n=0.5, b_i=-limit - 1, b_f=-limit - 1)
    assert np.isnan(below.y).all()
    half, gradients = constant_gates("min_lstm", dtype, b_n=0.5, b_i=-limit / 2 + 8, b_f=-limit / 2 + 8)
    assert np.allclose(half.y[0], 0.25)
    assert np.allclose(-gradients.params["b_f"], gradients.params["b_i"], rtol=1e-4)
