"""Reductions in a class body: what they compute, what they refuse, and the normalisations made of them."""

import numpy as np
import pytest

from symcell import CellError
from symcell.declare.reductions import reduce_max
from symcell.graph.interpret import interpret
from tests.declare.text import declare
from tests.oracle import Sample, graphs, run

HEAD = "x, h = Input('H'), State()\n"


def step(body, x, **params):
    """The outputs of one step from the zero state, for rows x (B, H)."""
    cell = declare(HEAD + body + "\nh.next = h\ny = Output(out)")
    x = np.asarray(x, dtype=float)
    sizes = {"B": len(x), "H": x.shape[1]}
    return interpret(graphs(cell)[0], 1, {"x": x[None]}, params, {"h": np.zeros_like(x)}, sizes).steps["out"][0]


X = np.random.default_rng(0).normal(size=(3, 5))
G, B = np.random.default_rng(1).normal(size=(2, 5))


@pytest.mark.parametrize(("formula", "expected"), [
    ("reduce_sum(x)", X.sum(1, keepdims=True)),
    ("reduce_mean(x)", X.mean(1, keepdims=True)),
    ("reduce_max(x)", X.max(1, keepdims=True)),
    ("reduce_mean((x - reduce_mean(x))**2)", X.var(1, keepdims=True)),
    ("reduce_sum(x * reduce_max(-x))", X.sum(1, keepdims=True) * (-X).max(1, keepdims=True)),
])
def test_a_number_per_row_meets_every_component(formula, expected):
    np.testing.assert_allclose(step(f"m = {formula}\nout = x - m", X), X - expected, rtol=1e-13)
    np.testing.assert_allclose(step(f"out = x - {formula}", X), X - expected, rtol=1e-13)


def test_softmax():
    weights = np.exp(X) / np.exp(X).sum(1, keepdims=True)
    np.testing.assert_allclose(step("out = softmax(x)", X), weights, rtol=1e-13)
    far = step("out = softmax(x)", [[1e4, 1e4, -1e4], [-800.0, -800.0, -900.0]])
    np.testing.assert_allclose(far, [[0.5, 0.5, 0], [0.5, 0.5, 0]], atol=1e-40)
    stacked = np.exp(X) / (np.exp(X) + np.exp(2 * X)).sum(1, keepdims=True)
    np.testing.assert_allclose(step("out, rest = softmax((x, 2 * x))", X), stacked, rtol=1e-13)


def test_layer_norm_and_rms_norm():
    normed = (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(step("out = layer_norm(x)", X), normed, rtol=1e-12)
    affine = step("g, b = Vector(h), Vector(h)\nout = layer_norm(x, g, b)", X, g=G, b=B)
    np.testing.assert_allclose(affine, G * normed + B, rtol=1e-12)
    wide = (X - X.mean(1, keepdims=True)) / np.sqrt(X.var(1, keepdims=True) + 0.5)
    np.testing.assert_allclose(step("out = layer_norm(x, eps=0.5)", X), wide, rtol=1e-12)
    rms = X / np.sqrt((X**2).mean(1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(step("g = Vector(h)\nout = rms_norm(x, g)", X, g=G), G * rms, rtol=1e-12)


def test_one_norm_over_several_vectors_is_that_of_the_stacked_vector():
    stacked = np.concatenate([X, np.tanh(X), X**2], axis=1)
    normed = (stacked - stacked.mean(1, keepdims=True)) / np.sqrt(stacked.var(1, keepdims=True) + 1e-5)
    for k, name in enumerate(("a", "b", "c")):
        body = "g, k = Vector(h), Vector(h)\na, b, c = layer_norm((x, tanh(x), x**2), (g, g, g), (k, k, k))\n"
        body += f"out = 1 * {name}"
        np.testing.assert_allclose(step(body, X, g=G, k=B), G * normed[:, 5 * k:5 * k + 5] + B, rtol=1e-12)


def test_the_gradient_of_a_maximum_goes_to_the_first_of_equals():
    cell = declare(HEAD + "b = Vector(h)\nh.next = b + reduce_max(x)")
    sample = Sample.draw(cell, T=1, B=2, H=4)
    x = np.array([[[1.0, 3.0, 3.0, 0.0], [2.0, 2.0, 2.0, 2.0]]])
    results = run(cell, Sample(**{**vars(sample), "x": x}))
    total = (sample.dy[0] + sample.dstate["h"]).sum(1)
    np.testing.assert_allclose(results.dx[0], [[0, total[0], 0, 0], [total[1], 0, 0, 0]], rtol=1e-13)


@pytest.mark.parametrize(("body", "said"), [
    ("s = Scalar()\nh.next = h + reduce_sum(s)", "reduces a scalar; expected a vector"),
    ("h.next = h + reduce_mean(reduce_max(h))", "reduces a scalar; expected a vector"),
    ("h.next = reduce_mean(h)", "h.next = reduce_mean(h) is a scalar; the state h is a vector of H"),
    ("h.next = h\ny = Output(reduce_sum(h))", "is a scalar; a vector is expected"),
    ("U = Matrix(h, h)\nh.next = U @ reduce_sum(h)", "applies to vectors of H; reduce_sum(h) is a scalar"),
    ("m = reduce_sum(h)\nV = Vector(m)", "m is a scalar and has no dimension"),
    ("h.next = reduce_sum(3) * h", "reduce_sum() applies to a vector formula, got 3"),
    ("U = Matrix(h, h)\nh.next = reduce_sum(U) * h", "reduce_sum() applies to a vector formula, got U"),
    ("h.next = reduce_sum(h > 0) * h", "reduce_sum() applies to a vector formula, got h > 0"),
    ("h.next = h + reduce_max((h, x))", "reduce_max() applies to a vector formula"),
    ("h.next = softmax(2.0) * h", "softmax() applies to a vector formula or a tuple of them, got 2.0"),
    ("h.next = softmax(()) * h", "softmax() applies to a vector formula or a tuple of them"),
    ("g = State('P')\nh.next = softmax((h, g))[0]\ng.next = g", "softmax() stacks vectors of one dimension"),
    ("h.next = softmax(reduce_sum(h)) * h", "reduces a scalar; expected a vector"),
    ("g = State('P')\nh.next = layer_norm(h, g)\ng.next = g", "do not agree"),
    ("g = Vector(h)\nh.next = layer_norm((h, x), g)[0]", "layer_norm(): gain is g; expected a tuple of 2"),
    ("g = Vector(h)\nh.next = layer_norm((h, x), (g, g), (g,))[0]", "bias is (g,); expected a tuple of 2"),
    ("g = Vector(h)\nh.next = rms_norm(h, (g,))", "rms_norm(): gain is (g,); expected one vector"),
    ("h.next = sqrt(reduce_sum(h)) + where(reduce_max(h) > 0, 1, 0)", "is a scalar; the state h is a vector of H"),
])
def test_what_is_refused(body, said):
    with pytest.raises(CellError) as caught:
        declare(HEAD + body)
    assert said in str(caught.value)


def test_a_reduction_outside_a_cell_says_what_it_wants():
    with pytest.raises(CellError, match="applies to a vector formula, got 'h'"):
        reduce_max("h")


def test_a_declaration_prints_what_was_written():
    cell = declare(HEAD + "m = reduce_max(2 * h)\nh.next = h - m * reduce_mean(h * x)")
    assert "  m = reduce_max(2*h)\n  h.next = h - m*reduce_mean(h*x)\n" in str(cell.spec)
