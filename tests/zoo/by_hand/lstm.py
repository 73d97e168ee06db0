"""The LSTM by hand, with peepholes, and with gates that see a product."""

import numpy as np

from tests.zoo.by_hand.gates import gate, sigmoid, sum_over_gates

# --- Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000 ---


def lstm_forward(p, x, s):
    h_old, c_old = s["h"], s["c"]
    i, f, o = (sigmoid(gate(p, k, x, h_old)) for k in "ifo")
    g = np.tanh(gate(p, "g", x, h_old))
    c = f * c_old + i * g
    return {"h": o * np.tanh(c), "c": c}, (x, h_old, c_old, i, f, g, o, c)


def lstm_backward(p, grads, d, v):
    x, h_old, c_old, i, f, g, o, c = v
    m = np.tanh(c)
    dc = d["c"] + d["h"] * o * (1 - m**2)
    da = {
        "i": dc * g * i * (1 - i),
        "f": dc * c_old * f * (1 - f),
        "g": dc * i * (1 - g**2),
        "o": d["h"] * m * o * (1 - o),
    }
    dx, dh = sum_over_gates(p, grads, da, x, h_old)
    return dx, {"h": dh, "c": dc * f}


# --- Gers et al. 2002; Graves 2013, arXiv:1308.0850, eqs. 7 to 11 ---


def lstm_peephole_forward(p, x, s):
    h_old, c_old = s["h"], s["c"]
    i = sigmoid(gate(p, "i", x, h_old) + p["p_i"] * c_old)
    f = sigmoid(gate(p, "f", x, h_old) + p["p_f"] * c_old)
    g = np.tanh(gate(p, "g", x, h_old))
    c = f * c_old + i * g
    o = sigmoid(gate(p, "o", x, h_old) + p["p_o"] * c)
    return {"h": o * np.tanh(c), "c": c}, (x, h_old, c_old, i, f, g, o, c)


def lstm_peephole_backward(p, grads, d, v):
    x, h_old, c_old, i, f, g, o, c = v
    m = np.tanh(c)
    da_o = d["h"] * m * o * (1 - o)
    # o saw the new memory, so on the way back it comes before the memory.
    dc = d["c"] + d["h"] * o * (1 - m**2) + da_o * p["p_o"]
    da_i, da_f, da_g = dc * g * i * (1 - i), dc * c_old * f * (1 - f), dc * i * (1 - g**2)
    grads["p_i"] += (da_i * c_old).sum(axis=0)
    grads["p_f"] += (da_f * c_old).sum(axis=0)
    grads["p_o"] += (da_o * c).sum(axis=0)
    dx, dh = sum_over_gates(p, grads, {"i": da_i, "f": da_f, "g": da_g, "o": da_o}, x, h_old)
    return dx, {"h": dh, "c": dc * f + da_i * p["p_i"] + da_f * p["p_f"]}


# --- Krause et al. 2016, arXiv:1609.07959: the gates of an LSTM see m = (W_m x) * (U_m h) ---


def lstm_multiplicative_forward(p, x, s):
    left, right = x @ p["W_m"].T, s["h"] @ p["U_m"].T
    new, v = lstm_forward(p, x, {"h": left * right, "c": s["c"]})
    return new, (x, s["h"], left, right, v)


def lstm_multiplicative_backward(p, grads, d, v):
    x, h_old, left, right, gates = v
    dx, d_old = lstm_backward(p, grads, d, gates)
    d_left, d_right = d_old["h"] * right, d_old["h"] * left
    grads["W_m"] += d_left.T @ x
    grads["U_m"] += d_right.T @ h_old
    return dx + d_left @ p["W_m"], {"h": d_right @ p["U_m"], "c": d_old["c"]}
