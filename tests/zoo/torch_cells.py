"""Zoo cells in PyTorch, written from their papers, for torch.autograd to differentiate.

A cell is a function of one step, from parameters p, input x and old states to the output y and the new states
in the order of the declaration. Only cells that torch.nn lacks are here. `linear` is W x for each row.
"""

from functools import partial

import torch
from torch import cat, relu, sigmoid, tanh
from torch.nn.functional import layer_norm, linear

eye = partial(torch.eye, dtype=torch.float64)


def gate(p, k, x, h):
    """W_k x + U_k h, and b_k where the cell has biases."""
    return linear(x, p[f"W_{k}"], p.get(f"b_{k}")) + linear(h, p[f"U_{k}"])


# --- simple recurrent networks ---


def rnn_linear(p, x, h):
    h = linear(x, p["W"]) + linear(h, p["U"])
    return linear(h, p["W_y"]), h


def elman_head(p, x, h):
    h = tanh(linear(x, p["W"]) + linear(h, p["U"]) + p["b"])
    return sigmoid(linear(h, p["W_y"]) + p["b_y"]), h


def jordan(p, x, y):
    h = tanh(linear(x, p["W"]) + linear(y, p["U"]) + p["b"])
    y = sigmoid(linear(h, p["W_y"]) + p["b_y"])
    return y, y


# --- long short-term memory ---


def lstm_peephole(p, x, h, c):
    """Graves 2013, arXiv:1308.0850, eqs. 7 to 11."""
    i = sigmoid(gate(p, "i", x, h) + p["p_i"] * c)
    f = sigmoid(gate(p, "f", x, h) + p["p_f"] * c)
    c = f * c + i * tanh(gate(p, "g", x, h))
    o = sigmoid(gate(p, "o", x, h) + p["p_o"] * c)
    h = o * tanh(c)
    return h, h, c


def lstm_full_peephole(p, x, h, c):
    i, f, o = (sigmoid(gate(p, k, x, h) + linear(c, p[f"V_{k}"])) for k in "ifo")
    c = f * c + i * tanh(gate(p, "g", x, h))
    h = o * tanh(c)
    return h, h, c


def lstm_linear_output(p, x, h, c):
    i, f, o = (sigmoid(gate(p, k, x, h)) for k in "ifo")
    c = f * c + i * tanh(gate(p, "g", x, h))
    h = o * c
    return h, h, c


def lstm_inverted_forget(p, x, h, c):
    i, f, o = (sigmoid(gate(p, k, x, h)) for k in "ifo")
    c = (1 - f) * c + i * tanh(gate(p, "g", x, h))
    h = o * tanh(c)
    return h, h, c


def lstm_no_forget(p, x, h, c):
    """Hochreiter and Schmidhuber 1997, with tanh for both squashing functions."""
    i, o = sigmoid(gate(p, "i", x, h)), sigmoid(gate(p, "o", x, h))
    c = c + i * tanh(gate(p, "g", x, h))
    h = o * tanh(c)
    return h, h, c


def lstm_coupled(p, x, h, c):
    """Greff et al. 2017, arXiv:1503.04069, CIFG."""
    i, o = sigmoid(gate(p, "i", x, h)), sigmoid(gate(p, "o", x, h))
    f = 1 - i
    c = f * c + i * tanh(gate(p, "g", x, h))
    h = o * tanh(c)
    return h, h, c


def lstm_multiplicative(p, x, h, c):
    """Krause et al. 2016, arXiv:1609.07959."""
    m = linear(x, p["W_m"]) * linear(h, p["U_m"])
    i, f, o = (sigmoid(gate(p, k, x, m)) for k in "ifo")
    c = f * c + i * tanh(gate(p, "g", x, m))
    h = o * tanh(c)
    return h, h, c


# --- gated recurrent units ---


def gru_reset_before(p, x, h):
    """Cho et al. 2014, arXiv:1406.1078v3, eqs. 5 to 8."""
    r, z = sigmoid(gate(p, "r", x, h)), sigmoid(gate(p, "z", x, h))
    h = z * h + (1 - z) * tanh(gate(p, "n", x, r * h))
    return h, h


def gru_reset_before_inverted(p, x, h):
    """Chung et al. 2014, arXiv:1412.3555, section 3.2."""
    r, z = sigmoid(gate(p, "r", x, h)), sigmoid(gate(p, "z", x, h))
    h = (1 - z) * h + z * tanh(gate(p, "n", x, r * h))
    return h, h


def mgu(p, x, h):
    """Zhou et al. 2016, arXiv:1603.09420."""
    f = sigmoid(gate(p, "f", x, h))
    h = (1 - f) * h + f * tanh(gate(p, "n", x, f * h))
    return h, h


# --- layer normalisation ---


def normed(p, v, matrix, gain, gates):
    """The products of some gates, normalised over all of them at once; eps of torch, 1e-5."""
    stacked = cat([linear(v, p[f"{matrix}_{k}"]) for k in gates], dim=-1)
    parts = layer_norm(stacked, stacked.shape[-1:]).chunk(len(gates), dim=-1)
    return [part * p[f"{gain}_{k}"] for part, k in zip(parts, gates, strict=True)]


