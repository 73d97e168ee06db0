"""Every peer computes what the kernel computes; a wrong one is reported by name, row and quantity."""

import dataclasses
from importlib.util import find_spec

import numpy as np
import pytest

import symcell
from symcell import zoo
from symcell.bench.draw import problem_of, zoo_name
from symcell.bench.frameworks import torch_candidate
from symcell.bench.measure import MODES, candidates, geometric_mean, measure, medians
from symcell.bench.plan import plan
from symcell.bench.problem import Work, compare, kernel_candidate
from symcell.cli.cells import resolve
from symcell.graph.lower import lower
from symcell.zoo.exponential import slstm
from tests import together
from tests.reductions import Attending, Largest

EVERYWHERE = {"JAX", "eager torch"}
PEERS = {
    "rnn": {"torch.nn", "ONNX Runtime"},
    "lstm": {"torch.nn", "ONNX Runtime"},
    "gru": {"torch.nn", "ONNX Runtime"},
    "gru_reset_before": {"ONNX Runtime"},
    "lstm_peephole": {"ONNX Runtime", "torchrecurrent"},
    "mgu": {"torchrecurrent"},
    "lstm_multiplicative": {"torchrecurrent"},
    "nas": set(),
    "antisymmetric": set(),
    "fastgrnn": {"torchrecurrent"},
    "sru": set(),
    "sru_recurrence": set(),
    "gru_layer_norm": set(),
}
SLOW = {"lstm_multiplicative", "nas", "antisymmetric", "fastgrnn"}  # what compiles for this test only
OPTIONAL = {"ONNX Runtime": ("onnx", "onnxruntime"), "torchrecurrent": ("torchrecurrent",)}
COPY = """
class Other(Cell):
    x, h = Input(), State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
    h.next = tanh(W @ x + U @ h + b)


class RNN(Cell):
    x, h = Input(), State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
    h.next = tanh(W @ x + U @ h - b)
"""


def made(cell, dtype="float32"):
    kernel = symcell.compile(cell, dtype=dtype)
    problem = problem_of(resolve(cell).spec, kernel, (3, 2, 4, 5), dtype, 1)
    return problem, *candidates(kernel, problem)


def expected_peers(cell, dtype):
    """Those that have the cell, without those that are not installed (`make bench` installs them all)."""
    there = {peer for peer, modules in OPTIONAL.items() if all(map(find_spec, modules))}
    named = {peer for peer in PEERS[cell] if peer not in OPTIONAL or peer in there}
    return EVERYWHERE | named - ({"ONNX Runtime"} if dtype == "float64" else set())


@pytest.mark.parametrize(("cell", "dtype"), [
    *(pytest.param(cell, "float32", marks=pytest.mark.slow if cell in SLOW else ()) for cell in PEERS),
    ("lstm", "float64"), ("gru", "float64"), ("mgu", "float64"), ("sru_recurrence", "float64")])
def test_peers_agree(cell, dtype):
    problem, everyone, missing = made(cell, dtype)
    ours, *peers = everyone
    assert {peer.name for peer in peers} == expected_peers(cell, dtype)
    assert {peer.name for peer in peers} | set(missing) == {"torch.nn", "torchrecurrent", "ONNX Runtime", *EVERYWHERE}
    for mode in MODES:
        expected = ours.rows[mode].read(ours.rows[mode].run())
        for peer in peers:
            if mode not in peer.rows:
                assert peer.name == "ONNX Runtime"
                continue
            found = peer.rows[mode].read(peer.rows[mode].run())
            quantities = {f"final {name}" for name in problem.state} | {"y"}
            if mode == "training":
                quantities |= {f"d {name}" for name in (*problem.inputs, *problem.params)}
                quantities |= {f"d initial {name}" for name in problem.state}
            assert set(found) == quantities, peer.name
            compare(peer.name, mode, expected, found, problem.dtype)


@pytest.mark.parametrize("name", zoo.names())
def test_a_cell_of_the_zoo_is_known_by_what_it_says(name):
    assert zoo_name(zoo.find(name).spec) == name


def test_what_a_class_is_called_proves_nothing(tmp_path):
    path = tmp_path / "cells.py"
    path.write_text("from symcell import Cell, Input, Matrix, State, Vector, tanh\n" + COPY, encoding="utf-8")
    assert zoo_name(resolve(f"{path}:Other").spec) == "rnn"
    assert zoo_name(resolve(f"{path}:RNN").spec) is None


def test_peers_compute_once_per_call_what_the_cell_does(tmp_path):
    """One matrix raw and in two derived ones, a derived vector, and products that share an operand."""
    path = tmp_path / "derived.py"
    path.write_text("""from symcell import Cell, Constant, Identity, Input, Matrix, Scalar, State, Vector
from symcell import exp, sigmoid, tanh
class Derived(Cell):
    x, h = Input(), State()
    W, U, V, tau, a, k = Matrix(h, x), Matrix(h, h), Matrix(h, h), Vector(h), Scalar(init=0.3), Constant(0.1)
    A = U - U.T - a * Identity(h)
    r = exp(-tau)
    z = sigmoid(W @ x + A @ h + V @ h)
    h.next = r * h + k * z * tanh(U @ h + (V - sigmoid(a) * U.T) @ h)
""", encoding="utf-8")
    found = resolve(str(path))
    kernel = symcell.compile(found.cell, "float64")
    problem = problem_of(found.spec, kernel, (3, 2, 4, 5), "float64", 1)
    ours, *peers = candidates(kernel, problem)[0]
    expected = ours.rows["training"].read(ours.rows["training"].run())
    assert {peer.name for peer in peers} == EVERYWHERE
    for peer in peers:
        compare(peer.name, "training", expected, peer.rows["training"].read(peer.rows["training"].run()), "float64")


