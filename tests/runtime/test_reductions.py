"""Kernels of cells with reductions: right in every instruction set, and the same bits for a row whatever is around."""

import numpy as np
import pytest

import symcell
from symcell import Cell, Input, State, Vector
from symcell.declare.reductions import reduce_max
from symcell.proof import kernel
from symcell.runtime.cpu import supported_isas
from tests.oracle import Sample
from tests.reductions import CELLS, Largest, Means, Normed

in_both = pytest.mark.parametrize("dtype", ["float32", "float64"])
each_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)


class Top(Cell):
    """The largest component of the input, and nothing else."""

    x, h, b = Input(), State(), Vector("H")
    h.next = reduce_max(x) + b


def sample(cell, dtype, **sizes):
    made = Sample.draw(cell, **sizes)
    params = {name: array.astype(dtype) for name, array in made.params.items()}
    return made.x.astype(dtype), params, made.dy.astype(dtype)


@in_both
@each_cell
def test_a_kernel_computes_what_the_equations_say(cell, dtype):
    rows = kernel.check(cell.spec, symcell.compile(cell, dtype))
    assert len(rows) > 4
    assert all(row.passed for row in rows), rows


@pytest.mark.parametrize("isa", supported_isas())
@pytest.mark.parametrize("cell", [Largest, Normed], ids=lambda cell: cell.__name__)
def test_every_instruction_set_is_right(cell, isa, monkeypatch):
    monkeypatch.setenv("SYMCELL_ISA", isa)
    made = symcell.compile(cell, "float32")
    assert made.isa == isa
    rows = kernel.check(cell.spec, made)
    assert all(row.passed for row in rows), rows


@in_both
@each_cell
def test_a_row_has_the_same_bits_in_every_batch(cell, dtype):
    made = symcell.compile(cell, dtype)
    made.threads = 1
    x, params, dy = sample(cell, dtype, T=3, B=9, I=5, H=21)
    whole = made.forward(x, params)
    back = made.backward(whole, dy)
    for rows in (slice(0, 1), slice(2, 7), slice(8, 9)):
        part = made.forward(np.ascontiguousarray(x[:, rows]), params)
        grads = made.backward(part, np.ascontiguousarray(dy[:, rows]))
        assert np.array_equal(part.y, whole.y[:, rows])
        assert np.array_equal(grads.x, back.x[:, rows])


@each_cell
def test_threads_and_chunks_change_no_bit(cell):
    made = symcell.compile(cell, "float32")
    x, params, dy = sample(cell, "float32", T=7, B=11, I=5, H=21)
    params = {name: np.float32(0.3) * array for name, array in params.items()}  # the states of some grow without bound
    made.threads, made.chunk = 1, None
    run = made.forward(x, params)
    assert np.isfinite(run.y).all()
    grads = made.backward(run, dy)
    for threads, chunk in ((3, None), (1, 2), (2, 3)):
        made.threads, made.chunk = threads, chunk
        again = made.forward(x, params)
        back = made.backward(again, dy)
        assert np.array_equal(again.y, run.y)
        assert np.array_equal(back.x, grads.x)
    made.chunk = None


@in_both
def test_numbers_per_row_are_recorded_as_steps_and_rows(dtype):
    x, params, _ = sample(Means, dtype, T=4, B=3, I=5, H=6)
    run = symcell.compile(Means, dtype).forward(x, params, record=["m", "s", "a"])
    assert run.record["m"].shape == run.record["s"].shape == (4, 3)
    np.testing.assert_allclose(run.record["m"], run.record["a"].mean(axis=2), rtol=1e-5, atol=1e-6)
    stretches = symcell.compile(Means, dtype).forward(x, params, record=["m", "s"], checkpoint=2)
    assert all(np.array_equal(stretches.record[name], run.record[name]) for name in "ms")
    exact = symcell.reference(Means).forward(x.astype("float64"), {k: v.astype("float64") for k, v in params.items()},
                                             record=["m", "s"])
    assert exact.record["s"].shape == (4, 3)
    np.testing.assert_allclose(run.record["s"], exact.record["s"], rtol=1e-4)


@in_both
def test_nan_and_infinity_stay_in_their_row(dtype):
    made = symcell.compile(Largest, dtype)
    x, params, dy = sample(Largest, dtype, T=1, B=5, I=19, H=6)
    clean = made.forward(x, params).y
    x[0, 1, 18], x[0, 3, 0] = np.nan, np.inf
    spoiled = made.forward(x, params)
    assert np.isnan(spoiled.y[0, 1]).all()
    assert np.array_equal(spoiled.y[0, [0, 2, 4]], clean[0, [0, 2, 4]])
    assert np.isfinite(made.backward(spoiled, dy).x[0, [0, 2, 4]]).all()


@in_both
@pytest.mark.parametrize("size", [1, 3, 4, 8, 15, 16, 17, 40])
def test_a_maximum_gives_its_gradient_to_the_first_of_equals(dtype, size):
    made = symcell.compile(Top, dtype)
    params = made.init_params(I=size, H=2)
    for first in range(size):
        x = np.full((1, 1, size), -np.inf if first % 2 else -1, dtype)
        x[0, 0, first:] = 2
        grads = made.backward(made.forward(x, params), np.ones((1, 1, 2), dtype))
        assert np.array_equal(np.flatnonzero(grads.x[0, 0]), [first])
    everything = np.full((1, 1, size), -np.inf, dtype)
    grads = made.backward(made.forward(everything, params), np.ones((1, 1, 2), dtype))
    assert np.array_equal(np.flatnonzero(grads.x[0, 0]), [0])
