"""Cells in which all that a formula can be made of meets: what is computed once per call, what is one for the whole
sequence, what is not learned, and reductions of each."""

import torch

from symcell import (
    Cell,
    Identity,
    Input,
    Matrix,
    Output,
    Scalar,
    State,
    Vector,
    layer_norm,
    reduce_max,
    reduce_mean,
    reduce_sum,
    sigmoid,
    softmax,
    tanh,
)


class Together(Cell):
    """Matrices once per call, vectors and numbers per sequence, and numbers per row, in every pair."""

    x, h = Input(), State()
    z, r = Input("Z", each="sequence"), Input(h, each="sequence")
    W, Q, U, V = Matrix(h, x), Matrix(h, x), Matrix(h, h), Matrix(h, z)
    M, k = Matrix(h, h, learned=False), Vector(h, learned=False)
    b, gain, bias, alpha = Vector(h), Vector(h, init=1.0), Vector(h), Scalar(init=0.3)

    A = U - U.T - alpha * Identity(h)  # once per call
    D = M * U
    s = sigmoid(alpha)
    e = tanh(b * k) * s
    p = softmax(V @ z + b)  # for the whole sequence
    m = reduce_mean(p * r) * s
    u = reduce_max(W @ x) * m  # numbers per row, of products before the loop
    q = layer_norm(W @ x + Q @ (x * m) + A @ (r * h), gain, bias)
    t = reduce_sum(q * p) + u
    h.next = tanh(q + (D @ h) * m + t * k + e) * s + p * h
    y = Output(A @ h.next * m - reduce_max(h.next) * u)


class Elementwise(Cell):
    """The same without a product: gradients of parameters are added up in the loop, but for those of the sequence."""

    x, h = Input("H"), State()
    z = Input(h, each="sequence")
    a, b, alpha = Vector(h), Vector(h), Scalar()

    s = sigmoid(alpha) + reduce_sum(a * b)
    v = tanh(z + b)
    w = sigmoid(z + b) * reduce_sum(z)
    f = sigmoid(a * x + b * h + v)
    h.next = softmax(f * h + w * s) + (1 - f) * x * reduce_mean(v)


CELLS = (Together, Elementwise)


def together(p, x, h, z, r):
    """One step in PyTorch, by hand; the maximum has one component in random data."""
    eye = torch.eye(len(h[0]), dtype=torch.float64)
    A, D, s = p["U"] - p["U"].T - p["alpha"] * eye, p["M"] * p["U"], torch.sigmoid(p["alpha"])
    weights = torch.softmax(z @ p["V"].T + p["b"], -1)
    m = (weights * r).mean(-1, keepdim=True) * s
    u = (x @ p["W"].T).max(-1, keepdim=True).values * m
    a = x @ p["W"].T + (x * m) @ p["Q"].T + (r * h) @ A.T
    q = torch.nn.functional.layer_norm(a, a.shape[-1:], p["gain"], p["bias"])
    t = (q * weights).sum(-1, keepdim=True) + u
    h = torch.tanh(q + h @ D.T * m + t * p["k"] + torch.tanh(p["b"] * p["k"]) * s) * s + weights * h
    return h @ A.T * m - h.max(-1, keepdim=True).values * u, h


def elementwise(p, x, h, z):
    """Likewise."""
    s = torch.sigmoid(p["alpha"]) + (p["a"] * p["b"]).sum()
    v, w = torch.tanh(z + p["b"]), torch.sigmoid(z + p["b"]) * z.sum(-1, keepdim=True)
    f = torch.sigmoid(p["a"] * x + p["b"] * h + v)
    h = torch.softmax(f * h + w * s, -1) + (1 - f) * x * v.mean(-1, keepdim=True)
    return h, h


BY_HAND = {Together: together, Elementwise: elementwise}
