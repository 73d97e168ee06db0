"""The simple cells by hand."""

import numpy as np

# --- Elman 1990; Le, Jaitly and Hinton 2015: h' = tanh(W x + U h + b), or relu of the same ---


def rnn_forward(p, x, s):
    h = np.tanh(x @ p["W"].T + s["h"] @ p["U"].T + p["b"])
    return {"h": h}, (x, s["h"], h)


def rnn_backward(p, g, d, v):
    x, h_old, h = v
    return _simple_adjoint(p, g, d["h"] * (1 - h**2), x, h_old)


def rnn_relu_forward(p, x, s):
    a = x @ p["W"].T + s["h"] @ p["U"].T + p["b"]
    return {"h": np.where(a > 0, a, 0.0)}, (x, s["h"], a)


def rnn_relu_backward(p, g, d, v):
    x, h_old, a = v
    return _simple_adjoint(p, g, d["h"] * (a > 0), x, h_old)


def _simple_adjoint(p, g, da, x, h_old):
    g["W"] += da.T @ x
    g["U"] += da.T @ h_old
    g["b"] += da.sum(axis=0)
    return da @ p["W"], {"h": da @ p["U"]}
