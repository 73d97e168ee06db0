"""Kernels stay inside their buffers, share none that two calls need, and memory is used again only when it is free."""

import threading

import numpy as np
import pytest

import symcell
from symcell import Cell, Input, Matrix, State, sigmoid, tanh
from symcell.runtime import memory, threads
from tests.runtime.cells import QUICK, Levels, Mixed, assert_same_bits, check, draw
from tests.runtime.guarded import Guarded
from tests.runtime.marks import by_name, in_both


@in_both
@pytest.mark.parametrize("byte", [0xA5, 0xFF])
@pytest.mark.parametrize("cell", [*QUICK, "lstm"], **by_name)
def test_kernels_stay_inside_their_buffers(cell, dtype, byte, monkeypatch):
    kernel = symcell.compile(cell, dtype)
    guarded = Guarded(byte)
    guarded.watch(kernel, monkeypatch)
    for T, B, I, H in ((1, 1, 1, 1), (3, 7, 13, 5), (2, 2, 1, 17), (5, 9, 2, 50), (2, 33, 13, 16)):
        data = draw(cell, dtype, T, B, I, H)
        check(cell, kernel, data)
        # Of infer's arguments no copy is made: the kernel reads them where they are.
        x, params = guarded.copy(data.x), {name: guarded.copy(array) for name, array in data.params.items()}
        y, _ = kernel.infer(x, params, data.state, constants=data.constants)
        assert_same_bits({"y": y}, {"y": kernel.infer(data.x, data.params, data.state, constants=data.constants)[0]})
        guarded.assert_intact()
        guarded.made.clear()


@pytest.mark.parametrize("cell", [Mixed, Levels], **by_name)
def test_kernels_stay_inside_their_buffers_with_threads_and_chunks(cell, monkeypatch):
    kernel = symcell.compile(cell, "float32")
    kernel.threads = 3
    guarded = Guarded(0xFF)
    guarded.watch(kernel, monkeypatch)
    for module, name in ((threads, "MIN_ROWS"), (threads, "MIN_WORK"), (memory, "CHUNK_BYTES"), (memory, "CHUNK_ROWS")):
        monkeypatch.setattr(module, name, 1)
    for T, B, I, H in ((3, 7, 13, 5), (5, 9, 2, 17)):
        check(cell, kernel, draw(cell, "float32", T, B, I, H))
    guarded.assert_intact()


def test_memory_of_earlier_calls_is_used_again_once_nobody_holds_it():
    pool = memory.Pool(np.dtype(np.float32))
    first = pool.empty("h", (3, 2), "test")
    address = first.ctypes.data
    second = pool.empty("h", (3, 2), "test")
    assert not np.shares_memory(first, second)
    view = first[1:, 0]  # refers to the memory, not to the array
    del first
    third = pool.empty("h", (3, 2), "test")
    assert not np.shares_memory(view, third)
    assert not np.shares_memory(second, third)
    pool = memory.Pool(np.dtype(np.float32))
    address = pool.empty("h", (3, 2), "test").ctypes.data
    again = pool.empty("h", (3, 2), "test", zero=True)
    assert again.ctypes.data == address
    assert not again.any()
    assert pool.empty("c", (3, 2), "test").ctypes.data != address
    assert pool.empty("h", (2, 3), "test").ctypes.data != address


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_what_a_caller_keeps_of_a_call_survives_the_next_ones(name):
    kernel = symcell.compile(name)
    data = draw(name, "float32", T=4, B=3, I=5, H=7)
    kept, copies = [], []
    for scale in (1, 2, 3, 4):  # views alone, the arrays themselves are gone
        x, dy = data.x * np.float32(scale), data.dy * np.float32(scale)
        run = kernel.forward(x, data.params, record=["h"])
        grads = kernel.backward(run, dy)
        y, state = kernel.infer(x, data.params)
        kept.append([run.y[1], run.state["h"][0], run.record["h"][2], grads.x[:, 1], grads.state["h"][1],
                     next(iter(grads.params.values()))[0], y[2], state["h"][1]])
        copies.append([array.copy() for array in kept[-1]])
        del run, grads, y, state
    for arrays, expected in zip(kept, copies, strict=True):
        for array, copy in zip(arrays, expected, strict=True):
            np.testing.assert_array_equal(array, copy)


class Both(Cell):
    """v and a are computed in both passes, under the same names and for different numbers of steps."""

    x = Input(dim="H")
    h = State()
    W, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, h)
    v = sigmoid(h)
    a = tanh(W @ x + U @ h) * v
    h.next = tanh(V @ a) * v + x * v * 0.3


@pytest.mark.parametrize("record", [(), ("v", "a")])
def test_the_passes_share_no_scratch(record):
    """Two backward passes of one run at a time, and one after a record, find memory of their own."""
    kernel, exact = symcell.compile(Both, "float64"), symcell.reference(Both)
    params, x = kernel.init_params(H=17), np.random.default_rng(0).normal(size=(60, 4, 17))
    run = kernel.forward(x, params, record=record)
    expected = exact.backward(exact.forward(x, params), np.ones_like(run.y))
    found: list[object] = []

    def work():
        found.append(kernel.backward(run, np.ones_like(run.y)))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == len(workers)
    for grads in found:
        np.testing.assert_allclose(grads.x, expected.x, rtol=0, atol=1e-12)
        np.testing.assert_allclose(grads.params["V"], expected.params["V"], rtol=0, atol=1e-10)
