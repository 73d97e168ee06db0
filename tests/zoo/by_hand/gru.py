"""The GRU by hand, in both versions, and the MGU."""

import numpy as np

from tests.zoo.by_hand.gates import gate, gate_adjoint, sigmoid, sum_over_gates

# --- Cho et al. 2014, arXiv:1406.1078v1: the reset gate scales the product U_n h + c_n ---


def gru_forward(p, x, s):
    h = s["h"]
    r, z = sigmoid(gate(p, "r", x, h)), sigmoid(gate(p, "z", x, h))
    q = h @ p["U_n"].T + p["c_n"]
    n = np.tanh(x @ p["W_n"].T + p["b_n"] + r * q)
    return {"h": (1 - z) * n + z * h}, (x, h, r, z, q, n)


def gru_backward(p, grads, d, v):
    x, h, r, z, q, n = v
    dh_new = d["h"]
    da_n = dh_new * (1 - z) * (1 - n**2)
    dq = da_n * r
    grads["W_n"] += da_n.T @ x
    grads["b_n"] += da_n.sum(axis=0)
    grads["U_n"] += dq.T @ h
    grads["c_n"] += dq.sum(axis=0)
    da = {"r": da_n * q * r * (1 - r), "z": dh_new * (h - n) * z * (1 - z)}
    dx, dh = sum_over_gates(p, grads, da, x, h)
    return dx + da_n @ p["W_n"], {"h": dh + dq @ p["U_n"] + dh_new * z}


# --- Cho et al. 2014, arXiv:1406.1078v3, eqs. 5 to 8: the reset gate scales the state ---


def gru_reset_before_forward(p, x, s):
    h = s["h"]
    r, z = sigmoid(gate(p, "r", x, h)), sigmoid(gate(p, "z", x, h))
    n = np.tanh(gate(p, "n", x, r * h))
    return {"h": (1 - z) * n + z * h}, (x, h, r, z, n)


def gru_reset_before_backward(p, grads, d, v):
    x, h, r, z, n = v
    dh_new = d["h"]
    dx_n, drh = gate_adjoint(p, grads, "n", dh_new * (1 - z) * (1 - n**2), x, r * h)
    da = {"r": drh * h * r * (1 - r), "z": dh_new * (h - n) * z * (1 - z)}
    dx, dh = sum_over_gates(p, grads, da, x, h)
    return dx + dx_n, {"h": dh + drh * r + dh_new * z}


# --- Zhou et al. 2016, arXiv:1603.09420: one gate does both ---


def mgu_forward(p, x, s):
    h = s["h"]
    f = sigmoid(gate(p, "f", x, h))
    n = np.tanh(gate(p, "n", x, f * h))
    return {"h": (1 - f) * h + f * n}, (x, h, f, n)


def mgu_backward(p, grads, d, v):
    x, h, f, n = v
    dh_new = d["h"]
    dx_n, dfh = gate_adjoint(p, grads, "n", dh_new * f * (1 - n**2), x, f * h)
    df = dh_new * (n - h) + dfh * h
    dx_f, dh_f = gate_adjoint(p, grads, "f", df * f * (1 - f), x, h)
    return dx_n + dx_f, {"h": dh_f + dfh * f + dh_new * (1 - f)}