def lstm_layer_norm(p, x, h, c):
    """Ba et al. 2016, arXiv:1607.06450, eqs. 20 to 22."""
    pairs = zip(normed(p, x, "W", "g_x", "ifgo"), normed(p, h, "U", "g_h", "ifgo"), "ifgo", strict=True)
    i, f, g, o = (a + b + p[f"b_{k}"] for a, b, k in pairs)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(layer_norm(c, c.shape[-1:], p["g_c"], p["b_c"]))
    return h, h, c


def gru_layer_norm(p, x, h):
    """Ba et al. 2016, arXiv:1607.06450, eqs. 26 to 28."""
    pairs = zip(normed(p, x, "W", "g_x", "rz"), normed(p, h, "U", "g_h", "rz"), "rz", strict=True)
    r, z = (sigmoid(a + b + p[f"b_{k}"]) for a, b, k in pairs)
    [of_x], [of_h] = normed(p, x, "W", "g_x", "n"), normed(p, h, "U", "g_h", "n")
    n = tanh(of_x + p["b_n"] + r * (of_h + p["c_n"]))
    h = (1 - z) * h + z * n
    return h, h
# --- recurrent highway networks ---


def rhn(p, x, s):
    """Zilly et al. 2017, arXiv:1607.03474, eqs. 6 to 9, of as many levels as there are matrices."""
    for k in range(1, sum(name.startswith("R_h") for name in p) + 1):
        a = {g: linear(s, p[f"R_{g}_{k}"], p[f"b_{g}_{k}"]) + (linear(x, p[f"W_{g}"]) if k == 1 else 0) for g in "htc"}
        s = tanh(a["h"]) * sigmoid(a["t"]) + s * sigmoid(a["c"])
    return s, s


# --- found by search ---


def nas(p, x, h, c):
    """Zoph and Le 2017, arXiv:1611.01578, appendix; biases as in NASCell of TensorFlow, beside U h."""
    product = linear(x, p["W_3"]) * linear(h, p["U_3"], p["b_3"])
    a = [product if k == 3 else gate(p, str(k), x, h) for k in range(8)]
    left = tanh(tanh(sigmoid(a[0]) * relu(a[1])) + c)
    c = left * tanh(sigmoid(a[2]) + relu(a[3]))
    h = tanh(c * tanh(tanh(tanh(a[4]) * sigmoid(a[5])) + sigmoid(tanh(a[6]) + sigmoid(a[7]))))
    return h, h, c


# --- antisymmetric networks: the constants are those of the declaration ---


def antisymmetric(p, x, h):
    """Chang et al. 2019, arXiv:1902.09689."""
    A = p["U"] - p["U"].T - 0.01 * eye(len(p["U"]))
    h = h + 0.1 * tanh(linear(x, p["W"], p["b"]) + linear(h, A))
    return h, h


def antisymmetric_gated(p, x, h):
    """The same, gated."""
    a = linear(h, p["U"] - p["U"].T - 0.01 * eye(len(p["U"])))
    z, n = sigmoid(linear(x, p["W_z"], p["b_z"]) + a), tanh(linear(x, p["W_n"], p["b_n"]) + a)
    h = h + 0.1 * z * n
    return h, h


# --- fast small networks ---


def fastrnn(p, x, h):
    """Kusupati et al. 2018, arXiv:1901.02358."""
    h = sigmoid(p["alpha"]) * tanh(linear(x, p["W"], p["b"]) + linear(h, p["U"])) + sigmoid(p["beta"]) * h
    return h, h


def fastgrnn(p, x, h):
    """The same paper."""
    a = linear(x, p["W"]) + linear(h, p["U"])
    z, n = sigmoid(a + p["b_z"]), tanh(a + p["b_n"])
    h = (sigmoid(p["zeta"]) * (1 - z) + sigmoid(p["nu"])) * n + z * h
    return h, h


def fastgrnn_lowrank(p, x, h):
    """The same, with the matrices multiplied out."""
    return fastgrnn({**p, "W": p["W_1"] @ p["W_2"].T, "U": p["U_1"] @ p["U_2"].T}, x, h)


# --- elementwise recurrences ---


def sru(p, x, c):
    """Lei et al. 2018, arXiv:1709.02755v5, with a projected highway."""
    f, r = (sigmoid(linear(x, p[f"W_{k}"], p[f"b_{k}"]) + p[f"v_{k}"] * c) for k in "fr")
    c = f * c + (1 - f) * linear(x, p["W_u"])
    return r * c + (1 - r) * linear(x, p["W_s"]), c


def sru_recurrence(p, x, c):
    """The same, its products given."""
    f, r = (sigmoid(x[f"u_{k}"] + p[f"v_{k}"] * c + p[f"b_{k}"]) for k in "fr")
    c = f * c + (1 - f) * x["u"]
    return r * c + (1 - r) * x["s"], c


TORCH_CELLS = {
    cell.__name__: cell
    for cell in (
        rnn_linear, elman_head, jordan,
        lstm_peephole, lstm_full_peephole,
        lstm_linear_output, lstm_inverted_forget, lstm_no_forget, lstm_coupled,
        lstm_multiplicative, rhn, nas, sru, sru_recurrence,
        gru_reset_before, gru_reset_before_inverted, mgu, lstm_layer_norm, gru_layer_norm,
        antisymmetric, antisymmetric_gated, fastrnn, fastgrnn, fastgrnn_lowrank,
    )
}
