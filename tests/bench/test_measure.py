"""How a row is measured: rounds, ties, pauses, rates."""

import numpy as np
import pytest

from symcell.bench import machine, measure
from symcell.bench.draw import problem_of
from symcell.bench.problem import Candidate, Work
from symcell.compiler import compile as compiled
from symcell.zoo import find

T, B, I, H = 3, 2, 4, 5


def rnn(threads=1):
    return problem_of(find("rnn").spec, compiled("rnn"), (T, B, I, H), "float32", threads)


def everyone(*names):
    work = Work(lambda: None, lambda _: {"y": np.zeros(1)})
    return [Candidate(name, dict.fromkeys(measure.MODES, work)) for name in names]


@pytest.fixture
def times(monkeypatch):
    """Give each call of `medians` its times, and tell the pauses that it was asked for."""
    monkeypatch.setattr(machine, "sgemm", lambda dtype: 1e9)
    given, pauses = [], []

    def medians(tasks, seconds, pause):
        pauses.append(pause)
        return given.pop(0)

    monkeypatch.setattr(measure, "medians", medians)
    return given, pauses


def test_a_clear_row_is_measured_once(times):
    given, _ = times
    given += [[1.0, 2.0, 1.5]]
    row = measure.measure(everyone("symcell", "JAX", "torch.nn"), "forward", rnn())
    assert (row["best"], row["ratio"], given) == ("torch.nn", 1.5, [])


@pytest.mark.parametrize("first", [0.98, 1.02])
def test_of_a_tie_three_measurements_the_middle_one_counts(times, first):
    given, _ = times
    given += [[1.0, first], [1.0, 1.2], [1.0, 1.1]]
    row = measure.measure(everyone("symcell", "JAX"), "forward", rnn())
    assert (row["ratio"], given) == (1.1, [])


def test_others_threads_are_given_time_to_stop(times):
    given, pauses = times
    given += [[1.0, 2.0]] * 2
    for threads in (1, 2):
        measure.measure(everyone("symcell", "JAX"), "forward", rnn(threads))
    assert pauses == [0.0, measure.PAUSE]


@pytest.mark.parametrize(("mode", "passes"), [("infer", 1), ("forward", 1), ("training", 3)])
def test_the_rate_counts_the_operations_of_products(times, mode, passes):
    given, _ = times
    given += [[0.5, 2.0]]
    row = measure.measure(everyone("symcell", "JAX"), mode, rnn())
    operations = passes * 2 * T * B * H * (I + H)
    assert (row["rate"], row["unit"]) == (operations / 0.5, "FLOP/s")
    assert row["share"] == pytest.approx(operations / 0.5 / 1e9)


def test_the_machines_rates(monkeypatch):
    monkeypatch.setattr(machine, "_quickest", lambda task, repetitions: 0.25)
    assert machine.sgemm("float32") == 2 * 1024**3 / 0.25
    assert machine.bandwidth() == 2 * 2**28 / 0.25


def test_a_pause_comes_before_each_call(monkeypatch):
    slept = []
    monkeypatch.setattr(measure.time, "sleep", slept.append)
    measure.medians([lambda: None, lambda: None], 0, 0.125)
    assert slept == [0.125] * 10


def test_peers_near_the_fastest_are_warmed_as_it_is(monkeypatch):
    clock, calls = [0.0], []
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock[0])

    def task(name, seconds):
        def run():
            calls.append(name)
            clock[0] += seconds
        return run

    measure.medians([task("a", 0.9 * measure.SHORT), task("b", 1.1 * measure.SHORT), task("c", 20 * measure.SHORT)], 0)
    assert calls == ["a", "b", "c"] + ["a", "a", "b", "b", "c"] * 5
