"""Threads that share the lanes of each stage: the same bits, whoever comes, and however late."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

import symcell
from symcell.compiler import stages
from symcell.render.source import render
from symcell.runtime import threads
from symcell.runtime.cache import build
from symcell.runtime.cpu import supported_isas
from symcell.runtime.kernel import Kernel
from symcell.runtime.load import load_extension
from symcell.zoo import find
from tests.reductions import CELLS as REDUCING
from tests.runtime.cells import MORE, QUICK, Levels, Mixed, assert_same_bits, draw, kernel_of, results

FEW = (Mixed, Levels, "lstm", "lstm_layer_norm")
OTHERS = (*(cell for cell in (*QUICK, *MORE) if cell not in FEW), "gru", "sru_recurrence")
CELLS = (*FEW, *(pytest.param(cell, marks=pytest.mark.slow) for cell in OTHERS))
SHAPES = ((5, 1, 3, 40), (4, 9, 70, 130), (3, 3, 33, 2), (1, 4, 5, 100), (0, 2, 3, 5), (3, 0, 3, 5))  # T, B, I, H

by_name = {"ids": lambda value: getattr(value, "__name__", str(value))}
in_both = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture(params=[True, False], ids=["rows", "lanes"])
def shared(request, monkeypatch):
    """As many threads as are allowed share rows, or lanes, however little there is to do."""
    monkeypatch.setattr(threads, "MIN_WORK", 1)
    monkeypatch.setattr(threads, "share", lambda rows, weights, count, cached: (count, request.param))


@pytest.fixture
def share_lanes(monkeypatch):
    monkeypatch.setattr(threads, "MIN_WORK", 1)
    monkeypatch.setattr(threads, "share", lambda rows, weights, count, cached: (count, False))


@in_both
@pytest.mark.parametrize("cell", CELLS, **by_name)
def test_the_bits_are_those_of_one_thread(cell, dtype, shared):
    kernel = kernel_of(cell, dtype).astype(dtype)
    for T, B, I, H in SHAPES:
        data = draw(cell, dtype, T=T, B=B, I=I, H=H)
        kernel.threads, kernel.chunk = 1, None
        expected, ready = results(kernel, data), kernel.prepare(data.params)
        for count, kernel.chunk in ((2, None), (3, 2), (5, 1)):
            kernel.threads = count
            assert_same_bits(results(kernel, data), expected)
            y, _ = kernel.infer(data.x, ready, data.state, constants=data.constants)
            assert_same_bits({"y": y}, {"y": expected["y"]})


@pytest.mark.parametrize("cell", REDUCING, **by_name)
def test_rows_that_are_reduced_stay_whole(cell, shared):
    kernel = symcell.compile(cell, "float32")
    data = draw(cell, "float32", T=4, B=5, I=5, H=37)
    kernel.threads = 1
    expected = results(kernel, data)
    kernel.threads = 3
    assert_same_bits(results(kernel, data), expected)


@pytest.mark.parametrize("isa", supported_isas())
def test_every_instruction_set(isa, shared, monkeypatch):
    monkeypatch.setenv("SYMCELL_ISA", isa)
    kernel = symcell.compile("lstm", "float32")
    data = draw("lstm", "float32", T=6, B=3, I=30, H=75)
    kernel.threads = 1
    expected = results(kernel, data)
    kernel.threads = 2
    assert_same_bits(results(kernel, data), expected)


def test_what_is_recorded_and_what_is_computed_again(shared):
    kernel = symcell.compile("lstm", "float32")
    data = draw("lstm", "float32", T=7, B=2, I=30, H=75)
    found = []
    for kernel.threads in (1, 2):
        run = kernel.forward(data.x, data.params, record=["f", "a_o"], checkpoint=3)
        found.append({"dx": kernel.backward(run, data.dy).x, **run.record})
    assert_same_bits(*found)


RUN = '''
    static void come(const struct sc_entry *entry, void *call, size_t bytes, struct sc_team *team, int threads) {
        static struct sc_seat seats[16];
        char late[16384];
        memset(seats, 0, sizeof seats);
        *team = (struct sc_team){seats, threads, 0, 0};
        memcpy(late, call, bytes);
        ((struct sc_team *)(late + ((char *)team - (char *)call)))->own = 1;
        entry->run(call);
        %s
    }
    """
    void come(const sc_entry *, void *, size_t, sc_team *, int) noexcept nogil
