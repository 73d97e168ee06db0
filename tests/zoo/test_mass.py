"""The mass-conserving LSTM conserves mass, whatever its weights are, and its redistribution is one."""

import numpy as np
import pytest

import symcell
from symcell import Cell, zoo
from symcell.declare.matrix_sum import MatrixSum
from symcell.graph.interpret import interpret
from tests.oracle import Sample, graphs

CELL = zoo.find("lstm_mass_conserving")


def masses(cell, kernel=None, dtype="float64", scale=5.0):
    """Mass that came in up to each step with what was there, and mass that is there or has left: (T, B) each."""
    rng = np.random.default_rng(0)
    kernel = kernel or symcell.reference(cell)
    params = {name: (scale * array).astype(dtype) for name, array in
              kernel.init_params(seed=1, I=3, H=6, M=2).items()}
    x = {"m": rng.random((9, 4, 2)).astype(dtype), "x": rng.normal(size=(9, 4, 3)).astype(dtype)}
    c = rng.random((4, 6)).astype(dtype)
    run = kernel.forward(x, params, {"c": c}, record=["c"])
    came = x["m"].sum(axis=2).cumsum(axis=0) + c.sum(axis=1)
    return came, run.record["c"].sum(axis=2) + run.y.sum(axis=2).cumsum(axis=0), run


def test_mass_is_conserved():
    came, is_or_left, run = masses(CELL)
    np.testing.assert_allclose(is_or_left, came, rtol=1e-14)
    assert (run.record["c"] >= 0).all()
    assert (run.y >= 0).all()
    assert np.ptp(run.y) > 1e-2


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_mass_is_conserved_by_the_kernel(dtype):
    came, is_or_left, _ = masses(CELL, symcell.compile(CELL, dtype), dtype)
    np.testing.assert_allclose(is_or_left, came, rtol=2e-6 if dtype == "float32" else 1e-14)


def test_rows_in_place_of_columns_lose_mass():
    came, is_or_left, _ = masses(Cell.from_json(CELL.to_json().replace("softmax_columns", "softmax_rows")))
    assert np.abs(is_or_left - came).max() > 1e-2


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_the_columns_of_the_redistribution_sum_to_1_without_overflow(scale):
    sample = Sample.draw(CELL, T=2, B=2, I=3, H=5, M=1)
    params = sample.params | {"B_r": scale * sample.params["B_r"], "epsilon": 1e-5}
    forward, _ = graphs(CELL)
    R = interpret(forward, 2, sample.inputs(CELL), params, sample.state, sample.sizes).derived["R"]
    np.testing.assert_allclose(R.sum(axis=0), np.ones(5), rtol=1e-15)
    assert (R >= 0).all()
    assert np.abs(R.sum(axis=1) - 1).max() > 1e-2


def test_it_is_one_matrix_computed_once():
    [equation] = [e for e in CELL.spec.equations if isinstance(e.expression, MatrixSum)]
    assert str(equation.expression) == 'softmax(B_r, axis="columns")'
