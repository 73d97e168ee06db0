"""Cells with matrices and scalars made once per call, against the autograd of torchrecurrent 0.2.5 in float64."""

import numpy as np
import pytest
import torch

from symcell import zoo
from tests.oracle import Sample, assert_alive, assert_close, run
from tests.zoo.test_frameworks import differentiate, leaf, leaves

torchrecurrent = pytest.importorskip("torchrecurrent")
TOLERANCE = 1e-9
CONSTANTS = {"epsilon": 0.1, "gamma": 0.01}


def cat(*tensors):
    return torch.cat(tensors)


# Our parameters under the package's names. Its two biases add up, so that one of them is zero here.
CELLS = {
    "antisymmetric": ("AntisymmetricRNNCell", CONSTANTS, lambda p: {
        "weight_ih": p["W"], "weight_hh": p["U"], "bias_ih": p["b"]}),
    "antisymmetric_gated": ("GatedAntisymmetricRNNCell", CONSTANTS, lambda p: {
        "weight_ih": cat(p["W_z"], p["W_n"]), "weight_hh": p["U"], "bias_ih": cat(p["b_z"], p["b_n"])}),
    "fastrnn": ("FastRNNCell", {}, lambda p: {
        "weight_ih": p["W"], "weight_hh": p["U"], "bias_ih": p["b"],
        "alpha": p["alpha"].reshape(1), "beta": p["beta"].reshape(1)}),
    # The package's gate is a tanh unless it is told otherwise; the paper's, and its documentation's, is a sigmoid.
    "fastgrnn": ("FastGRNNCell", {"nonlinearity": "sigmoid"}, lambda p: {
        "weight_ih": p["W"], "weight_hh": p["U"], "bias_ih": cat(p["b_z"], p["b_n"]),
        "zeta": p["zeta"].reshape(1), "nu": p["nu"].reshape(1)}),
}


def run_package(name, sample, **changed):
    made, options, rename = CELLS[name]
    cell = getattr(torchrecurrent, made)(sample.sizes["I"], sample.sizes["H"], dtype=torch.float64,
                                         **{**options, **changed})
    x, params, state = leaf(sample.x), leaves(sample.params), leaves(sample.state)
    weights = rename(params)
    weights["bias_hh"] = torch.zeros_like(dict(cell.named_parameters())["bias_hh"])
    assert set(weights) == {name for name, _ in cell.named_parameters()}
    h, outputs = state["h"], []
    for x_t in x:
        h = torch.func.functional_call(cell, weights, (x_t, h))
        outputs.append(h)
    return differentiate(sample, x, params, state, torch.stack(outputs), {"h": h})


@pytest.mark.parametrize("name", CELLS)
def test_outputs_and_gradients_are_the_packages(name):
    sample = Sample.draw(zoo.find(name), T=7, B=3, I=4, H=5, seed=7)
    results = run(zoo.find(name), sample)
    assert_alive(results)
    assert_close(results, run_package(name, sample), TOLERANCE)


@pytest.mark.parametrize(("name", "option"), [("antisymmetric", {"gamma": 0.02}),
                                              ("antisymmetric_gated", {"epsilon": 0.2}),
                                              ("fastgrnn", {"nonlinearity": "tanh"})])
def test_another_convention_is_noticed(name, option):
    sample = Sample.draw(zoo.find(name), T=7, B=3, I=4, H=5, seed=7)
    with pytest.raises(AssertionError):
        assert_close(run(zoo.find(name), sample), run_package(name, sample, **option), TOLERANCE)


def test_low_rank_is_full_rank_with_the_product_of_the_factors():
    sample = Sample.draw(zoo.find("fastgrnn_lowrank"), T=5, B=2, I=4, H=6, R=2, S=3, seed=1)
    p = dict(sample.params)
    full = {name: p[name] for name in ("b_z", "b_n", "zeta", "nu")}
    full |= {"W": p["W_1"] @ p["W_2"].T, "U": p["U_1"] @ p["U_2"].T}
    low, expected = run(zoo.find("fastgrnn_lowrank"), sample), run(zoo.find("fastgrnn"), sample.with_params(**full))
    np.testing.assert_allclose(low.y, expected.y, rtol=1e-12)
    np.testing.assert_allclose(low.dx, expected.dx, rtol=0, atol=1e-12)
    for side, factors in (("W", ("W_1", "W_2")), ("U", ("U_1", "U_2"))):
        first, second = (p[name] for name in factors)
        np.testing.assert_allclose(low.dparams[factors[0]], expected.dparams[side] @ second, rtol=0, atol=1e-12)
        np.testing.assert_allclose(low.dparams[factors[1]], expected.dparams[side].T @ first, rtol=0, atol=1e-12)