'''
NOBODY, LATE, AGAIN = "", "entry->run(late);", "memset(seats, 0, sizeof seats); entry->run(late);"


def found_with(run, count, planted=("", "")):
    """What one thread finds with the kernel of an LSTM whose other threads come as told, or never."""
    files = render("team_lstm", find("lstm").spec, stages(find("lstm")).program, "0").files
    changes = (('    """\n    const sc_entry', RUN % run + "    const sc_entry"), ("run(entry", "come(entry"),
               ("    PACKED,", "    sc_team, PACKED,"), planted)
    for text, instead in changes:
        assert any(text in file for file in files.values())
        files = {name: file.replace(text, instead) if text else file for name, file in files.items()}
    kernel = Kernel(load_extension("team_lstm", build("team_lstm", files, ["base"])), "float64")
    kernel.threads = count
    return results(kernel, draw("lstm", "float64", T=5, B=6, I=9, H=50))


def same(found, expected):
    return all(np.array_equal(found[name], array) for name, array in expected.items())


@pytest.mark.parametrize(("run", "right"), [(NOBODY, True), (LATE, True), (AGAIN, False)],
                         ids=["nobody", "late", "planted"])
def test_who_does_not_come_or_comes_late_changes_nothing(run, right, shared):
    assert same(found_with(run, 4), found_with(NOBODY, 1)) == right


@pytest.mark.parametrize("planted", [
    ("SC_SHARED(&span->team, part) SC(team_lstm_forward_step)", "ptrdiff_t part = 0; SC(team_lstm_forward_step)"),
    pytest.param(("SC_SHARED(&span->team, part) {\n            struct sc_share b",
                  "{ ptrdiff_t part = 0; struct sc_share b"), marks=pytest.mark.slow),
    pytest.param(("sc_share(&c->span.team, part, lanes, BLOCK)", "sc_share(&c->span.team, 0, lanes, BLOCK)"),
                 marks=pytest.mark.slow),
], ids=["own part only", "own weights only", "the first part for all"])
def test_parts_that_nobody_does_are_noticed(planted, share_lanes, poisoned):
    expected = found_with(NOBODY, 1)
    assert same(found_with(NOBODY, 2), expected)
    assert not same(found_with(NOBODY, 2, planted), expected)


def spent_by_others():
    """Return the processor time of all other threads of this process, in ticks."""
    ticks = 0
    for thread in Path("/proc/self/task").iterdir():
        if int(thread.name) != threading.get_native_id():
            ticks += int((thread / "stat").read_text().rpartition(")")[2].split()[11])
    return ticks


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads' times are read as Linux tells them")
def test_others_really_come():
    kernel = symcell.compile("lstm", "float32")
    kernel.threads = 2
    data = draw("lstm", "float32", T=50, B=16, I=128, H=128)
    before, end = spent_by_others(), time.monotonic() + 120
    while spent_by_others() < before + 10:
        assert time.monotonic() < end, "one thread did it all"
        kernel.infer(data.x, data.params)


def test_how_a_pass_is_shared():
    assert threads.share(64, 524_288, 4, True) == (4, True)
    assert threads.share(5, 524_288, 4, True) == (4, False)  # few rows, many weights
    assert threads.share(8, 524_288, 4, True) == (4, False)
    assert threads.share(8, 524_288, 2, True) == (2, True)
    assert threads.share(64, 8_000_000, 2, False) == (2, False)  # each reads its part of the weights only
    assert threads.share(5, 40_000, 4, True) == (1, True)  # a step of few weights would wait more than it computes
    assert threads.share(0, 0, 4, True) == (1, True)


def test_work_decides_how_many_threads_are_worth_waking():
    assert threads.useful(4, 1e9) == 4
    assert threads.useful(4, 5e6) == 2
    assert threads.useful(4, 1e5) == 1
    assert threads.useful(1, 1e9) == 1


def test_a_kernel_asks_for_the_threads_that_its_work_is_worth(monkeypatch):
    kernel = symcell.compile("lstm", "float32")
    module, asked = kernel._passes.module, []
    forward = module.forward

    class Asked:
        """The module, noting who is asked to share what."""

        def __getattr__(self, name):
            return getattr(module, name)

        def forward(self, *args):
            asked.append(args[-2:])
            forward(*args)

    kernel._passes.module = Asked()
    kernel.threads = 2
    for T, B in ((200, 1), (200, 7), (200, 8), (1, 1)):
        data = draw("lstm", "float32", T=T, B=B, I=100, H=100)
        kernel.infer(data.x, data.params)
    assert asked == [(2, False), (2, False), (2, True), (1, False)]
