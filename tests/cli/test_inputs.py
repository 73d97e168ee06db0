"""Commands on cells with several inputs, inputs of the whole sequence, and parameters that are not learned."""

import pytest

from symcell.bench import machine

CELLS = '''
from symcell import Cell, Input, Matrix, Output, State, Vector, sigmoid, tanh, variational_dropout, zoneout


class Several(Cell):
    """A mask, a memory of its own size, a time stamp of size one; an input that the state modifies."""

    x, m, e = Input(), Input("H"), Input("ONE")
    h, c = State(), State("M")
    W, U, Q, V, R = Matrix(h, x), Matrix(h, h), Matrix(x, h), Matrix(h, c), Matrix(c, h)
    E = Matrix(h, e)

    f = sigmoid(W @ (sigmoid(Q @ h) * x) + U @ h + E @ e)
    c.next = tanh(R @ h) * c
    h.next = m * (f * h + V @ c.next) + (1 - m) * h


class Whole(Cell):
    """A condition of the whole sequence, a mask on the input, and a reservoir."""

    x, h = Input(), State()
    z, k = Input("Z", each="sequence"), Input(x, each="sequence")
    W, V, b = Matrix(h, x), Matrix(h, z), Vector(h)
    M = Matrix(h, h, init="orthogonal", learned=False)

    p = tanh(V @ z + b)
    h.next = tanh(W @ (k * x) + M @ (p * h))
    y = Output(M @ h.next + p)


Noisy = variational_dropout(zoneout(Several, {"h": 0.25}), {"x": 0.25})
'''


@pytest.fixture(autouse=True)
def cells(folder):
    (folder / "inputs.py").write_text(CELLS, encoding="utf-8")


@pytest.mark.parametrize(("cell", "stage", "lines"), [
    ("Several", "declaration", ["input  m (H)", "input  e (ONE)", "state  c (M)"]),
    ("Several", "schedule", ["panel Q_h = Q @ h", "panel a_f.sum = E @ e + "]),
    ("Whole", "declaration", ["input  z (Z), for the whole sequence", "param  M (H, H), not learned"]),
    ("Whole", "graph", ["input    k (I), for the whole sequence", "constant M (H, H)", "p = tanh(a_p)"]),
    ("Whole", "adjoint", ["d_p.steps += d_p.steps.t, over time", "d_V += d_a_p z^T"]),
    ("Whole", "schedule", ["for the whole sequence, before its steps:", "for the whole sequence, after its steps:",
                           "(I)  sequence / sequence given"]),
    ("Whole", "source", ["/* for the whole sequence, before its steps */",
                         "/* for the whole sequence, after its steps */", "% c->span.rows"]),
    ("Whole", "json", ['"each": "sequence"', '"learned": false']),
    ("Noisy", "declaration", ["input  zone_h (H)", "input  drop_x (I), for the whole sequence", "zone_h_rate = 0.25"]),
])
def test_show(symcell, cell, stage, lines):
    text = symcell("show", f"inputs.py:{cell}", "--stage", stage).stdout
    for line in lines:
        assert line in text


def test_derive(symcell):
    text = symcell("derive", "inputs.py:Whole", "--format", "markdown").stdout
    assert "| $k$ | input of the sequence | $I$ |" in text
    assert "| $M$ | not learned | $H \\times H$ |" in text
    assert r"p &= \tanh(a_p)" in text.split("## For the whole sequence")[1].split("## Forward")[0]
    assert r"\bar{k} &= \sum_{t=1}^{T}" in text.split("## Adjoints of the whole sequence")[1]
    gradients = text.split("## Gradients of the parameters")[1]
    assert r"\bar{V} &= \bar{a}_p z^\top" in gradients
    assert r"\bar{M}" not in gradients


def test_check(symcell):
    output = symcell("check", "inputs.py:Whole", "--dtype", "float64").output
    assert "checks passed" in output
    assert "FAILED" not in output


@pytest.mark.parametrize("cell", ["Whole", "Noisy"])
def test_bench_compares_all_gradients_with_the_frameworks(symcell, cell, monkeypatch):
    monkeypatch.setattr(machine, "sgemm", lambda dtype: 1e9)
    output = symcell("bench", f"inputs.py:{cell}", "--shape", "3,2,4,5", "--mode", "training").output
    assert "training" in output
