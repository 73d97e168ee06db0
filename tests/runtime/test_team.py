"""Threads that share the lanes of each stage: the same bits, whoever comes, and however late."""

import numpy as np
import pytest

import symcell
from symcell.compiler import stages
from symcell.render.source import render
from symcell.runtime import memory, threads
from symcell.runtime.cache import build
from symcell.runtime.cpu import supported_isas
from symcell.runtime.kernel import Kernel
from symcell.runtime.load import load_extension
from symcell.zoo import find
from tests.reductions import CELLS as REDUCING
from tests.runtime.cells import MORE, QUICK, Mixed, assert_same_bits, draw, kernel_of, poison, results

CELLS = (*QUICK, *MORE, "lstm", "gru", "sru_recurrence", "lstm_layer_norm")
SHAPES = ((5, 1, 3, 40), (4, 9, 70, 130), (3, 3, 33, 2), (1, 4, 5, 100), (0, 2, 3, 5), (3, 0, 3, 5))  # T, B, I, H

by_name = {"ids": lambda value: getattr(value, "__name__", str(value))}
in_both = pytest.mark.parametrize("dtype", ["float32", "float64"])


@pytest.fixture
def share_lanes(monkeypatch):
    """As many threads as are allowed share the lanes, however little there is to do."""
    teams = []

    def team(count, weights, work):
        teams.append(count)
        return count

    monkeypatch.setattr(threads, "split", lambda rows, count, work: [(0, rows)])
    monkeypatch.setattr(threads, "team", team)
    return teams


@in_both
@pytest.mark.parametrize("cell", CELLS, **by_name)
def test_the_bits_are_those_of_one_thread(cell, dtype, share_lanes):
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
    assert set(share_lanes) == {2, 3, 5}


@pytest.mark.parametrize("cell", REDUCING, **by_name)
def test_rows_that_are_reduced_stay_whole(cell, share_lanes):
    kernel = symcell.compile(cell, "float32")
    data = draw(cell, "float32", T=4, B=5, I=5, H=37)
    kernel.threads = 1
    expected = results(kernel, data)
    kernel.threads = 3
    assert_same_bits(results(kernel, data), expected)


@pytest.mark.parametrize("isa", supported_isas())
def test_every_instruction_set(isa, share_lanes, monkeypatch):
    monkeypatch.setenv("SYMCELL_ISA", isa)
    kernel = symcell.compile("lstm", "float32")
    data = draw("lstm", "float32", T=6, B=3, I=30, H=75)
    kernel.threads = 1
    expected = results(kernel, data)
    kernel.threads = 2
    assert_same_bits(results(kernel, data), expected)


def test_what_is_recorded_and_what_is_computed_again(share_lanes):
    kernel = symcell.compile("lstm", "float32")
    data = draw("lstm", "float32", T=7, B=2, I=30, H=75)
    found = []
    for kernel.threads in (1, 2):
        run = kernel.forward(data.x, data.params, record=["f", "a_o"], checkpoint=3)
        found.append({"dx": kernel.backward(run, data.dy).x, **run.record})
    assert_same_bits(*found)


class Alone:
    """A pool in which nobody but the caller comes, until it is asked for: then the others do, when all is done."""

    def __init__(self):
        self.late = []

    def run(self, parts, task):
        first, *others = parts
        task(*first)
        self.late += [(task, part) for part in others]


def test_nobody_waits_for_a_thread_that_does_not_come(share_lanes, monkeypatch):
    kernel = symcell.compile(Mixed, "float32")
    data = draw(Mixed, "float32", T=9, B=3, I=13, H=50)
    kernel.threads = 1
    expected = results(kernel, data)
    pool = Alone()
    monkeypatch.setattr(threads, "run", pool.run)
    kernel.threads = 4
    assert_same_bits(results(kernel, data), expected)
    assert len(pool.late) >= 6  # three for each pass


@pytest.mark.parametrize(("text", "planted"), [
    ("SC_SHARED(span, part) SC(team_lstm_forward_step)", "ptrdiff_t part = span->own;\nSC(team_lstm_forward_step)"),
    ("SC_SHARED(span, part) {", "for (ptrdiff_t part = 0; part < 1; ++part) {"),
    ("sc_share(&c->span, part, lanes, BLOCK)", "sc_share(&c->span, 0, lanes, BLOCK)"),
])
def test_parts_that_nobody_does_are_noticed(text, planted, share_lanes, monkeypatch):
    source = render("team_lstm", find("lstm").spec, stages(find("lstm")).program, "0").files
    assert text in source["team_lstm.h"]
    wrong = {**source, "team_lstm.h": source["team_lstm.h"].replace(text, planted)}
    data = draw("lstm", "float64", T=5, B=2, I=9, H=50)
    same = []
    poison(monkeypatch)
    for files in (source, wrong):
        kernel = Kernel(load_extension("team_lstm", build("team_lstm", files, ["base"])), "float64")
        kernel.threads = 1
        expected = results(kernel, data)
        kernel.threads = 2
        monkeypatch.setattr(threads, "run", Alone().run)
        found = results(kernel, data)
        same.append(all(np.array_equal(found[name], array) for name, array in expected.items()))
    assert same == [True, False]


def test_who_comes_when_all_is_done_touches_nothing(share_lanes, monkeypatch):
    kernel = symcell.compile("lstm", "float32")
    data = draw("lstm", "float32", T=9, B=3, I=13, H=50)
    pool = Alone()
    monkeypatch.setattr(threads, "run", pool.run)
    kernel.threads = 2
    y, _ = kernel.infer(data.x, kernel.prepare(data.params))
    expected = y.copy()
    y[...] = 7  # what a thread computed again would show
    [(task, part)] = pool.late[-1:]
    task(*part)
    assert (y == 7).all()
    assert not np.array_equal(expected, y)


def test_seats_are_checked():
    kernel = symcell.compile("lstm", "float32")
    module = kernel._passes.module
    sizes = {"T": 0, "B": 0, "I": 1, "H": 1, ".chunk": 1, ".from": 0, ".to": 0, ".packed": 1}
    seats = memory.empty((2 * module.SEAT_BYTES,), np.dtype(np.uint8), "seats", zero=True)
    with pytest.raises((ValueError, KeyError)):
        module.forward(kernel.isa, 4, sizes, {}, {}, {}, seats, 2)


def test_lanes_are_shared_only_where_that_pays():
    assert threads.team(4, 524_288, 1e9) == 4
    assert threads.team(4, 524_288, 5e6) == 2  # too little work for more
    assert threads.team(4, 70_000, 1e9) == 2  # a step of few weights would wait more than it computes
    assert threads.team(4, 0, 1e9) == 1
    assert threads.team(1, 524_288, 1e9) == 1


def test_few_rows_share_lanes_and_many_do_not_meet(monkeypatch):
    kernel = symcell.compile("lstm", "float32")
    kernel.threads = 2
    shared = []
    whole = type(kernel._passes)._share_lanes
    monkeypatch.setattr(type(kernel._passes), "_share_lanes", lambda *args: (shared.append(1), whole(*args)))
    for B, expected in ((1, True), (7, True), (8, False)):
        shared.clear()
        data = draw("lstm", "float32", T=200, B=B, I=100, H=100)
        kernel.infer(data.x, data.params)
        assert bool(shared) is expected, B
