"""Compiled kernels against the float64 interpreter: sizes, instruction sets, chunks, threads, rows, memory."""

import functools
import itertools
import math
import threading

import numpy as np
import pytest

import symcell
from symcell import Cell, Input, Matrix, State, sigmoid, tanh
from symcell.compiler import stages
from symcell.declare.functions import FUNCTIONS
from symcell.runtime import memory, threads
from symcell.runtime.cpu import supported_isas
from symcell.zoo import PREBUILT
from tests.runtime.cells import (
    MORE,
    QUICK,
    Gates,
    Levels,
    Math,
    Memory,
    Mixed,
    assert_near,
    assert_same_bits,
    check,
    draw,
    kernel_of,
    per_row,
    reference_of,
    results,
)

DTYPES = ("float32", "float64")
# (T, B, I, H): every size that fills no vector, one vector, a vector and one lane more, several tiles
SHAPES = (
    (3, 2, 13, 5), (1, 1, 1, 1), (2, 7, 13, 16), (37, 9, 1, 17), (3, 33, 13, 50), (37, 33, 1, 5), (37, 1, 13, 1),
    (2, 1, 1, 50), (1, 33, 13, 1), (1, 7, 1, 17), (2, 9, 13, 50), (3, 1, 1, 16),
)
GRID = tuple(itertools.product((1, 2, 3, 37), (1, 2, 7, 9, 33), (1, 13), (1, 5, 16, 17, 50)))
NOTHING = ((0, 3), (4, 0), (0, 0))  # (T, B)

by_name = {"ids": lambda value: getattr(value, "__name__", str(value))}
in_both = pytest.mark.parametrize("dtype", DTYPES)


def check_all(cell, dtype, shapes):
    kernel = kernel_of(cell, dtype)
    for T, B, I, H in shapes:
        check(cell, kernel, draw(cell, dtype, T, B, I, H), f"T={T} B={B} I={I} H={H}:")


# --- values ----------------------------------------------------------------------------------------------


@in_both
@pytest.mark.parametrize("cell", QUICK, **by_name)
def test_a_kernel_computes_what_the_equations_say(cell, dtype):
    check_all(cell, dtype, SHAPES)


@pytest.mark.slow
@in_both
@pytest.mark.parametrize("cell", [*QUICK, *MORE], **by_name)
def test_a_kernel_is_right_at_every_combination_of_sizes(cell, dtype):
    check_all(cell, dtype, GRID)


@in_both
@pytest.mark.parametrize("P", [1, 16, 50])
def test_dimensions_are_independent_of_each_other(dtype, P):
    kernel = kernel_of(Mixed, dtype)
    for O, H in ((1, 50), (17, 1), (16, 5)):
        check(Mixed, kernel, draw(Mixed, dtype, T=5, B=7, I=3, H=H, P=P, O=O), f"P={P} O={O} H={H}:")


@in_both
@pytest.mark.parametrize("isa", supported_isas())
@pytest.mark.parametrize("name", sorted(PREBUILT))
def test_prebuilt_kernels_are_right_on_every_instruction_set(name, isa, dtype, monkeypatch):
    monkeypatch.setenv("SYMCELL_ISA", isa)
    kernel = symcell.compile(name, dtype)
    assert kernel.isa == isa
    for T, B, I, H in SHAPES[:6]:
        check(name, kernel, draw(name, dtype, T, B, I, H), f"T={T} B={B} I={I} H={H}:")


@pytest.mark.slow
@in_both
@pytest.mark.parametrize("isa", supported_isas())
@pytest.mark.parametrize("cell", QUICK, **by_name)
def test_kernels_compiled_for_another_instruction_set_are_right(cell, isa, dtype, monkeypatch):
    monkeypatch.setenv("SYMCELL_ISA", isa)
    kernel = symcell.compile(cell, dtype)
    assert kernel.isa == isa
    for T, B, I, H in SHAPES:
        check(cell, kernel, draw(cell, dtype, T, B, I, H), f"T={T} B={B} I={I} H={H}:")


def test_long_sequences_stay_right():
    check_all(Mixed, "float32", [(300, 3, 5, 9)])


# --- nothing to do -----------------------------------------------------------------------------------------


@in_both
@pytest.mark.parametrize("cell", [*QUICK, "lstm"], **by_name)
@pytest.mark.parametrize(("T", "B"), NOTHING)
def test_no_steps_or_no_rows(cell, dtype, T, B):
    kernel, data = kernel_of(cell, dtype), draw(cell, dtype, T=T, B=B)
    check(cell, kernel, data)
    found = results(kernel, data)
    assert found["y"].shape == (T, B, data.dy.shape[2])
    assert found["dx"].shape == data.x.shape
    for name, array in data.state.items():
        assert np.array_equal(found[f"state {name}"], array)
        assert np.array_equal(found[f"dstate {name}"], data.dstate[name])
    for name, array in data.params.items():
        assert found[f"d {name}"].shape == array.shape
        assert not found[f"d {name}"].any(), f"d {name}"
    run = kernel.forward(data.x, data.params, record=list(kernel._meta["named"]))
    assert {array.shape[:2] for array in run.record.values()} == {(T, B)}