@pytest.mark.parametrize("cell", [*zoo.names(), *together.CELLS], ids=lambda cell: getattr(cell, "__name__", cell))
def test_the_plan_of_every_cell_is_the_cell(cell):
    """Against the interpreter: what is computed before, in and after the loop of a framework is the declaration."""
    spec = (zoo.find(cell) if isinstance(cell, str) else cell).spec
    reference = symcell.reference(cell)
    problem = problem_of(spec, reference, (4, 2, 4, 4) if "I" in spec.dims else (4, 2, 5, 5), "float64", 1)
    ours, peer = kernel_candidate(reference, problem).rows["training"], torch_candidate(problem).rows["training"]
    compare(str(cell), "training", ours.read(ours.run()), peer.read(peer.run()), "float64")


def test_the_defaults_of_constants_reach_the_peers(tmp_path):
    path = tmp_path / "leaky.py"
    path.write_text("""from symcell import Cell, Constant, Input, Matrix, State, tanh
class Leaky(Cell):
    x, h, a = Input(), State(), Constant(0.25)
    W, U = Matrix(h, x), Matrix(h, h)
    h.next = (1 - a) * h + a * tanh(W @ x + U @ h)
""", encoding="utf-8")
    found = resolve(str(path))
    problem = problem_of(found.spec, symcell.compile(found.cell), (3, 2, 4, 5), "float32", 1)
    assert problem.constants == {"a": 0.25}
    ours, *peers = candidates(symcell.compile(found.cell), problem)[0]
    assert {peer.name for peer in peers} == EVERYWHERE
    expected = ours.rows["training"].read(ours.rows["training"].run())
    for peer in peers:
        compare(peer.name, "training", expected, peer.rows["training"].read(peer.rows["training"].run()), "float32")


@pytest.mark.parametrize("cell", [Attending, Largest], ids=lambda cell: cell.__name__)
def test_peers_reduce_as_the_kernel_does(cell):
    kernel = symcell.compile(cell, "float64")
    problem = problem_of(cell.spec, kernel, (3, 2, 4, 5), "float64", 1)
    if "b" in problem.params:  # JAX shares the gradient of a maximum among equals, as biases of 0 are
        problem = dataclasses.replace(problem, params={**problem.params, "b": np.arange(5.0)})
    ours, *peers = candidates(kernel, problem)[0]
    expected = ours.rows["training"].read(ours.rows["training"].run())
    for peer in peers:
        compare(peer.name, "training", expected, peer.rows["training"].read(peer.rows["training"].run()), "float64")


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
    assert plan(lower(slstm(5).spec), {"I": 4, "H": 5}).flops(6) == 2 * 6 * 4 * (4 * 5 + 5 * 5 / 5)  # but for zeros


def test_a_row_names_its_best_peer():
    problem, everyone, _ = made("rnn")
    row = measure(everyone, "infer", problem)
    peers = {name: s for name, s in row["seconds"].items() if name != "symcell"}
    assert row["best"] == min(peers, key=peers.get)
    assert row["ratio"] == pytest.approx(min(peers.values()) / row["seconds"]["symcell"])


def test_medians_run_in_turn():
    calls = []
    assert len(medians([lambda: calls.append("a"), lambda: calls.append("b")], 0)) == 2
    assert calls == ["a", "b"] + ["a", "a", "b", "b"] * 5  # short ones: the second of a turn counts
    assert geometric_mean([1, 4]) == pytest.approx(2)


def test_rounding_that_a_cell_magnifies_is_told_from_an_error():
    ours, true = {"y": np.ones(3, np.float32)}, {"y": np.full(3, 1.0004)}
    asked = []

    def exact():
        asked.append(0)
        return true

    compare("peer", "infer", ours, {"y": np.full(3, 1.0002, np.float32)}, "float32", exact)
    assert not asked  # near enough as it is
    compare("peer", "infer", ours, {"y": np.full(3, 1.0008, np.float32)}, "float32", exact)
    for wrong in (1.005, np.nan):
        with pytest.raises(AssertionError, match="peer, infer: y differs"):
            compare("peer", "infer", ours, {"y": np.full(3, wrong, np.float32)}, "float32", exact)
    for wrong in (1.01, np.nan):  # the peer is right, and symcell is not
        with pytest.raises(AssertionError, match="y differs"):
            compare("peer", "infer", {"y": np.full(3, wrong, np.float32)}, true, "float32", exact)
    with pytest.raises(AssertionError, match="y differs"):
        compare("peer", "infer", ours, {"y": np.float32(1)}, "float32", exact)
    with pytest.raises(AssertionError, match="y differs"):
        compare("peer", "infer", ours, {"y": np.full(3, 1.0008, np.float32)}, "float32")


def test_results_in_float64_are_those_of_the_same_numbers():
    problem, everyone, _ = made("lstm_layer_norm")
    ours = everyone[0]
    for mode in MODES:
        found, exact = ours.rows[mode].read(ours.rows[mode].run()), ours.exact(mode)
        assert {name: array.dtype.name for name, array in exact.items()} == dict.fromkeys(found, "float64")
        compare("float64", mode, exact, found, "float32")
        assert any(np.abs(exact[name] - found[name]).max() > 0 for name in found)
    assert problem.dtype == "float32"
    assert made("lstm", "float64")[1][0].exact is None
