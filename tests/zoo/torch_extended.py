"""More cells of the zoo in PyTorch, from their papers, as in torch_cells: what no package has, or has otherwise."""

import torch
from torch import sigmoid, tanh
from torch.nn.functional import linear, logsigmoid

from tests.zoo.torch_cells import gate


def hard_sigmoid(a):
    return torch.clip(a / 6 + 0.5, 0, 1)


# --- simple recurrent networks ---


def rnn_multiplicative(p, x, h):
    """Sutskever et al. 2011, eqs. 7 and 8, with a bias."""
    m = linear(x, p["W_m"]) * linear(h, p["U_m"])
    h = tanh(linear(x, p["W"], p["b"]) + linear(m, p["U"]))
    return h, h


def rnn_multiplicative_integration(p, x, h):
    """Wu et al. 2016, arXiv:1606.06630."""
    w, u = linear(x, p["W"]), linear(h, p["U"])
    h = tanh(p["p"] * w * u + p["p_u"] * u + p["p_w"] * w + p["b"])
    return h, h


# --- long short-term memory, gated recurrent units ---


def lstm_projected(p, x, h, c):
    """Sak et al. 2014, arXiv:1402.1128, eqs. 7 to 12, without peepholes."""
    i, f, o = (sigmoid(gate(p, k, x, h)) for k in "ifo")
    c = f * c + i * tanh(gate(p, "g", x, h))
    h = linear(o * tanh(c), p["W_p"])
    return h, h, c


def lstm_hard_sigmoid(p, x, h, c):
    i, f, o = (hard_sigmoid(gate(p, k, x, h)) for k in "ifo")
    c = f * c + i * tanh(gate(p, "g", x, h))
    h = o * tanh(c)
    return h, h, c


def gru_hard_sigmoid(p, x, h):
    r, z = hard_sigmoid(gate(p, "r", x, h)), hard_sigmoid(gate(p, "z", x, h))
    h = z * h + (1 - z) * tanh(gate(p, "n", x, r * h))
    return h, h


def reduced(p, x, h, r, z):
    """Dey and Salem 2017, arXiv:1701.05923."""
    h = (1 - z) * h + z * tanh(gate(p, "n", x, r * h))
    return h, h


def gru1(p, x, h):
    return reduced(p, x, h, *(sigmoid(linear(h, p[f"U_{k}"], p[f"b_{k}"])) for k in "rz"))


def gru2(p, x, h):
    return reduced(p, x, h, *(sigmoid(linear(h, p[f"U_{k}"])) for k in "rz"))


def gru3(p, x, h):
    return reduced(p, x, h, sigmoid(p["b_r"]), sigmoid(p["b_z"]))


def slstm(p, x, h, c, n, m):
    """Beck et al. 2024, arXiv:2405.04517, eqs. 8 to 17."""
    log_i, log_f = gate(p, "i", x, h), logsigmoid(gate(p, "f", x, h))
    z, o = tanh(gate(p, "z", x, h)), sigmoid(gate(p, "o", x, h))
    new = torch.maximum(log_f + m, log_i)
    i, f = torch.exp(log_i - new), torch.exp(log_f + m - new)
    c, n = f * c + i * z, f * n + i
    h = o * (c / n)
    return h, h, c, n, new


def lstm_mass_conserving(p, x, c):
    """Hoedt et al. 2021, arXiv:2101.05186, with softmax for both normalisations and R of its biases alone."""
    part = c / (c.abs().sum(dim=1, keepdim=True) + 1e-5)
    gates = {k: linear(x["x"], p[f"W_{k}"], p[f"b_{k}"]) + linear(part, p[f"U_{k}"]) for k in "io"}
    mass = linear(c, torch.softmax(p["B_r"], dim=0)) + torch.softmax(gates["i"], dim=1) * x["m"].sum(1, keepdim=True)
    o = sigmoid(gates["o"])
    return o * mass, (1 - o) * mass


# --- two paths, differential equations ---


def scrn(p, x, h, s):
    """Mikolov et al. 2014, arXiv:1412.7753, with alpha = 0.95 and without softmax."""
    s = 0.05 * linear(x, p["W_s"]) + 0.95 * s
    h = sigmoid(linear(s, p["V_h"]) + linear(x, p["W_h"]) + linear(h, p["U_h"]))
    return linear(h, p["U_y"]) + linear(s, p["V_y"]), h, s


def lem(p, x, h, m):
    """Rusch et al. 2022, arXiv:2110.04744, eq. 3, with dt = 1."""
    s, r = sigmoid(gate(p, "s", x, h)), sigmoid(gate(p, "r", x, h))
    m = (1 - s) * m + s * tanh(gate(p, "m", x, h))
    h = (1 - r) * h + r * tanh(gate(p, "h", x, m))
    return h, h, m


# --- elementwise recurrences ---


def window(p, k, x, before):
    return linear(x, p[f"W_{k}"]) + linear(before, p[f"V_{k}"])


def qrnn_f(p, x, h, before):
    """Bradbury et al. 2016, arXiv:1611.01576, eqs. 2 and 3."""
    f = sigmoid(window(p, "f", x, before))
    h = f * h + (1 - f) * tanh(window(p, "z", x, before))
    return h, h, x


def qrnn_fo(p, x, c, before):
    """Eq. 4."""
    _, c, _ = qrnn_f(p, x, c, before)
    return sigmoid(window(p, "o", x, before)) * c, c, x


def qrnn_ifo(p, x, c, before):
    """Eq. 5."""
    i, f, o = (sigmoid(window(p, k, x, before)) for k in "ifo")
    c = f * c + i * tanh(window(p, "z", x, before))
    return o * c, c, x


def min_gru(p, x, h):
    """Feng et al. 2024, arXiv:2410.01201."""
    z = sigmoid(linear(x, p["W_z"], p["b_z"]))
    h = (1 - z) * h + z * linear(x, p["W_n"], p["b_n"])
    return h, h


def min_lstm(p, x, h):
    """Feng et al. 2024, arXiv:2410.01201."""
    f, i = (sigmoid(linear(x, p[f"W_{k}"], p[f"b_{k}"])) for k in "fi")
    h = f / (f + i) * h + i / (f + i) * linear(x, p["W_n"], p["b_n"])
    return h, h


EXTENDED = {
    cell.__name__: cell
    for cell in (
        rnn_multiplicative, rnn_multiplicative_integration, gru1, gru2, gru3,
        lstm_projected, lstm_mass_conserving, lstm_hard_sigmoid, gru_hard_sigmoid, slstm, scrn, lem,
        qrnn_f, qrnn_fo, qrnn_ifo, min_gru, min_lstm,
    )
}