# --- the same bits -----------------------------------------------------------------------------------------


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


# --- memory ------------------------------------------------------------------------------------------------


class Guarded:
    """Stands in for memory.empty: arrays between two guards of bytes that no kernel may write, or use."""

    GUARD = 4096  # bytes on either side; a multiple of the line

    def __init__(self, byte):
        self.byte = byte  # 0xFF: every number in a guard, and every number not yet written, is NaN
        self.made, self.gaps = [], 0

    def empty(self, shape, dtype, what, zero=False):
        size = math.prod(shape) * dtype.itemsize
        raw = np.full(size + 2 * self.GUARD + memory.LINE, self.byte, np.uint8)
        start = self.GUARD + -raw.__array_interface__["data"][0] % memory.LINE
        raw[start : start + size] = 0 if zero else 0xFF
        self.made.append((what, raw, start, size))
        return raw[start : start + size].view(dtype).reshape(shape)

    def copy(self, array):
        """A copy between guards."""
        copied = self.empty(array.shape, array.dtype, "argument")
        copied[...] = array
        return copied

    def watch(self, kernel, monkeypatch):
        """Have the kernel take all memory from here, and leave room between the buffers of a block."""
        whole = kernel._passes._run

        def run(*args):
            buffers = whole(*args)
            self.assert_gaps_intact(*buffers)
            return buffers

        monkeypatch.setattr(memory, "empty", self.empty)
        monkeypatch.setattr(memory, "KEEP_BYTES", -1)  # no array comes from an earlier call
        monkeypatch.setattr(memory, "GAP", self.GUARD // kernel.dtype.itemsize)
        monkeypatch.setattr(kernel._passes, "pool", memory.Pool(kernel.dtype))
        monkeypatch.setattr(kernel._passes, "_run", run)

    def assert_gaps_intact(self, plan, arrays):
        """Between buffers no bit has changed since `empty`."""
        for k, wanted in enumerate(plan.makes, len(plan.given)):
            between = np.ones(wanted.shape, bool)
            for place in plan.places.values():
                if place.array == k:
                    between.ravel()[place.start : place.start + math.prod(place.shape)] = False
            self.gaps += between.sum()
            found = arrays[k][between].view(np.uint8)
            assert (found == 0xFF).all(), f"{wanted.purpose}: written between buffers"

    def assert_intact(self):
        assert self.gaps
        assert self.made
        for what, raw, start, size in self.made:
            assert (raw[:start] == self.byte).all(), f"{what}: written below"
            assert (raw[start + size :] == self.byte).all(), f"{what}: written above"


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


# --- record ------------------------------------------------------------------------------------------------


@in_both
@pytest.mark.parametrize("cell", [*QUICK, "gru"], **by_name)
def test_every_named_quantity_can_be_recorded(cell, dtype):
    kernel, reference = kernel_of(cell, dtype), reference_of(cell)
    named = list(kernel._meta["named"])
    assert set(kernel._meta["states"]) < set(named)
    data = draw(cell, dtype, T=5, B=7, I=3, H=17)
    exact = data.astype("float64")
    run = functools.partial(kernel.forward, data.x, data.params, data.state, constants=data.constants)
    plain, all_of_them = run(), run(record=named)
    expected = reference.forward(exact.x, exact.params, exact.state, constants=exact.constants, record=named)
    assert_near(all_of_them.record, expected.record, dtype)
    assert plain.record == {}
    for name in named:  # alone, it has no company in memory
        assert_same_bits(run(record=name).record, {name: all_of_them.record[name]})
    assert_same_bits({"y": all_of_them.y, **all_of_them.state}, {"y": plain.y, **plain.state})
    ours, theirs = kernel.backward(all_of_them, data.dy), kernel.backward(plain, data.dy)
    assert_same_bits({"dx": ours.x, **ours.params}, {"dx": theirs.x, **theirs.params})


def test_what_the_cells_cover():
    """Without this the names above could promise too much."""
    programs = {cell: stages(cell).program for cell in QUICK}
    assert max(len(stage.panels) for stage in programs[Gates].forward.stages) > 1
    assert sum(phase.kind == "loop" and bool(phase.stages) for phase in programs[Levels].forward.phases) > 1
    assert not programs[Memory].forward.panels
    assert Math.spec.dims == ("chunk", "self")
    used = " ".join(str(equation.expression) for cell in QUICK for equation in cell.spec.equations)
    ours = [name for name, function in FUNCTIONS.items() if not function.row.body]  # other tests register their own
    assert not [name for name in ours if f"{name}(" not in used and name not in ("step", "abs")]


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
