"""Threads inside a call and around it, and processes."""

import os
import subprocess
import sys
import threading

import pytest

import symcell
from symcell.runtime import threads
from tests.runtime.calls.given import FLOAT, says
from tests.runtime.cells import Mixed, assert_same_bits, draw, results


@pytest.mark.parametrize("count", [0, -1, 1.5, True, None, "2"])
def test_threads_is_a_positive_integer(lstm, count):
    before = lstm.threads
    with pytest.raises((TypeError, ValueError), match=says("threads=")):
        lstm.threads = count
    assert lstm.threads == before == threads.default()


@pytest.fixture
def split_always(monkeypatch):
    monkeypatch.setattr(threads, "MIN_ROWS", 1)
    monkeypatch.setattr(threads, "MIN_WORK", 1)


def test_different_kernels_may_run_at_once(split_always):
    """They have one pool: whoever comes while it is busy computes alone."""
    problems = [(symcell.compile(cell, FLOAT), draw(cell, FLOAT, T=9, B=5, H=11)) for cell in (Mixed, "lstm", "gru")]
    for kernel, _ in problems:
        kernel.threads = 3
    expected = [results(kernel, data) for kernel, data in problems]
    failures = []

    def work(k):
        try:
            for _ in range(20):
                assert_same_bits(results(*problems[k]), expected[k])
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(len(problems))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not failures
    assert not any(worker.is_alive() for worker in workers)


def test_several_threads_may_call_one_kernel(split_always):
    kernel = symcell.compile(Mixed, FLOAT)
    kernel.threads = 2
    problems = [draw(Mixed, FLOAT, T=9, B=5, H=11 + k, seed=k) for k in range(4)]
    expected = [results(kernel, data) for data in problems]
    readies = [kernel.prepare(data.params) for data in problems]
    failures = []

    def work(k):
        try:
            for _ in range(10):
                assert_same_bits(results(kernel, problems[k]), expected[k])
                data = problems[k]
                y, _ = kernel.infer(data.x, readies[k], data.state, constants=data.constants)
                assert_same_bits({"y": y}, {"y": expected[k]["y"]})
        except BaseException as error:  # reported by the main thread
            failures.append(error)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not any(worker.is_alive() for worker in workers)
    assert not failures


FORK = """
import os, sys
import numpy as np
import symcell
from symcell.runtime import threads
threads.MIN_ROWS = threads.MIN_WORK = 1
kernel = symcell.compile("lstm")
kernel.threads = 2
params, x = kernel.init_params(I=3, H=5), np.ones((4, 7, 3), np.float32)
expected = kernel.infer(x, params)[0]  # the module's threads run from here on
child = os.fork()
found = kernel.infer(x, params)[0]
same = np.array_equal(expected, found)
if not child:
    os._exit(0 if same else 1)
sys.exit(0 if same and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 else 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_computes_too():
    """In a process of its own: other libraries that tests import warn of any fork."""
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)
