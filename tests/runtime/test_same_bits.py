"""Chunks, threads, other rows and a cut of the sequence do not change a bit of what a kernel computes."""

import numpy as np
import pytest

import symcell
from symcell.runtime import memory, threads
from tests.runtime.cells import QUICK, Levels, Mixed, assert_same_bits, check, draw, kernel_of, per_row, results
from tests.runtime.marks import by_name, in_both


@in_both
@pytest.mark.parametrize("cell", [*QUICK, "gru"], **by_name)
def test_chunks_do_not_change_a_bit(cell, dtype, monkeypatch):
    kernel = kernel_of(cell, dtype)
    for T, B, I, H in ((37, 9, 13, 17), (7, 1, 1, 5)):
        data = draw(cell, dtype, T, B, I, H)
        expected = per_row(results(kernel, data))
        named = list(kernel._meta["named"])
        recorded = kernel.forward(data.x, data.params, data.state, record=named).record
        for steps in (1, 3):
            with monkeypatch.context() as patch:
                patch.setattr(memory, "CHUNK_BYTES", 1)
                patch.setattr(memory, "CHUNK_ROWS", steps * B)
                kernel = symcell.compile(cell, dtype)  # one that has worked out nothing yet
                assert memory.chunk_steps(kernel._meta["forward"]["chunk_width"],
                                          {"T": T, "B": B, **dict.fromkeys(kernel._meta["dims"], H)}, 4) == steps
                assert_same_bits(per_row(results(kernel, data)), expected)
                check(cell, kernel, data)
                assert_same_bits(kernel.forward(data.x, data.params, data.state, record=named).record, recorded)


@in_both
@pytest.mark.parametrize("cell", [Mixed, Levels, "lstm"], **by_name)
def test_threads_do_not_change_a_bit(cell, dtype, monkeypatch):
    monkeypatch.setattr(threads, "MIN_ROWS", 1)
    monkeypatch.setattr(threads, "MIN_WORK", 1)
    kernel = symcell.compile(cell, dtype)
    for B in (2, 7, 33):
        data = draw(cell, dtype, T=5, B=B, I=13, H=17)
        kernel.threads = 1
        expected = results(kernel, data)
        for count in (2, 3):
            kernel.threads = count
            assert_same_bits(results(kernel, data), expected)
            check(cell, kernel, data)


@in_both
def test_threads_and_chunks_together_do_not_change_a_bit(dtype, monkeypatch):
    kernel, data = symcell.compile(Levels, dtype), draw(Levels, dtype, T=11, B=9, I=13, H=17)
    kernel.threads = 1
    expected = per_row(results(kernel, data))
    kernel = symcell.compile(Levels, dtype)  # one that has worked out nothing yet
    for module, name in ((threads, "MIN_ROWS"), (threads, "MIN_WORK"), (memory, "CHUNK_BYTES"), (memory, "CHUNK_ROWS")):
        monkeypatch.setattr(module, name, 1)
    kernel.threads = 3
    assert_same_bits(per_row(results(kernel, data)), expected)


@in_both
@pytest.mark.parametrize("cell", [*QUICK, "gru_reset_before"], **by_name)
def test_a_row_alone_has_the_bits_it_has_in_a_batch(cell, dtype):
    kernel = kernel_of(cell, dtype)
    for B, H in ((33, 17), (7, 50), (9, 1)):
        data = draw(cell, dtype, T=5, B=B, I=13, H=H)
        together = per_row(results(kernel, data))
        for b in (0, 4, B - 1):
            alone = per_row(results(kernel, data.row(b)))
            for name, array in alone.items():
                axis = 1 if name in ("y", "dx") else 0
                assert_same_bits({name: array}, {name: np.take(together[name], [b], axis)})


@in_both
def test_a_sequence_in_two_parts_has_the_bits_of_the_whole(dtype):
    kernel, data = kernel_of(Mixed, dtype), draw(Mixed, dtype, T=9, B=3)
    whole = kernel.forward(data.x, data.params, data.state)
    first = kernel.forward(data.x[:4], data.params, data.state)
    second = kernel.forward(data.x[4:], data.params, first.state)
    assert_same_bits({"y": np.concatenate([first.y, second.y]), **second.state}, {"y": whole.y, **whole.state})
    late = kernel.backward(second, data.dy[4:], data.dstate)
    early = kernel.backward(first, data.dy[:4], late.state)
    grads = kernel.backward(whole, data.dy, data.dstate)
    assert_same_bits({"dx": np.concatenate([early.x, late.x]), **early.state}, {"dx": grads.x, **grads.state})
