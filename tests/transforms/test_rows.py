"""Each transformation on two cells that it takes: proof, differences, and in `make test-all` kernels."""

import pytest

import symcell
from symcell import coupled, layer_normalised, residual, variational_dropout, with_dims, zoneout
from symcell.declare.errors import CellError
from symcell.proof import kernel, numeric, polynomial, symbolic
from symcell.proof.result import GRADIENTS, GROUPS

TABLE = {
    "residual gru": lambda: residual(with_dims("gru", I="H")),
    "residual sru": lambda: residual(with_dims("sru", I="H")),
    "coupled lstm": lambda: coupled("lstm"),
    "coupled lstm_peephole": lambda: coupled("lstm_peephole"),
    "zoneout lstm": lambda: zoneout("lstm", {"h": 0.05, "c": 0.5}),
    "zoneout janet": lambda: zoneout("janet", 0.3),
    "zoneout mgu, expected": lambda: zoneout("mgu", 0.3, training=False),
    "dropout gru_reset_before": lambda: variational_dropout("gru_reset_before", 0.25),
    "dropout ran": lambda: variational_dropout("ran", {"x": 0.25}),
    "layer norm mgu": lambda: layer_normalised("mgu"),
    "layer norm janet": lambda: layer_normalised("janet", stacked=[("s", "n")]),
    "all of them": lambda: zoneout(variational_dropout(residual(with_dims(coupled("lstm"), I="H")), 0.3), 0.2),
}
each_row = pytest.mark.parametrize("row", TABLE)
LONG = ("all of them", "dropout gru_reset_before")  # proofs that take a minute together


@pytest.mark.parametrize("row", [pytest.param(row, marks=pytest.mark.slow if row in LONG else ()) for row in TABLE])
def test_every_gradient_is_proven(row, monkeypatch):
    normed = row.startswith("layer norm")  # roots of sums of squares have no polynomial form
    monkeypatch.setattr(polynomial, "MAX_WORK", 100_000 if normed else 15_000_000)
    rows = symbolic.check(TABLE[row]().spec)
    assert [found.what.partition(", worst")[0] for found in rows] == list(GROUPS)
    assert all(found.passed for found in rows), rows
    assert all(found.how.startswith("50-digit" if normed else "proof") for found in rows), rows


@each_row
def test_every_gradient_is_that_of_differences(row):
    rows = numeric.check(TABLE[row]().spec)
    assert {found.what.partition(",")[0] for found in rows} == set(GRADIENTS)
    assert all(found.passed for found in rows), rows


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@each_row
def test_the_compiled_cell_is_the_interpreted_one(row, dtype):
    cell = TABLE[row]()
    rows = kernel.check(cell.spec, symcell.compile(cell, dtype))
    assert len(rows) > 4
    assert all(found.passed for found in rows), rows


def test_coupled_takes_no_cell_without_two_gates():
    with pytest.raises(CellError, match="expected a gate i"):
        coupled("gru_layer_norm")
