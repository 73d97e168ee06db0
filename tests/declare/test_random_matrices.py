"""Random expressions of matrices: value and gradients are those of NumPy, or the expression cancels and is refused."""

import random

import numpy as np
import pytest

import symcell
from symcell.declare.errors import CellError
from tests.declare.text import declare
from tests.oracle import Sample, run

WORDS = {"Identity": symcell.Identity, "BlockDiagonal": symcell.BlockDiagonal}
BODY = """
x, h = Input(), State()
W, U, V, P = Matrix(h, x), Matrix(h, h), Matrix(h, h), Matrix(h, "R")
b, a, k = Vector(h), Scalar(), Constant(0.5)
{name} = {expression}
y = Output({used} @ (b * h))
h.next = h * b
"""
LEAVES = [("U", "U"), ("V", "V"), ("U.T", "U.T"), ("Identity(h)", "I"), ("BlockDiagonal(V, 2)", "(V * M)"),
          ("BlockDiagonal(U.T, 2)", "(U.T * M)"), ("(P @ P.T)", "(P @ P.T)"), ("(W @ W.T)", "(W @ W.T)")]
SCALARS = ["a", "k", "2", "0.5", "sigmoid(a)", "exp(-a * k)", "(a + k)", "a**2", "(1 - a)"]
GIVEN = {"I": np.eye(4), "M": np.kron(np.eye(2), np.ones((2, 2))), "k": 0.5, "exp": np.exp,
         "sigmoid": lambda z: 1 / (1 + np.exp(-z))}


def tree(r, depth):
    """An expression of H x H matrices, as a class body and as NumPy has it."""
    if not depth:
        return r.choice(LEAVES)
    (ours, theirs), other = tree(r, depth - 1), tree(r, r.randrange(depth))
    scalar = r.choice(SCALARS)
    form = r.choice(["({0} + {1})", "({0} - {1})", "({0} @ {1})", "({2} * {0})", "({0} * {2})", "({0} / (1 + a**2))",
                     "(-{0})", "{0}.T"])
    return form.format(ours, other[0], scalar), form.format(theirs, other[1], scalar)


def loss(text, params, sample):
    matrix, h, total = eval(text, {**GIVEN, **params}), sample.state["h"], 0
    for dy in sample.dy:
        total = total + ((params["b"] * h) @ matrix.T * dy).sum()
        h = h * params["b"]
    return total + (h * sample.dstate["h"]).sum()


@pytest.mark.parametrize("seed", range(60))
def test_a_random_expression(seed):
    r = random.Random(seed)
    ours, theirs = tree(r, r.randrange(1, 5))
    name, used = ("A", "A") if r.random() < 0.4 else ("unused", ours)
    try:
        cell = declare(BODY.format(name=name, expression=ours, used=used), **WORDS)
    except CellError as error:
        if "cancels to zero" in str(error):
            return
        raise
    sample = Sample.draw(cell, T=2, B=2, I=2, H=4, R=3, seed=seed)
    results = run(cell, sample)
    matrix = eval(theirs, {**GIVEN, **sample.params})
    expected = (sample.params["b"] * sample.state["h"]) @ matrix.T
    np.testing.assert_allclose(results.y[0], expected, rtol=1e-11, atol=1e-11, err_msg=ours)
    for name, at in sample.params.items():
        along = np.random.default_rng(seed).normal(size=at.shape)
        moved = {**sample.params, name: at + 1e-30j * along}
        slope = loss(theirs, moved, sample).imag / 1e-30
        assert (results.dparams[name] * along).sum() == pytest.approx(slope, rel=1e-9, abs=1e-9), (ours, name)
