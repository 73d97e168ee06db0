"""Oracle 5 finds any wrong array of a kernel; the kernel here is the interpreter, with one result spoilt at a time."""

from types import SimpleNamespace

import numpy as np
import pytest

from symcell import zoo
from symcell.graph.adjoint import adjoint
from symcell.graph.lower import lower
from symcell.proof import kernel
from symcell.proof.problem import Problem, run_graphs
from symcell.proof.report import run_all
from symcell.proof.result import D_INPUT, D_PARAM, D_STATE, FINAL, OUTPUT
from tests.proof import cells


class ReferenceKernel:
    """The public contract of a kernel, computed in float64 and rounded to the dtype.

    spoil: by what is spoilt ("y", "state h", "infer y", "x", "params U_f", "dstate h", "init U_f" ...), a function
    of the right array.
    """

    def __init__(self, cell, dtype, spoil=None):
        self.spec, self.dtype, self.spoil = cell.spec, np.dtype(dtype), spoil or {}
        self.graphs = lower(cell.spec), adjoint(lower(cell.spec))

    def _out(self, what, array):
        array = np.asarray(array).astype(self.dtype)
        return self.spoil[what](array) if what in self.spoil else array

    def _results(self, x, params, state, constants, dy=None, dstate=None):
        def wide(arrays):
            return {name: np.asarray(array, np.float64) for name, array in arrays.items()}

        inputs = wide(x if isinstance(x, dict) else {self.spec.inputs[0][0]: x})
        T, B = next(iter(inputs.values())).shape[:2]
        sizes = {"B": B}
        for p in self.spec.parameters:
            sizes |= dict(zip(p.dims, np.shape(params[p.name]), strict=True))
        sizes |= {dim: inputs[name].shape[2] for name, dim in self.spec.inputs}
        sizes |= {dim: state[name].shape[1] for name, dim in self.spec.states}
        width = {e.name: e.dims for e in self.spec.equations}[self.spec.output][0]
        dy = np.zeros((T, B, sizes[width])) if dy is None else dy
        dstate = {name: np.zeros((B, sizes[dim])) for name, dim in self.spec.states} if dstate is None else dstate
        constants = {name: float((constants or {}).get(name, value)) for name, value in self.spec.constants}
        problem = Problem(T, sizes, inputs, wide(params), constants, wide(state), np.asarray(dy, float), wide(dstate))
        return run_graphs(*self.graphs, problem)

    def init_params(self, seed=0, **dims):
        random = np.random.default_rng(seed)
        return {p.name: self._out(f"init {p.name}", random.normal(size=[dims[d] for d in p.dims]))
                for p in self.spec.parameters}

    def forward(self, x, params, state=None, constants=None):
        found = self._results(x, params, state, constants)
        last = {name: self._out(f"state {name}", found[FINAL, name]) for name, _ in self.spec.states}
        return SimpleNamespace(y=self._out("y", found[OUTPUT, "y"]), state=last, tape=(x, params, state, constants))

    def infer(self, x, params, state=None, constants=None):
        found = self._results(x, params, state, constants)
        last = {name: self._out(f"infer state {name}", found[FINAL, name]) for name, _ in self.spec.states}
        return self._out("infer y", found[OUTPUT, "y"]), last

    def backward(self, run, dy, dstate=None):
        found = self._results(*run.tape, dy, dstate)
        return SimpleNamespace(
            x=self._out("x", found[D_INPUT, self.spec.inputs[0][0]]),
            params={p.name: self._out(f"params {p.name}", found[D_PARAM, p.name]) for p in self.spec.parameters},
            state={name: self._out(f"dstate {name}", found[D_STATE, name]) for name, _ in self.spec.states},
        )


def off_by_a_thousandth(array):
    array = array.copy()
    if array.size:
        array.flat[-1] += 1e-3 * max(1.0, float(np.abs(array).max()))
    return array


def with_nan(array):
    array = array.copy()
    if array.size:
        array.flat[0] = np.nan
    return array


def all_zero(array):
    return np.zeros_like(array)


def a_dimension_too_many(array):
    return array[None]


def transposed(array):
    return array.T if array.ndim > 1 else array[:-1]


def other_dtype(array):
    return array.astype(np.float32 if array.dtype == np.float64 else np.float64)


SPOILS = (off_by_a_thousandth, with_nan, a_dimension_too_many, transposed, other_dtype)
PLACES = ("y", "state h", "infer y", "infer state h", "x", "params W_f", "params U_n", "params b_n", "dstate h")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", [zoo.find("mgu"), zoo.find("jordan"), cells.Mixed, cells.Kinks, cells.Roots])
def test_a_right_kernel_passes(cell, dtype):
    rows = kernel.check(cell.spec, ReferenceKernel(cell, dtype))
    assert len(rows) == 6
    assert all(row.passed for row in rows), rows
    assert {row.oracle for row in rows} == {f"kernel {dtype}"}


@pytest.mark.parametrize("spoil", SPOILS, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_wrong_array_is_found(dtype, place, spoil):
    cell = zoo.find("mgu")
    rows = kernel.check(cell.spec, ReferenceKernel(cell, dtype, {place: spoil}))
    wrong = [row for row in rows if not row.passed]
    assert wrong
    assert len({row.what.partition(",")[0] for row in wrong}) == 1, "and only that one"


@pytest.mark.parametrize("place", PLACES)
def test_a_result_that_is_zero_is_found(place):
    cell = zoo.find("mgu")
    assert not all(row.passed for row in kernel.check(cell.spec, ReferenceKernel(cell, "float32", {place: all_zero})))


@pytest.mark.parametrize("spoil", [with_nan, a_dimension_too_many, other_dtype], ids=lambda spoil: spoil.__name__)
def test_wrong_initial_parameters_are_found(spoil):
    cell = zoo.find("mgu")
    rows = kernel.check(cell.spec, ReferenceKernel(cell, "float32", {"init U_f": spoil}))
    assert [row.what.partition(",")[0] for row in rows if not row.passed] == ["initial parameters"]


def test_constants_reach_the_kernel(monkeypatch):
    """A kernel that ignores the constants of the call is found: the problem's differ from the declared ones."""
    forward = ReferenceKernel.forward
    monkeypatch.setattr(ReferenceKernel, "forward",
                        lambda self, x, params, state=None, constants=None: forward(self, x, params, state))
    rows = kernel.check(cells.Mixed.spec, ReferenceKernel(cells.Mixed, "float64"))
    assert not all(row.passed for row in rows)


def test_a_kernel_that_raises_has_failed_and_the_others_still_run():
    cell = zoo.find("rnn")
    broken = ReferenceKernel(cell, "float32")
    broken.backward = lambda *arguments: 1 / 0
    report = run_all(cell.spec, {"float32": broken, "float64": ReferenceKernel(cell, "float64")})
    assert not report.passed
    by_oracle = {row.oracle: row for row in report}
    assert by_oracle["kernel float32"].how.startswith("ZeroDivisionError")
    assert all(row.passed is not False for row in report if row.oracle != "kernel float32")
