"""The benchmark of threads: which turns count, and what is said of them."""

import pytest
from click.testing import CliRunner

from benchmarks import scaling
from symcell.bench import machine
from symcell.cli import terminal


def counted(monkeypatch, products, wanted=3):
    """The turns of a kernel that takes 2 on one thread and 1.25 on two, where products scale like this one by one."""
    monkeypatch.setattr(scaling, "_burst", {"one": 2.0, "two": 1.25}.get)
    scales = iter(products)
    return list(scaling.turns("one", "two", lambda: next(scales), 2, wanted))


def test_a_turn_counts_where_both_cores_were_there_before_and_after(monkeypatch):
    there, away = [2.0, 1.8, 1.9], [[1.0, 2.0, 2.0], [2.0, 1.0, 2.0], [2.0, 2.0, 1.74]]
    found = counted(monkeypatch, [*away[0], *there, *away[1], *away[2], *there, *there])
    assert found == [scaling.Turn(2.0, 1.25, 1.9)] * 3
    assert found[0].times == 1.6


def test_patience_has_an_end(monkeypatch):
    assert counted(monkeypatch, [1.0] * 3 * 12) == []
    with pytest.raises(RuntimeError):  # the next one is asked for
        counted(monkeypatch, [1.0] * 3 * 12, wanted=4)


def test_the_table_says_how_kernels_scale_beside_products(capsys):
    rows = [("lstm", (100, 16, 128, 128), "infer", [scaling.Turn(2e-3, 1.25e-3, p) for p in (1.8, 2.0, 1.6)]),
            ("gru", (100, 16, 128, 128), "training", [])]
    terminal.show(scaling.table(rows, 3))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["lstm", "100,16,128,128", "infer", "2.00", "ms", "1.60", "1.80", "0.89", "3", "of", "3"]
    assert lines[2].split() == ["gru", "100,16,128,128", "training", "-", "-", "-", "-", "0", "of", "3"]
    assert max(map(len, lines)) <= 80


def test_more_threads_than_cores_are_refused():
    many = str(machine.cores() + 1)
    result = CliRunner().invoke(scaling.main, ["--threads", many] if many != "2" else ["--threads", "3"])
    assert result.exit_code != 0
    assert f"this process may use {machine.cores()}" in result.output + str(result.exception)


@pytest.mark.skipif(machine.cores() < 2, reason="two threads need two cores")
def test_it_runs(monkeypatch):
    monkeypatch.setattr(scaling, "THERE", 0.0)
    monkeypatch.setattr(scaling, "ORDER", 8)
    monkeypatch.setattr(scaling, "BURST", 0.0)
    result = CliRunner().invoke(scaling.main, ["--cell", "rnn", "--shape", "3,8,5,7", "--turns", "1"])
    assert result.exit_code == 0, result.output
    assert [line.split()[:3] for line in result.stdout.splitlines()[1:4]] == [
        ["rnn", "3,8,5,7", mode] for mode in ("infer", "forward", "training")]
