"""Every peer computes what the kernel computes; a wrong one is reported by name, row and quantity."""

import dataclasses

import pytest

import symcell
from symcell.bench.draw import problem_of
from symcell.bench.measure import candidates, geometric_mean, measure, medians
from symcell.bench.problem import Work, compare
from symcell.cli.cells import resolve

CELLS = ("rnn", "lstm", "gru", "gru_reset_before", "lstm_peephole", "mgu")


def made(cell, dtype="float32"):
    kernel = symcell.compile(cell, dtype=dtype)
    problem = problem_of(resolve(cell).spec, kernel, (3, 2, 4, 5), dtype, 1)
    return problem, *candidates(kernel, problem)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", CELLS)
def test_peers_agree(cell, dtype):
    problem, everyone, _ = made(cell, dtype)
    ours = everyone[0]
    for peer in everyone[1:]:
        for row, work in peer.rows.items():
            found = work.read(work.run())
            expected = ours.rows[row].read(ours.rows[row].run())
            if row == "training":
                assert set(found) == set(expected), peer.name
            compare(peer.name, row, expected, found, problem.dtype)


def test_a_wrong_peer_is_named():
    problem, everyone, _ = made("rnn")
    right = everyone[1].rows["training"]
    wrong = dataclasses.replace(everyone[1], rows={
        "training": Work(right.run, lambda found: {**right.read(found), "d U": right.read(found)["d U"] + 1})})
    with pytest.raises(AssertionError, match=f"{wrong.name}, training: d U"):
        measure([everyone[0], wrong], "training", problem)


def test_products_are_counted():
    problem, _, _ = made("gru")
    assert problem.plan.flops(6) == 2 * 6 * 3 * (4 * 5 + 5 * 5)


def test_a_row_names_its_best_peer():
    problem, everyone, _ = made("rnn")
    row = measure(everyone, "infer", problem)
    peers = {name: s for name, s in row["seconds"].items() if name != "symcell"}
    assert row["best"] == min(peers, key=peers.get)
    assert row["ratio"] == pytest.approx(min(peers.values()) / row["seconds"]["symcell"])


def test_medians_run_in_turn():
    calls = []
    assert len(medians([lambda: calls.append("a"), lambda: calls.append("b")], 0)) == 2
    assert calls == ["a", "b"] * 5
    assert geometric_mean([1, 4]) == pytest.approx(2)
