"""The zoo's rows: torchrecurrent's layers compute what the cells do, and what all rows say together."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import symcell
from benchmarks.__main__ import main
from symcell import zoo
from symcell.bench import machine
from symcell.bench import zoo as bench_zoo
from symcell.bench.draw import package_of, problem_of
from symcell.bench.packaged import PACKAGED, Package
from symcell.bench.problem import MissingError, compare, kernel_candidate
from symcell.bench.torchrecurrent_layers import torchrecurrent_candidate
from symcell.bench.zoo import Entry, about, entry, record, summary

pytest.importorskip("torchrecurrent")
MODES = ("infer", "forward", "training")


def problem(name):
    found = entry(name)
    reference = symcell.reference(found.cell)
    return reference, problem_of(found.cell.spec, reference, (5, 3, 4, 6), "float64", 1, found.given)


@pytest.mark.parametrize("name", PACKAGED)
def test_a_layer_of_torchrecurrent_computes_what_the_cell_does(name):
    """Not by its cell, as the tests of the zoo, but as the benchmark runs it; in all modes."""
    reference, drawn = problem(name)
    theirs = torchrecurrent_candidate(drawn)
    expected, found = {}, {}
    run = reference.forward(drawn.inputs["x"], drawn.params, drawn.state, constants=drawn.given)
    grads = reference.backward(run, drawn.dy)
    expected = {"y": run.y, "d x": grads.x} | {f"final {n}": a for n, a in run.state.items()}
    expected |= {f"d {n}": a for n, a in grads.params.items()} | {f"d initial {n}": a for n, a in grads.state.items()}
    for mode in MODES:
        found = theirs.rows[mode].read(theirs.rows[mode].run())
        wanted = expected if mode == "training" else {n for n in expected if not n.startswith("d ")}
        assert set(found) == set(wanted)
        for quantity, array in found.items():
            scale = max(1.0, np.abs(expected[quantity]).max())
            # Its hard sigmoid multiplies by 1/6 rounded to float32.
            tolerance = 1e-6 if name in ("sgu", "dsgu") else 1e-12
            assert np.abs(expected[quantity] - array).max() <= tolerance * scale, (mode, quantity)


def test_a_planted_error_in_the_table_is_found():
    reference, drawn = problem("mgu")
    wrong = Package("MGU", {**PACKAGED["mgu"].weights, "weight_hh": "U_n U_f"})
    theirs = torchrecurrent_candidate(type(drawn)(**{**vars(drawn), "package": wrong})).rows["forward"]
    ours = reference.forward(drawn.inputs["x"], drawn.params, drawn.state)
    with pytest.raises(AssertionError, match="torchrecurrent, forward: y differs"):
        compare("torchrecurrent", "forward", {"y": ours.y}, {"y": theirs.read(theirs.run())["y"]}, "float64")


def test_a_cell_with_other_equations_or_constants_has_no_layer():
    assert package_of(zoo.find("lem").spec) is None  # the paper's; the package deviates
    assert package_of(entry("lem").cell.spec) is PACKAGED["lem"]
    found = entry("cornn")
    own = problem_of(found.cell.spec, symcell.reference("cornn"), (5, 3, 4, 6), "float64", 1)
    with pytest.raises(MissingError, match="other constants"):
        torchrecurrent_candidate(own)


def test_constants_reach_the_kernel():
    found = entry("cornn")
    kernel = symcell.compile("cornn", "float64")
    drawn = problem_of(found.cell.spec, kernel, (5, 3, 4, 6), "float64", 1, found.given)
    ours, theirs = kernel_candidate(kernel, drawn), torchrecurrent_candidate(drawn)
    for mode in MODES:
        expected = ours.rows[mode].read(ours.rows[mode].run())
        compare("torchrecurrent", mode, expected, theirs.rows[mode].read(theirs.rows[mode].run()), "float64")


def test_what_is_measured_of_a_cell():
    assert entry("sru_recurrence") is None  # it has no product
    assert entry("sru") == Entry("sru", zoo.find("sru"))
    assert entry("nas").variant == "nas(multiplied=False)"
    assert {name for name in zoo.names() if entry(name) is None} == {"sru_recurrence"}


def times(**seconds):
    return {"seconds": {"symcell": 1.0, **{name.replace("_", " "): value for name, value in seconds.items()}}}


def test_the_summary():
    cells = {"a": times(torchrecurrent=2.0, JAX=4.0), "b": times(torchrecurrent=32.0, JAX=0.25), "c": times(JAX=1.0),
             "d": {"error": "JAX, training: y differs"}}
    assert summary(cells) == [
        "4 cells measured, 2 beside torchrecurrent, 3 beside JAX",
        "torchrecurrent / symcell: geometric mean 8.00 (wanted 8), least 2.00", "below 3: a (2.00)",
        "JAX / symcell: geometric mean 1.00, least 0.25", "slower than JAX: b (0.25)", "d: JAX, training: y differs"]
    assert summary({"c": times()}) == ["1 cells measured, 0 beside torchrecurrent, 0 beside JAX"]


def test_a_record_keeps_four_digits():
    row = {"seconds": {"symcell": 0.00123456, "JAX": 2.0}, "given_up": ["JAX"]}
    assert record(row, "") == {"seconds": {"symcell": 0.001235, "JAX": 2.0}, "given_up": ["JAX"]}
    assert record({"error": "no"}, "v()") == {"error": "no", "variant": "v()"}


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.setattr(machine, "sgemm", lambda dtype: 1e9)
    monkeypatch.setattr(machine, "bandwidth", lambda threads=1: 1e9)

    def run(*words, code=0):
        result = CliRunner().invoke(main, ["--zoo", "--quick", *words])
        assert result.exit_code == code, result.output
        return result

    return run


def test_the_command_adds_to_its_file(bench, tmp_path):
    path = tmp_path / "speed.json"
    first = bench("--cell", "lstm", "--cell", "sru_recurrence", "--json", str(path))
    assert "1 cells measured, 0 beside torchrecurrent, 1 beside JAX" in first.stdout
    assert "sru_recurrence: it has no product" in first.stderr
    before = json.loads(path.read_text())
    assert "T = 7, B = 3, I = 5, H = 5, float32, 1 thread of an" in before["about"]
    assert set(before["cells"]["lstm"]["seconds"]) == {"symcell", "torch.nn", "JAX", "eager torch"}
    bench("--cell", "rnn", "--json", str(path))
    after = json.loads(path.read_text())
    assert list(after["cells"]) == ["rnn", "lstm"]  # in the order of the zoo
    assert after["cells"]["lstm"] == before["cells"]["lstm"]
    bench("--cell", "rnn", "--shape", "2,2,3,3", "--json", str(path))
    assert list(json.loads(path.read_text())["cells"]) == ["rnn"], "times at other sizes are not mixed"


def test_a_peer_that_differs_fails_the_command(bench, monkeypatch):
    monkeypatch.setattr("symcell.cli.zoo_bench._measured", lambda *args: {"error": "JAX, training: y differs"})
    assert "mgu: JAX, training: y differs" in bench("--cell", "mgu", code=1).stdout


def test_a_file_of_something_else_is_left_alone(bench, tmp_path):
    path = tmp_path / "other.json"
    path.write_text("[1]", encoding="utf-8")
    assert "holds no times of the zoo" in " ".join(bench("--cell", "rnn", "--json", str(path), code=2).stderr.split())
    assert path.read_text() == "[1]"
    assert "leave out --mode" in " ".join(bench("--mode", "infer", code=2).stderr.split())


def test_what_the_times_belong_to():
    said = about({"threads": 2, "processor": "X", "versions": {"numpy": "2", "onnxruntime": "1"}}, bench_zoo.SHAPE)
    assert "at T = 100, B = 32, I = 128, H = 128, float32, 2 threads of an X;" in said
    assert said.endswith(" numpy 2.")
