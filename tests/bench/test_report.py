"""What becomes of rows: medians over repetitions, means, tables of 80 columns, remarks, JSON, a figure."""

import io
import itertools
import json
import os
import sys

import pytest
from rich.console import Console

from symcell.bench import figure, machine, measure, report
from symcell.bench.draw import problem_of
from symcell.bench.rows import SHAPES, means, remarks, rows_of
from symcell.bench.traffic import least_bytes
from symcell.compiler import compile as compiled
from symcell.zoo import find


def row(cell="lstm_multiplicative", shape=(50, 128, 1024, 1024), mode="training", **changed):
    seconds = {"symcell": 1.0, "JAX": 3.0, "torchrecurrent": 2.0}
    return {"cell": cell, **dict(zip("TBIH", shape, strict=True)), "dtype": "float32", "threads": 1, "mode": mode,
            "missing": {}, "seconds": seconds, "given_up": [], "best": "torchrecurrent", "ratio": 2.0,
            "rate": 61.24e9, "unit": "FLOP/s", "share": 0.876, "machine": 70e9, **changed}


def printed(table):
    stream = io.StringIO()
    Console(file=stream, width=80).print(table)
    return stream.getvalue().splitlines()


def test_the_table_fits_a_terminal():
    lines = printed(report.row_table([row(), row(cell="sru", unit="B/s"), row(best=None, ratio=None)], "float32"))
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    assert lines[1].split() == ["lstm_multiplicative", "50,128,1024,1024", "training", "61.2", "GF", "88%",
                                "torchrecurrent", "2.00"]
    assert "61.2 GB" in lines[2]
    assert lines[3].split()[-2:] == ["-", "-"]
    assert all(max(map(len, title.splitlines())) <= 80 for title, _ in report.tables([row()]))


def test_means_are_geometric_and_leave_out_rows_without_the_peer():
    slow = row(ratio=8.0, seconds={"symcell": 1.0, "eager torch": 8.0})
    [mean] = means([row(), slow, row(error="differs")])
    assert mean == {"cell": "lstm_multiplicative", "dtype": "float32", "mode": "training", "rows": 2, "of": 3,
                    "best": pytest.approx(4), "JAX": pytest.approx(3), "eager torch": pytest.approx(8)}
    assert printed(report.mean_table([row(), slow]))[1].split()[-4:] == ["2", "4.00", "3.00", "8.00"]
    assert "2 of 3" in printed(report.mean_table([row(), slow, row(error="differs")]))[1]


def test_remarks_name_errors_who_was_too_slow_and_who_is_not_installed():
    rows = [row(error="JAX, training: y differs"), row(given_up=["eager torch"]),
            row(missing={"JAX": "not installed: pip install jax", "torch.nn": "has no such cell"})]
    wrong, slow, absent = remarks(rows)
    assert wrong.endswith("training: JAX, training: y differs")
    assert "eager torch took more than 20 s" in slow
    assert absent == "JAX: not installed: pip install jax"


@pytest.mark.parametrize(("length", "rounds"), [(0.1, 5), (1.5, 3)])
def test_medians_of_five_rounds_and_of_three_for_long_calls(monkeypatch, length, rounds):
    clock, calls = itertools.count(step=length), []
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(clock))
    assert measure.medians([lambda: calls.append(0)], seconds=0) == pytest.approx([length])
    assert len(calls) == 1 + rounds  # the first one tells whether calls are short


def test_a_peer_that_takes_too_long_is_given_up(monkeypatch):
    spec, kernel = find("rnn").spec, compiled("rnn")
    monkeypatch.setattr(measure, "GIVE_UP", -1)
    [found] = rows_of("rnn", spec, kernel, (3, 2, 4, 5), ["infer"], 1, 0)
    assert "JAX" in found["given_up"]
    assert found["best"] is found["ratio"] is None
    assert set(found["seconds"]) == {"symcell"}


def test_a_wrong_peer_is_an_error_of_its_row_only(monkeypatch):
    spec, kernel = find("rnn").spec, compiled("rnn")
    right = measure.compare
    def once(name, mode, *rest):
        if mode == "forward":
            raise AssertionError(f"{name}, {mode}: y differs")
        right(name, mode, *rest)
    monkeypatch.setattr(measure, "compare", once)
    first, second = rows_of("rnn", spec, kernel, (3, 2, 4, 5), ["infer", "forward"], 1, 0)
    assert "error" not in first
    assert second["error"].endswith("forward: y differs")
    assert "seconds" not in second


def test_bytes_of_a_recurrence():
    problem = problem_of(find("sru_recurrence").spec, compiled("sru_recurrence"), (3, 2, 4, 5), "float32", 1)
    step = 4 * 3 * 2 * 5
    assert problem.plan.flops(1) == 0
    assert least_bytes(problem, "infer") == (4 + 1) * step
    assert least_bytes(problem, "forward") == (4 + 1 + 1) * step
    assert least_bytes(problem, "training") == (4 + 1 + 1 + 4 + 1 + 1 + 4) * step


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not pin processes")
def test_pinning_ends_with_its_block(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    before = os.sched_getaffinity(0)
    with machine.pinned(1):
        assert machine.cores() == 1
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.sched_getaffinity(0) == before
    assert os.environ["OMP_NUM_THREADS"] == "7"


def test_the_figure_is_written(tmp_path):
    figure.draw([row(shape=shape, ratio=1 + k) for k, shape in enumerate(SHAPES)], tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_json_of_the_command(symcell_bench, tmp_path):
    result = symcell_bench("rnn", "--shape", "3,2,4,5", "--mode", "infer", "--json", str(tmp_path / "a.json"))
    content = json.loads((tmp_path / "a.json").read_text())
    assert set(content) == {"machine", "rows", "means"}
    assert content["machine"]["sgemm"]["float32"] > 0
    [found] = content["rows"]
    assert set(found) == set(row())
    assert (found["T"], found["H"]) == (3, 5)
    assert "best peer" in result.stdout
    assert "rnn 3,2,4,5 float32 infer" in result.stderr


@pytest.mark.parametrize(("words", "message"), [(("--shape", "3,2,4"), "3,2,4"), (("--threads", "100000"), "may use")])
def test_wrong_options(symcell_bench, words, message):
    assert message in symcell_bench("rnn", *words, code=2).stderr


def test_peers_that_are_not_installed_are_named(symcell_bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    result = symcell_bench("rnn", "--shape", "3,2,4,5", "--mode", "infer")
    assert "JAX: not installed: pip install jax" in result.stdout
