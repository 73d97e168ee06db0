"""layer_normalised: the layer-normalised LSTM of the zoo, PyTorch's layer_norm and autograd, kernels, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from torch import sigmoid, tanh
from torch.nn.functional import layer_norm, linear

import symcell
from symcell import CellError, layer_normalised, zoo
from symcell.declare.symbols import Apply
from symcell.proof import kernel, numeric, symbolic
from tests.declare.text import declare
from tests.oracle import Sample, assert_alive, assert_close, run
from tests.zoo import test_frameworks

GATES = ("i", "f", "g", "o")
PAPER = layer_normalised("lstm", stacked=[GATES], memory=["c"])


def normal(p, matrix, v, bias=0):
    return p[f"g_{matrix}"] * layer_norm(linear(v, p[matrix]), p[matrix].shape[:1]) + bias


def mgu(p, x, h):
    f = sigmoid(normal(p, "W_f", x, p["b_f"]) + normal(p, "U_f", h))
    h = (1 - f) * h + f * tanh(normal(p, "W_n", x, p["b_n"]) + normal(p, "U_n", f * h))
    return h, h


def gru(p, x, h):
    r, z = (sigmoid(normal(p, f"W_{k}", x, p[f"b_{k}"]) + normal(p, f"U_{k}", h)) for k in "rz")
    h = (1 - z) * tanh(normal(p, "W_n", x, p["b_n"]) + r * (normal(p, "U_n", h) + p["c_n"])) + z * h
    return h, h


def multiplicative(p, x, h):
    """Products that are multiplied have a bias each; W_m stays as it is."""
    m = linear(x, p["W_m"]) * normal(p, "U_m", h, p["b_U_m"])
    h = tanh(normal(p, "W", x) + normal(p, "U", m) + p["b"])
    return h, h


def low_rank(p, x, h):
    """P @ (Q @ h) is one product; the sum has no bias but b_U_1."""
    p = p | {"W": p["W_1"] @ p["W_2"].T, "U": p["U_1"] @ p["U_2"].T, "g_W": p["g_W_1"], "g_U": p["g_U_1"]}
    a = normal(p, "W", x) + normal(p, "U", h) + p["b_U_1"]
    z = sigmoid(a + p["b_z"])
    h = z * h + (sigmoid(p["zeta"]) * (1 - z) + sigmoid(p["nu"])) * tanh(a + p["b_n"])
    return h, h


MADE = {
    "mgu": (lambda: layer_normalised("mgu"), mgu),
    "gru": (lambda: layer_normalised("gru"), gru),
    "multiplicative": (lambda: layer_normalised("rnn_multiplicative", keep=["W_m"]), multiplicative),
    "low rank": (lambda: layer_normalised("fastgrnn_lowrank"), low_rank),
}


@pytest.mark.parametrize("name", MADE)
def test_against_autograd(name, monkeypatch):
    make, equations = MADE[name]
    cell = make()
    sample = Sample.draw(cell, T=5, B=3, **dict(zip(cell.spec.dims, (4, 6, 2, 3), strict=False)))
    results = run(cell, sample)
    assert_alive(results)
    monkeypatch.setitem(test_frameworks.AUTOGRAD, "made", equations)
    assert_close(results, test_frameworks.run_torch_cell("made", sample), tolerance=1e-9)
    monkeypatch.setitem(test_frameworks.AUTOGRAD, "made", lambda p, x, h: (lambda y, n: (y * (1 + 1e-6), n))(
        *equations(p, x, h)))
    with pytest.raises(AssertionError):
        assert_close(results, test_frameworks.run_torch_cell("made", sample), tolerance=1e-9)


def test_it_makes_the_layer_normalised_lstm_of_the_zoo():
    names = {f"g_{old}_{k}": f"g_{new}_{k}" for k in GATES for old, new in (("W", "x"), ("U", "h"))}
    sample, paper = Sample.draw(PAPER, T=6, B=2, I=3, H=4), zoo.find("lstm_layer_norm")
    params = {names.get(name, name): array for name, array in sample.params.items()}
    assert params.keys() == {p.name for p in paper.spec.parameters}
    ours, theirs = run(PAPER, sample), run(paper, replace(sample, params=params))
    renamed = replace(ours, dparams={names.get(name, name): array for name, array in ours.dparams.items()})
    assert_alive(ours)
    assert_close(renamed, theirs, tolerance=1e-12)
    apart = layer_normalised("lstm", memory=["c"])
    assert np.abs(run(apart, sample).y - ours.y).max() > 1e-3


@pytest.mark.parametrize("name", ["mgu", pytest.param("multiplicative", marks=pytest.mark.slow)])
def test_gradients(name):
    cell = MADE[name][0]()
    for oracle in (symbolic.check, numeric.check):
        assert all(found.passed for found in oracle(cell.spec))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [*MADE, "paper"])
def test_kernels_are_the_interpreter(name, dtype):
    cell = PAPER if name == "paper" else MADE[name][0]()
    found = kernel.check(cell.spec, symcell.compile(cell, dtype))
    assert len(found) > 4
    assert all(row.passed for row in found), found


def test_names_of_what_is_made():
    spec = layer_normalised("rnn_multiplicative").spec
    assert spec.name == "LayerNormMultiplicativeRNN"
    assert [p.name for p in spec.parameters][5:] == ["g_U_m", "b_U_m", "g_W_m", "b_W_m", "g_U", "g_W"]
    assert [p.init for p in spec.parameters][5:] == [1, 0, 1, 0, 1, 1]
    taken = declare("x, h, g_W = Input(), State(), State()\nW, U = Matrix(h, x), Matrix(h, h)\nb = Vector(h)\n"
                    "h.next = tanh(W @ x + U @ h + b)\ng_W.next = W @ x")
    assert [p.name for p in layer_normalised(taken).spec.parameters] == ["W", "U", "b", "g_U", "g_W_2", "g_W_3", "b_W"]


def test_every_cell_of_the_zoo_is_normalised_or_refused_with_a_reason():
    refused = {}
    for name in zoo.names():
        try:
            cell = layer_normalised(name)
        except CellError as error:
            refused[name] = str(error).partition(": ")[2]
            continue
        old = sum(len(e.expression.atoms(Apply)) for e in zoo.find(name).spec.equations)
        assert len(cell.spec.parameters) > len(zoo.find(name).spec.parameters)
        assert old
    assert {name for name, why in refused.items() if "already" in why} == {"lstm_layer_norm", "gru_layer_norm"}
    assert {name for name, why in refused.items() if "nothing to normalise" in why} == {"sru_recurrence"}
    assert len(refused) == 3, refused


@pytest.mark.parametrize(("call", "message"), [
    (lambda: layer_normalised("sru_recurrence"), "no matrix applies to a vector, and there is nothing to normalise"),
    (lambda: layer_normalised("lstm_layer_norm"), "the cell has a layer_norm or rms_norm already"),
    (lambda: layer_normalised(PAPER), "the cell has a layer_norm or rms_norm already"),
    (lambda: layer_normalised("lstm", stacked=[("i", "c")]), "stacked names 'c'; expected some of i, f, g, o."),
    (lambda: layer_normalised("lstm", stacked=[("i", "f"), ("f", "o")]), "stacked names an equation twice: i, f, f, o"),
    (lambda: layer_normalised("lstm", stacked="ifgo"), "stacked is a list of groups of names, .* got 'ifgo'"),
    (lambda: layer_normalised("lstm", stacked=["ifgo"]), "stacked is a list of groups of names, .* got .'ifgo'."),
    (lambda: layer_normalised("lstm", stacked=3), "stacked is a list of groups of names, .* got 3"),
    (lambda: layer_normalised("lstm", memory="c"), "memory is a list of names, got 'c'"),
    (lambda: layer_normalised("lstm", keep=3), "keep is a list of names, got 3"),
    (lambda: layer_normalised("lstm", memory=["d"]), "memory names 'd'; expected some of h, c"),
    (lambda: layer_normalised("lstm", keep=["W"]), "keep names 'W'; expected some of U_f, U_g, U_i"),
    (lambda: layer_normalised(3), "expected a Cell class"),
])
def test_refusals(call, message):
    with pytest.raises(CellError, match=message):
        call()
