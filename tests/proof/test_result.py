"""A NaN, a wrong shape, a wrong dtype, a missing array: each fails, wherever it is."""

import math

import numpy as np
import pytest

from symcell.proof.report import Part, Report
from symcell.proof.result import D_PARAM, FINAL, OUTPUT, Outcome, compare, distance, failed, not_run

EXPECTED = {(OUTPUT, "y"): np.ones((2, 3)), (FINAL, "h"): np.ones(3), (D_PARAM, "W"): np.ones((3, 2)),
            (D_PARAM, "b"): np.zeros(3)}  # fmt: skip


def outcomes(**changes):
    got = {key: changes.get(key[1], array.copy()) for key, array in EXPECTED.items()}
    return compare("o", {key: array for key, array in got.items() if array is not None}, EXPECTED, 1e-6, "how")


def test_equal_arrays_pass_one_row_per_group():
    rows = outcomes()
    assert [(row.what, row.error, row.passed) for row in rows] == [
        (OUTPUT, 0.0, True), (FINAL, 0.0, True), (D_PARAM, 0.0, True)]  # fmt: skip


@pytest.mark.parametrize("error", [math.nan, math.inf])
def test_an_error_that_is_no_number_never_passes(error):
    assert Outcome("o", "y", error, 1.0, "").passed is False
    assert Outcome("o", "y", error, math.inf, "").passed is False
    assert Outcome("o", "y", 0.0, math.nan, "").passed is False


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["y", "h", "W", "b"])
def test_not_finite(name, value):
    array = next(a for key, a in EXPECTED.items() if key[1] == name).copy()
    array.flat[-1] = value
    rows = outcomes(**{name: array})
    assert sum(row.passed is False for row in rows) == 1
    assert name in next(row.what for row in rows if not row.passed) or name in "yh"


def test_not_finite_on_both_sides():
    both = {(OUTPUT, "y"): np.array([1.0, math.nan])}
    assert compare("o", both, both, 1.0, "")[0].passed is False
    both = {(OUTPUT, "y"): np.array([1.0, math.inf])}
    assert compare("o", both, both, 1.0, "")[0].passed is False


@pytest.mark.parametrize("name", ["y", "h", "W", "b"])
def test_shapes_and_missing_arrays(name):
    right = next(a for key, a in EXPECTED.items() if key[1] == name)
    for wrong in (right[None], right[:-1], right.ravel()[0], None):
        rows = outcomes(**{name: wrong})
        assert [row.error for row in rows if not row.passed] == [math.inf]
        assert name in next(row.what for row in rows if not row.passed)


def test_an_array_too_many():
    rows = compare("o", {**EXPECTED, (D_PARAM, "extra"): np.ones(2)}, EXPECTED, 1e-6, "how")
    assert [row.what for row in rows if not row.passed] == [f"{D_PARAM}, worst extra (not expected)"]


def test_dtype():
    rows = compare("o", EXPECTED, EXPECTED, 1e-6, "how", dtype=np.float32)
    assert all(row.error == math.inf and "float64" in row.what for row in rows)


def test_a_nan_is_worse_than_any_number():
    rows = compare("o", {(D_PARAM, "a"): np.array([9.0]), (D_PARAM, "b"): np.array([math.nan])},
                   {(D_PARAM, "a"): np.array([0.0]), (D_PARAM, "b"): np.array([0.0])}, 1.0, "")
    assert math.isnan(rows[0].error)
    assert rows[0].what.endswith("worst b")


def test_distance_is_relative_to_the_largest_entry():
    assert distance(np.array([200.0, 1.0]), np.array([200.0, 2.0]), 1e-3) == pytest.approx(1 / 200)
    assert distance(np.array([1e-4]), np.array([0.0]), 1e-3) == pytest.approx(0.1)
    assert distance(np.zeros((0, 3)), np.zeros((0, 3)), 1e-3) == 0.0


def report(*found):
    return Report("cell", [Part(1, "title", "o", lambda outcome=outcome: [outcome]) for outcome in found])


def test_report():
    good, bad = Outcome("o", "y", 0.0, 0.0, ""), failed("o", "broken")
    assert report(good).passed
    assert report(good, not_run("o", "not installed")).passed
    assert not report(good, bad).passed
    assert not report(not_run("o", "not installed")).passed, "nothing ran"
    assert not report().passed
    assert not_run("o", "why").passed is None


def test_a_report_runs_each_oracle_once_and_as_it_is_read():
    runs = []

    def part(name):
        return Part(1, name, name, lambda: runs.append(name) or [Outcome(name, "y", 0.0, 0.0, "")])

    made = Report("cell", [part("a"), part("b")])
    assert runs == []
    assert next(iter(made)).oracle == "a"
    assert runs == ["a"]
    assert made.passed
    assert [outcome.oracle for outcome in made] == ["a", "b"]
    assert runs == ["a", "b"]
    assert "passed" in str(made)


def test_an_oracle_that_raises_or_says_nothing_has_failed():
    def broken():
        raise ValueError("no such thing")

    row, = Part(1, "title", "o", broken).run()
    assert row.passed is False
    assert row.how == "ValueError: no such thing"
    row, = Part(1, "title", "o", list).run()
    assert row.passed is False
