"""Oracles 2 to 4 on cells with every feature of the language; and the adjoint of the adjoint."""

import importlib
import math

import numpy as np
import pytest

from symcell import zoo
from symcell.declare.functions import FUNCTIONS
from symcell.graph.adjoint import adjoint
from symcell.graph.interpret import interpret
from symcell.graph.lower import lower
from symcell.proof import frameworks, handwritten, numeric
from symcell.proof.kinks import clear_problem, margin
from symcell.proof.problem import Seeds, sweep
from symcell.proof.result import GRADIENTS, GROUPS
from tests.proof import cells

CELLS = {name: zoo.find(name) for name in zoo.names()} | {cell.__name__: cell for cell in cells.ALL}
CELLS |= {f"only {name}": cells.of_function(name) for name in FUNCTIONS}


@pytest.mark.parametrize("name", sorted({*CELLS} - {*zoo.names()}))  # the others: tests/zoo/test_table.py
def test_differences(name):
    rows = numeric.check(CELLS[name].spec)
    assert {row.what.partition(",")[0] for row in rows} == set(GRADIENTS)
    assert all(row.passed for row in rows), rows


@pytest.mark.parametrize("name", CELLS)
def test_declaration_step_by_step(name):
    rows = handwritten.check(CELLS[name].spec)
    assert {row.what.partition(",")[0] for row in rows} == set(GROUPS)
    assert all(row.passed for row in rows), rows


@pytest.mark.parametrize("name", CELLS)
def test_torch(name):
    rows = frameworks.check_torch(CELLS[name].spec)
    assert len(rows) == len(GROUPS)
    assert all(row.passed for row in rows), rows


@pytest.mark.parametrize("name", ["lstm", "Mixed", "Kinks", "Roots", "Relations"])
def test_jax(name):
    pytest.importorskip("jax")
    rows = frameworks.check_jax(CELLS[name].spec)
    assert len(rows) == len(GROUPS)
    assert all(row.passed for row in rows), rows


@pytest.mark.parametrize(("package", "check"), [("torch", frameworks.check_torch), ("jax", frameworks.check_jax)])
def test_a_framework_that_is_not_installed_is_neither_passed_nor_failed(package, check, monkeypatch):
    real = importlib.import_module

    def missing(name, *rest):
        if name == package:
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(importlib, "import_module", missing)
    row, = check(zoo.find("rnn").spec)
    assert row.passed is None
    assert "not installed" in row.how
    assert package in row.how


def test_points_are_clear_of_kinks():
    forward = lower(cells.Kinks.spec)
    sizes = numeric.sizes_of(cells.Kinks.spec)
    problem = clear_problem(cells.Kinks.spec, forward, 3, sizes, numeric.CLEAR)
    assert numeric.CLEAR <= margin(forward, problem) < 1
    assert margin(lower(cells.Mixed.spec), clear_problem(cells.Mixed.spec, lower(cells.Mixed.spec), 3,
                  numeric.sizes_of(cells.Mixed.spec), 0.0)) == math.inf


SMOOTH = [name for name in (*zoo.names(), "Mixed", "Roots", "Relations", "Large")
          if numeric.is_analytic(lower(CELLS[name].spec))]


def second_order_error(cell):
    """The adjoint of the adjoint against complex steps of the adjoint: the largest error, per kind of argument."""
    forward = lower(cell.spec)
    first = adjoint(forward)
    second = adjoint(first)
    T, sizes, random = 3, numeric.sizes_of(cell.spec), np.random.default_rng(3)

    def draw(names, *lead):
        shapes = {v.name: (*lead, *(sizes.get(d, 1) for d in v.dims)) for v in names}  # a number per row: "1"
        return {name: np.asarray(random.uniform(0.1, 1.1, size=shape)) for name, shape in shapes.items()}

    B = sizes["B"]
    steps = draw(first.with_role("input", "saved"), T, B)
    params, constants = draw(first.with_role("param")), draw(first.with_role("constant"))
    carries = draw(first.with_role("carry"), B)
    seeds = Seeds(draw([first.value(name) for name in first.outputs], T, B), draw(first.with_role("carry"), B),
                  draw(first.with_role("sum", "total")))
    _, found = sweep(first, second, T, steps, {**params, **constants}, carries, seeds, sizes)

    def value(steps, params, carries):
        trace = interpret(first, T, steps, {**params, **constants}, carries, sizes)
        got = [(trace.steps[k], w) for k, w in seeds.outputs.items()]
        got += [(trace.carries[k], w) for k, w in seeds.carries.items()]
        got += [(trace.sums[k], w) for k, w in seeds.sums.items()]
        return sum((a * w).sum() for a, w in got)

    worst = 0.0
    for place, arrays in enumerate((steps, params, carries)):
        for name, at in arrays.items():
            gradient = np.zeros(at.shape)
            for index in np.ndindex(at.shape):
                moved = np.array(at, dtype=complex)
                moved[index] += 1e-30j
                arguments = [steps, params, carries]
                arguments[place] = {**arrays, name: moved}
                gradient[index] = value(*arguments).imag / 1e-30
            scale = max(1.0, np.abs(gradient).max())
            worst = max(worst, float(np.abs(gradient - found[name]).max()) / scale)
    return worst


@pytest.mark.parametrize("name", SMOOTH)
def test_the_adjoint_of_the_adjoint(name):
    assert second_order_error(CELLS[name]) < 1e-12
