"""Sums that begin with what is known before a loop: in its steps or for all of them at once, the bits are the same."""

import numpy as np
import pytest

import symcell
from symcell.runtime import memory, threads
from symcell.runtime.cpu import supported_isas
from tests.declare.text import declare
from tests.runtime.cells import assert_same_bits, check, draw, results
from tests.runtime.marks import by_name, in_both
from tests.schedule.cells import TWO_LEVEL

SEVERAL = declare("""
x, s, h, c = Input(), Input("P"), State(), State()
W, V, U, R, S = Matrix(h, x), Matrix(h, s), Matrix(h, h), Matrix(h, c), Matrix(h, x)
h.next = tanh(W @ x + U @ h + V @ s + R @ c)
c.next = sigmoid(S @ x + R @ h.next)
""", name="Several")
CELLS = ["lstm", "mgu", TWO_LEVEL, SEVERAL]
SHAPES = ((37, 9, 13, 17), (5, 4, 33, 50), (3, 6, 1, 1))


@in_both
@pytest.mark.parametrize("cell", CELLS, **by_name)
def test_where_sums_are_begun_does_not_change_a_bit(cell, dtype, monkeypatch):
    for isa in supported_isas():
        monkeypatch.setenv("SYMCELL_ISA", isa)
        for T, B, I, H in SHAPES:
            data = draw(cell, dtype, T, B, I, H)
            found = {}
            for rows in (1, 1000):
                monkeypatch.setattr(memory, "STEP_ROWS", rows)
                kernel = symcell.compile(cell, dtype)  # one that has worked out nothing yet
                found[rows] = results(kernel, data)
                check(cell, kernel, data)
            assert_same_bits(found[1], found[1000])


@in_both
def test_threads_and_chunks_do_not_change_a_bit_of_what_is_begun_before(dtype, monkeypatch):
    data = draw("lstm", dtype, T=11, B=9, I=13, H=17)
    expected = results(symcell.compile("lstm", dtype), data)
    monkeypatch.setattr(memory, "STEP_ROWS", 1000)
    for name in ("MIN_ROWS", "MIN_WORK", "MIN_WEIGHTS"):
        monkeypatch.setattr(threads, name, 1)
    for count, chunk in ((1, 3), (2, None), (3, 4), (3, 1)):
        kernel = symcell.compile("lstm", dtype)
        kernel.threads, kernel.chunk = count, chunk
        assert_same_bits(results(kernel, data), expected)


def known(kernel, direction, T, B, H):
    """Whether the plan for some sizes has memory for sums that are begun before the steps."""
    plan = kernel._passes.plan(direction, (T, B, H, H), "infer")
    return any(name.endswith(".begun") for name in plan.places)


def test_sums_are_begun_in_steps_of_many_rows_whose_weights_stay_in_the_cache():
    kernel = symcell.compile("lstm")
    assert [known(kernel, "forward", T, B, 64) for T, B in ((1, 1), (2, 1), (2, 2), (2, 3), (100, 32))] == [
        False, True, True, False, False]
    assert [known(kernel, "forward", T, 32, 1024) for T in (1, 2)] == [False, True]  # 32 MiB of weights


def test_what_is_begun_before_is_handed_on_in_a_chunk_that_stays_in_the_cache():
    kernel = symcell.compile("lstm")
    steps = {B: kernel._passes.plan("forward", (1000, B, 64, 64), "infer").sizes[".chunk"] for B in (1, 3)}
    assert steps == {1: memory.CHUNK_BYTES // (4 * 5 * 64), 3: 1000}


def test_recorded_sums_are_complete_either_way(monkeypatch):
    data, found = draw("lstm", "float32", T=4, B=5), []
    for rows in (1, 1000):
        monkeypatch.setattr(memory, "STEP_ROWS", rows)
        kernel = symcell.compile("lstm")
        found.append(kernel.forward(data.x, data.params, data.state, record=["a_i", "a_o", "i"]).record)
    assert_same_bits(*found)
    assert np.allclose(1 / (1 + np.exp(-found[0]["a_i"])), found[0]["i"], rtol=1e-6)


def test_a_product_with_a_name_is_recorded_although_it_is_summed():
    cell = declare("x, h, c = Input(), State(), State()\nW, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, c)\n"
                   "w = W @ x\nu = U @ h\nv = V @ c\nh.next = tanh(u + v + w)\nc.next = c * 0.5 + h.next")
    kernel, data = symcell.compile(cell, "float64"), draw(cell, "float64", T=5, B=4, I=3, H=7)
    run = kernel.forward(data.x, data.params, data.state, record=["u", "v", "w", "c"])
    states = {name: np.concatenate([data.state[name][None], of_all[:-1]])
              for name, of_all in (("h", run.y), ("c", run.record["c"]))}
    for name, factor, matrix in (("u", states["h"], "U"), ("v", states["c"], "V"), ("w", data.x, "W")):
        assert np.allclose(run.record[name], factor @ data.params[matrix].T, rtol=1e-12, atol=1e-14), name
