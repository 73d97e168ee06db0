"""A cell that amplifies rounding is no wrong cell, and a wrong kernel of it is found all the same."""

from dataclasses import replace

import numpy as np
import pytest

import symcell
from symcell import Cell, Input, State, Vector, tanh, zoo
from symcell.graph.adjoint import adjoint
from symcell.graph.lower import lower
from symcell.proof import kernel, rounding
from symcell.proof.problem import random_problem, run_graphs
from symcell.proof.result import D_PARAM, FINAL, compare


class Amplifying(Cell):
    """The map 1 - 2 v^2 is chaotic: each of three may make an error four times as large, in each step."""

    x, h = Input("H"), State()
    b = Vector(h)
    u = tanh(x + h + b)
    v = 1 - 2 * u**2
    w = 1 - 2 * v**2
    h.next = 1 - 2 * w**2


class Spoilt:
    """A kernel whose backward pass errs by a factor in one parameter's gradient."""

    def __init__(self, right, name, factor):
        self.right, self.name, self.factor, self.dtype = right, name, factor, right.dtype

    def __getattr__(self, name):
        return getattr(self.right, name)

    def backward(self, *arguments):
        grads = self.right.backward(*arguments)
        wrong = {**grads.params, self.name: grads.params[self.name] * np.asarray(self.factor, self.dtype)}
        return replace(grads, params=wrong)


@pytest.fixture(scope="module")
def compiled():
    return symcell.compile(Amplifying, "float32")


def test_what_noise_changes_a_kernel_may_change(compiled, monkeypatch):
    rows = kernel.check(Amplifying.spec, compiled)
    assert all(row.passed for row in rows), rows
    assert max(row.tolerance for row in rows) <= kernel.WORTHLESS
    monkeypatch.setattr(kernel, "TIMES", 0)
    assert any(row.passed is False for row in kernel.check(Amplifying.spec, compiled)), "no noise was needed"


def test_a_wrong_gradient_of_it_is_found(compiled):
    rows = kernel.check(Amplifying.spec, Spoilt(compiled, "b", 1.02))
    assert [row.what for row in rows if not row.passed] == [f"{D_PARAM}, worst b"]


def test_a_cell_that_does_not_amplify_keeps_its_tolerance():
    spec, dtype = zoo.find("rnn").spec, np.dtype(np.float32)
    graphs, sizes = (lower(spec), adjoint(lower(spec))), {"B": 3, "I": 5, "H": 50}
    problem = random_problem(spec, 2, sizes, 0, dtype=dtype)
    found = rounding.changes(*graphs, problem, dict(run_graphs(*graphs, problem)), dtype, kernel.FLOOR)
    assert max(found.values()) > 0
    assert kernel.TIMES * max(found.values()) < kernel.tolerance(dtype, sizes, 2)


def test_an_array_may_differ_by_what_is_allowed_it_alone():
    expected = {(FINAL, "a"): np.ones(2), (FINAL, "b"): np.ones(2)}
    got = {key: array + 0.1 for key, array in expected.items()}
    wider = {(FINAL, "a"): 0.2}
    [row] = compare("o", got, expected, 1e-3, "how", wider=wider)
    assert (row.passed, row.what, row.tolerance) == (False, f"{FINAL}, worst b", 1e-3)
    [row] = compare("o", {**got, (FINAL, "b"): np.ones(2)}, expected, 1e-3, "how", wider=wider)
    assert (row.passed, row.tolerance) == (True, 0.2)
    [row] = compare("o", got, expected, 1e-3, "how", wider=dict.fromkeys(expected, np.nan))
    assert row.passed is False
