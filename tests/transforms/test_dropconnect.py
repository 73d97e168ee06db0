"""DropConnect: the masked cell is the cell with masked matrices, in outputs and gradients; masks are seeded."""

from dataclasses import replace

import numpy as np
import pytest

import symcell
from symcell import CellError, draw_masks, dropconnect, zoo
from symcell.proof import symbolic
from symcell.zoo.exponential import slstm
from tests.declare.text import declare
from tests.oracle import Sample, assert_alive, assert_close, run

TIED = declare("x, h = Input(), State()\nW, U = Matrix(h, x), Matrix(h, h)\n"
               "f = sigmoid(W @ x)\nh.next = tanh(W @ x + U @ (f * h) + 0.3 * U.T @ h)", name="Tied")
SIZES = {"I": 3, "H": 6}


def masked(cell, dropped, p, seed=1):
    """Results of the dropped cell, and those of the cell itself with matrices multiplied by the same masks."""
    sample = Sample.draw(cell, T=4, B=2, **SIZES)
    masks = draw_masks(dropped, seed=seed, dtype="float64", **SIZES)
    assert all(set(mask.ravel()) == {0.0, 1.0} for mask in masks.values())
    found = run(dropped, with_masks(sample, {**sample.params, **masks}, dropped))
    factors = {name.removeprefix("mask_"): mask / (1 - p) for name, mask in masks.items()}
    expected = run(cell, sample.with_params(
        **{name: value * factors.get(name, 1) for name, value in sample.params.items()}))
    return found, expected, factors


def with_masks(sample, params, cell):
    return replace(sample, params=params, constants=dict(cell.spec.constants))


@pytest.mark.parametrize("cell", [zoo.find("lstm"), zoo.find("gru"), TIED, slstm(2)], ids=lambda cell: cell.__name__)
def test_a_mask_stands_for_zeros_in_the_matrix(cell):
    found, expected, factors = masked(cell, dropconnect(cell, 0.4), 0.4)
    assert_alive(expected)
    assert set(factors) == {name for name in expected.dparams if name.startswith("U")}
    expected.dparams.update({name: expected.dparams[name] * factor for name, factor in factors.items()})
    assert_close(found, expected, 1e-12)


def test_the_gradient_is_proven():
    assert all(row.passed and row.how.startswith("proof") for row in symbolic.check(dropconnect(TIED, 0.3).spec))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_kernel_of_a_masked_cell(dtype):
    dropped = dropconnect("rnn", 0.5)
    kernel, reference = symcell.compile(dropped, dtype), symcell.reference(dropped)
    params = {**kernel.init_params(seed=0, **SIZES), **draw_masks(dropped, seed=2, dtype=dtype, **SIZES)}
    x = np.random.default_rng(0).standard_normal((5, 2, 3)).astype(dtype)
    ours, theirs = kernel.forward(x, params), reference.forward(x.astype("f8"), {k: v.astype("f8")
                                                                                 for k, v in params.items()})
    grads = kernel.backward(ours, np.ones_like(ours.y)), reference.backward(theirs, np.ones_like(theirs.y))
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    np.testing.assert_allclose(ours.y, theirs.y, atol=tolerance)
    np.testing.assert_allclose(grads[0].params["U"], grads[1].params["U"], atol=10 * tolerance)
    assert not grads[0].params["U"][params["mask_U"] == 0].any()
    assert "mask_U" not in grads[0].params


def test_masks_are_seeded_and_have_the_rate():
    dropped = dropconnect("lstm", {"W_i": 0.25, "U_f": 0.75})
    masks = draw_masks(dropped, seed=3, I=200, H=300)
    assert {name: mask.shape for name, mask in masks.items()} == {"mask_W_i": (300, 200), "mask_U_f": (300, 300)}
    assert abs(masks["mask_W_i"].mean() - 0.75) < 0.01
    assert abs(masks["mask_U_f"].mean() - 0.25) < 0.01
    again = draw_masks(dropped, seed=3, dtype="float64", I=200, H=300)
    assert all(np.array_equal(masks[name], again[name]) for name in masks)
    assert not np.array_equal(draw_masks(dropped, seed=4, I=200, H=300)["mask_U_f"], masks["mask_U_f"])
    assert all((value == 1).all() for name, value in symcell.reference(dropped).init_params(I=3, H=4).items()
               if name in masks)


def test_the_inference_form_is_the_cell():
    calm = dropconnect("lstm", 0.5, training=False)
    sample = Sample.draw(zoo.find("lstm"))
    assert_close(run(calm, sample), run(zoo.find("lstm"), sample), 0.0)
    with pytest.raises(CellError, match="DropConnectLSTM has no masks"):
        draw_masks(calm, seed=0, **SIZES)


@pytest.mark.parametrize(("arguments", "message"), [
    (("lstm", 1.0), "LSTM: dropconnect: p=1.0 is no probability; expected a number from 0 to 1, and below 1"),
    (("lstm", {"b_i": 0.5}), "LSTM: dropconnect: p names 'b_i'; expected W_i"),
    (("sru_recurrence", 0.5), "there is nothing to apply it to"),
    (("lstm", 0.5, 1), "dropconnect: training: expected True or False, got 1"),
])
def test_what_cannot_be_dropped_is_refused(arguments, message):
    with pytest.raises(CellError, match=message):
        dropconnect(*arguments)


@pytest.mark.parametrize(("sizes", "error", "message"), [
    ({"H": 5}, TypeError, "draw_masks needs the size I, such as I=64"),
    ({"I": 5, "H": 5, "Z": 1}, TypeError, "draw_masks: there is no dimension 'Z'"),
    ({"I": 0, "H": 5}, ValueError, "draw_masks: the size I=0: expected at least 1"),
])
def test_sizes_of_masks_are_checked(sizes, error, message):
    with pytest.raises(error, match=message):
        draw_masks(dropconnect("lstm", {"W_i": 0.5}), seed=0, **sizes)
