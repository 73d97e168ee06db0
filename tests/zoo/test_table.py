"""Every cell of the zoo through the same checks, a row of tests/zoo/table.py each; none is skipped.

The first three hold the derived gradient and the kernel against the declaration; the fourth holds the declaration
against a package that others wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torchrecurrent

import symcell
from symcell import zoo
from symcell.declare.cell import Cell
from symcell.declare.errors import CellError
from symcell.proof import kernel, numeric, polynomial, symbolic
from symcell.proof.result import GRADIENTS, GROUPS
from symcell.zoo.searched import nas
from symcell.zoo.timescales import lem, tau_gru
from tests.oracle import Sample, assert_alive, assert_close, run
from tests.zoo.packaged import run_package
from tests.zoo.table import TABLE, Row

# No polynomial of a size to multiply out is found, 50 digits are compared instead: functions of functions of relu,
# of the many branches of hard_sigmoid, roots of sums of squares, three levels in each step.
BEYOND_PROOF = {"nas", "sgu", "dsgu", "lstm_hard_sigmoid", "gru_hard_sigmoid", "lstm_layer_norm", "gru_layer_norm",
                "rhn", "lstm_mass_conserving"}
LITTLE_WORK = 100_000  # terms, after which these are given up: they would take 20 s of searching in vain
MUCH_WORK = 15_000_000  # what the largest proofs need, some seconds
TOLERANCE = 1e-9

each_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
each_packaged_row = pytest.mark.parametrize("row", [row for row in TABLE if row.package], ids=lambda row: row.name)
each_deviating_row = pytest.mark.parametrize("row", [row for row in TABLE if row.package and row.package.cell],
                                             ids=lambda row: row.name)


@each_row
def test_every_gradient_is_proven(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polynomial, "MAX_WORK", LITTLE_WORK if row.name in BEYOND_PROOF else MUCH_WORK)
    rows = symbolic.check(zoo.find(row.name).spec)
    assert [found.what.partition(", worst")[0] for found in rows] == list(GROUPS)
    assert all(found.passed for found in rows), rows
    if row.name in BEYOND_PROOF:
        assert all(found.how.startswith("50-digit") and found.tolerance <= 1e-40 for found in rows), rows
    else:
        assert all(found.how.startswith("proof") and found.error == found.tolerance == 0 for found in rows), rows


@each_row
def test_every_gradient_is_that_of_differences(row: Row) -> None:
    rows = numeric.check(zoo.find(row.name).spec)
    assert {found.what.partition(",")[0] for found in rows} == set(GRADIENTS)
    assert all(found.passed for found in rows), rows


def kernels() -> list[object]:
    """Each cell in both precisions; compiling takes seconds, so most of them are slow tests."""
    return [pytest.param(row, dtype, id=f"{row.name}-{dtype}",
                         marks=() if row.in_every_run and dtype == "float32" else pytest.mark.slow)
            for row in TABLE for dtype in ("float32", "float64")]


@pytest.mark.parametrize(("row", "dtype"), kernels())
def test_the_compiled_cell_is_the_interpreted_one(row: Row, dtype: str) -> None:
    rows = kernel.check(zoo.find(row.name).spec, symcell.compile(row.name, dtype))
    assert len(rows) > 4
    assert all(found.passed for found in rows), rows


@pytest.mark.slow
@each_deviating_row
def test_the_compiled_variant_is_the_interpreted_one(row: Row) -> None:
    """Beside the cell itself, whose class has the same name."""
    paper, variant = zoo.find(row.name), row.package.cell
    assert paper.__name__ == variant.__name__
    for cell in (paper, variant):
        assert all(found.passed for found in kernel.check(cell.spec, symcell.compile(cell, "float64")))


def packaged_sample(row: Row, cell: type[Cell], *, seed: int = 6, **sizes: int) -> Sample:
    """Random data, and constants that are not the defaults, so that none can be mistaken for another."""
    sample = Sample.draw(cell, seed=seed, **sizes)
    return replace(sample, constants=sample.constants | dict(row.package.constants))


@each_packaged_row
@pytest.mark.parametrize("sizes", [(7, 3, 5, 4), (2, 2, 1, 3), (20, 2, 3, 3)], ids=str)
def test_the_cell_is_that_of_torchrecurrent(row: Row, sizes: tuple[int, int, int, int]) -> None:
    cell = row.package.cell or zoo.find(row.name)
    sample = packaged_sample(row, cell, **dict(zip("TBIH", sizes, strict=True)))
    results = run(cell, sample)
    assert_alive(results)
    assert_close(results, run_package(row.package, sample), TOLERANCE)


@each_deviating_row
def test_where_the_package_deviates_from_the_paper_it_is_another_cell(row: Row) -> None:
    cell = zoo.find(row.name)
    sample = packaged_sample(row, cell, T=5, I=4, H=6)
    theirs = run_package(row.package, sample)
    assert np.abs(run(cell, sample).y - theirs.y).max() > 1e-3


def test_every_cell_of_torchrecurrent_is_in_the_table() -> None:
    exported = {name.removesuffix("Cell") for name in torchrecurrent.__all__}
    assert exported == {row.package.name for row in TABLE if row.package}


@pytest.mark.parametrize("delay", [1, 3])
def test_a_delay_of_any_length_is_that_of_torchrecurrent(delay: int) -> None:
    [package] = [row.package for row in TABLE if row.name == "tau_gru"]
    sample = Sample.draw(tau_gru(delay), T=8, B=2, I=3, H=4)
    assert list(sample.state) == ["h", *(f"d_{k + 1}" for k in range(delay))]
    assert_close(run(tau_gru(delay), sample), run_package(package, sample), TOLERANCE)


@pytest.mark.parametrize("delay", [0, -1, 1.5, "3", None, True])
def test_a_delay_is_a_positive_integer(delay: object) -> None:
    with pytest.raises(CellError, match=r"tau_gru\(delay\): expected an integer of at least 1, got "):
        tau_gru(delay)  # type: ignore[arg-type]


@pytest.mark.parametrize("make", [lem, nas])
@pytest.mark.parametrize("switch", ["no", 0, None, 1.0])
def test_a_switch_is_true_or_false(make: Callable[[object], object], switch: object) -> None:
    with pytest.raises(CellError, match=rf"{make.__name__}\(\w+\): expected True or False, got {switch!r}"):
        make(switch)


def test_settings_may_be_numbers_of_numpy() -> None:
    assert str(tau_gru(np.int64(3)).spec) == str(tau_gru(3).spec)
    assert str(lem(np.False_).spec) == str(lem(False).spec)
