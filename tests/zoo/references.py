"""Base cells in NumPy, forward and backward, derived by hand from the papers: no graph, SymPy or autodiff.

A cell is two functions of one step. `forward(p, x, s)` returns the new states and what backward needs;
`backward(p, g, d, v)` takes the adjoints d of the new states and the values v of that step, adds the
parameter gradients to g and returns the adjoint of x and those of the old states. `run` strings steps
together: backpropagation through time as Werbos 1990, Proceedings of the IEEE 78(10), 1550-1560.

Rows are the batch, so W x is x @ W.T, and the gradient of W, the sum over rows of da x^T, is da.T @ x. da_k
is the adjoint of the pre-activation of gate k: dk * k (1 - k) for a logistic gate, dk * (1 - k^2) for tanh.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tests.oracle import Arrays, Results, Sample


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + np.tanh(0.5 * a))


def _gate(p: Arrays, k: str, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """W_k x + U_k h + b_k."""
    return x @ p[f"W_{k}"].T + h @ p[f"U_{k}"].T + p[f"b_{k}"]


def _gate_adjoint(p: Arrays, g: Arrays, k: str, da: np.ndarray, x: np.ndarray, h: np.ndarray):
    """The adjoints of x and h through W_k x + U_k h + b_k; those of W_k, U_k and b_k go to g."""
    g[f"W_{k}"] += da.T @ x
    g[f"U_{k}"] += da.T @ h
    g[f"b_{k}"] += da.sum(axis=0)
    return da @ p[f"W_{k}"], da @ p[f"U_{k}"]


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


# --- Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000 ---


def lstm_forward(p, x, s):
    h_old, c_old = s["h"], s["c"]
    i, f, o = (sigmoid(_gate(p, k, x, h_old)) for k in "ifo")
    g = np.tanh(_gate(p, "g", x, h_old))
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
    dx, dh = _sum_over_gates(p, grads, da, x, h_old)
    return dx, {"h": dh, "c": dc * f}


def _sum_over_gates(p, grads, da, x, h_old):
    dx, dh = zip(*(_gate_adjoint(p, grads, k, da[k], x, h_old) for k in da), strict=True)
    return sum(dx), sum(dh)


# --- Gers et al. 2002; Graves 2013, arXiv:1308.0850, eqs. 7 to 11 ---


def lstm_peephole_forward(p, x, s):
    h_old, c_old = s["h"], s["c"]
    i = sigmoid(_gate(p, "i", x, h_old) + p["p_i"] * c_old)
    f = sigmoid(_gate(p, "f", x, h_old) + p["p_f"] * c_old)
    g = np.tanh(_gate(p, "g", x, h_old))
    c = f * c_old + i * g
    o = sigmoid(_gate(p, "o", x, h_old) + p["p_o"] * c)
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
    dx, dh = _sum_over_gates(p, grads, {"i": da_i, "f": da_f, "g": da_g, "o": da_o}, x, h_old)
    return dx, {"h": dh, "c": dc * f + da_i * p["p_i"] + da_f * p["p_f"]}


# --- Cho et al. 2014, arXiv:1406.1078v1: the reset gate scales the product U_n h + c_n ---


def gru_forward(p, x, s):
    h = s["h"]
    r, z = sigmoid(_gate(p, "r", x, h)), sigmoid(_gate(p, "z", x, h))
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
    dx, dh = _sum_over_gates(p, grads, da, x, h)
    return dx + da_n @ p["W_n"], {"h": dh + dq @ p["U_n"] + dh_new * z}


# --- Cho et al. 2014, arXiv:1406.1078v3, eqs. 5 to 8: the reset gate scales the state ---


def gru_reset_before_forward(p, x, s):
    h = s["h"]
    r, z = sigmoid(_gate(p, "r", x, h)), sigmoid(_gate(p, "z", x, h))
    n = np.tanh(_gate(p, "n", x, r * h))
    return {"h": (1 - z) * n + z * h}, (x, h, r, z, n)


def gru_reset_before_backward(p, grads, d, v):
    x, h, r, z, n = v
    dh_new = d["h"]
    dx_n, drh = _gate_adjoint(p, grads, "n", dh_new * (1 - z) * (1 - n**2), x, r * h)
    da = {"r": drh * h * r * (1 - r), "z": dh_new * (h - n) * z * (1 - z)}
    dx, dh = _sum_over_gates(p, grads, da, x, h)
    return dx + dx_n, {"h": dh + drh * r + dh_new * z}


# --- Zhou et al. 2016, arXiv:1603.09420: one gate does both ---


def mgu_forward(p, x, s):
    h = s["h"]
    f = sigmoid(_gate(p, "f", x, h))
    n = np.tanh(_gate(p, "n", x, f * h))
    return {"h": (1 - f) * h + f * n}, (x, h, f, n)


def mgu_backward(p, grads, d, v):
    x, h, f, n = v
    dh_new = d["h"]
    dx_n, dfh = _gate_adjoint(p, grads, "n", dh_new * f * (1 - n**2), x, f * h)
    df = dh_new * (n - h) + dfh * h
    dx_f, dh_f = _gate_adjoint(p, grads, "f", df * f * (1 - f), x, h)
    return dx_n + dx_f, {"h": dh_f + dfh * f + dh_new * (1 - f)}


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


# --- Zoph and Le 2017, arXiv:1611.01578, appendix: node 3 multiplies its products, the others add them ---


def nas_forward(p, x, s):
    h, c_old = s["h"], s["c"]
    left, right = x @ p["W_3"].T, h @ p["U_3"].T + p["b_3"]
    a = [left * right if k == 3 else _gate(p, str(k), x, h) for k in range(8)]
    n = [np.tanh(a[k]) if k in (4, 6) else np.maximum(a[k], 0) if k in (1, 3) else sigmoid(a[k]) for k in range(8)]
    m = [np.tanh(n[0] * n[1]), np.tanh(n[2] + n[3]), np.tanh(n[4] * n[5]), sigmoid(n[6] + n[7])]
    q, e = np.tanh(m[0] + c_old), np.tanh(m[2] + m[3])
    c = q * m[1]
    new_h = np.tanh(c * e)
    return {"h": new_h, "c": c}, (x, h, left, right, n, m, q, e, c, new_h)


def nas_backward(p, grads, d, v):
    x, h, left, right, n, m, q, e, c, new_h = v
    d_product = d["h"] * (1 - new_h**2)
    dc = d["c"] + d_product * e
    d_inner, d_sum = dc * m[1] * (1 - q**2), d_product * c * (1 - e**2)
    dm = [d_inner * (1 - m[0]**2), dc * q * (1 - m[1]**2), d_sum * (1 - m[2]**2), d_sum * m[3] * (1 - m[3])]
    dn = [dm[0] * n[1], dm[0] * n[0], dm[1], dm[1], dm[2] * n[5], dm[2] * n[4], dm[3], dm[3]]
    da = {str(k): dn[k] * (1 - n[k]**2 if k in (4, 6) else n[k] > 0 if k in (1, 3) else n[k] * (1 - n[k]))
          for k in range(8)}
    d_left, d_right = da["3"] * right, da.pop("3") * left
    grads["W_3"] += d_left.T @ x
    grads["b_3"] += d_right.sum(axis=0)
    grads["U_3"] += d_right.T @ h
    dx, dh = _sum_over_gates(p, grads, da, x, h)
    return dx + d_left @ p["W_3"], {"h": dh + d_right @ p["U_3"], "c": d_inner}


# --- Lei et al. 2018, arXiv:1709.02755v5, the highway projected; it shows h, which is no state ---


def sru_forward(p, x, s):
    c_old = s["c"]
    u, skip = x @ p["W_u"].T, x @ p["W_s"].T
    f, r = (sigmoid(x @ p[f"W_{k}"].T + p[f"v_{k}"] * c_old + p[f"b_{k}"]) for k in "fr")
    c = f * c_old + (1 - f) * u
    return {"c": c, "y": r * c + (1 - r) * skip}, (x, c_old, u, skip, f, r, c)


def sru_backward(p, grads, d, v):
    x, c_old, u, skip, f, r, c = v
    dc = d["c"] + d["y"] * r
    da = {"f": dc * (c_old - u) * f * (1 - f), "r": d["y"] * (c - skip) * r * (1 - r)}
    du = {"u": dc * (1 - f), "s": d["y"] * (1 - r), **da}
    for k, adjoint in du.items():
        grads[f"W_{k}"] += adjoint.T @ x
    for k, adjoint in da.items():
        grads[f"v_{k}"] += (adjoint * c_old).sum(axis=0)
        grads[f"b_{k}"] += adjoint.sum(axis=0)
    dx = sum(adjoint @ p[f"W_{k}"] for k, adjoint in du.items())
    return dx, {"c": dc * f + da["f"] * p["v_f"] + da["r"] * p["v_r"]}


# --- the recurrence of the SRU alone: the four products come in ---


def sru_recurrence_forward(p, x, s):
    c_old = s["c"]
    f, r = (sigmoid(x[f"u_{k}"] + p[f"v_{k}"] * c_old + p[f"b_{k}"]) for k in "fr")
    c = f * c_old + (1 - f) * x["u"]
    return {"c": c, "y": r * c + (1 - r) * x["s"]}, (x, c_old, f, r, c)


def sru_recurrence_backward(p, grads, d, v):
    x, c_old, f, r, c = v
    dc = d["c"] + d["y"] * r
    da = {"f": dc * (c_old - x["u"]) * f * (1 - f), "r": d["y"] * (c - x["s"]) * r * (1 - r)}
    for k, adjoint in da.items():
        grads[f"v_{k}"] += (adjoint * c_old).sum(axis=0)
        grads[f"b_{k}"] += adjoint.sum(axis=0)
    dx = {"u": dc * (1 - f), "u_f": da["f"], "u_r": da["r"], "s": d["y"] * (1 - r)}
    return dx, {"c": dc * f + da["f"] * p["v_f"] + da["r"] * p["v_r"]}


# --- both passes of a whole sequence ---


class Reference(NamedTuple):
    forward: Callable
    backward: Callable


REFERENCES = {
    "rnn": Reference(rnn_forward, rnn_backward),
    "rnn_relu": Reference(rnn_relu_forward, rnn_relu_backward),
    "lstm": Reference(lstm_forward, lstm_backward),
    "lstm_peephole": Reference(lstm_peephole_forward, lstm_peephole_backward),
    "gru": Reference(gru_forward, gru_backward),
    "gru_reset_before": Reference(gru_reset_before_forward, gru_reset_before_backward),
    "mgu": Reference(mgu_forward, mgu_backward),
    "lstm_multiplicative": Reference(lstm_multiplicative_forward, lstm_multiplicative_backward),
    "nas": Reference(nas_forward, nas_backward),
    "sru": Reference(sru_forward, sru_backward),
    "sru_recurrence": Reference(sru_recurrence_forward, sru_recurrence_backward),
}


def run(reference: Reference, sample: Sample) -> Results:
    """Both passes over the sequence; a cell shows its state h, or what its step returns beside the states as y."""
    p, s, values, y = sample.params, sample.state, [], []
    for t in range(sample.sizes["T"]):
        x = {name: array[t] for name, array in sample.x.items()} if isinstance(sample.x, dict) else sample.x[t]
        s, v = reference.forward(p, x, s)
        values.append(v)
        y.append(s["y"] if "y" in s else s["h"])
        s = {name: s[name] for name in sample.state}
    grads = {name: np.zeros_like(value) for name, value in p.items()}
    d, steps = dict(sample.dstate), [None] * len(values)
    for t in reversed(range(len(values))):
        steps[t], d = reference.backward(p, grads, _with_output(d, sample.dy[t]), values[t])
    several = isinstance(sample.x, dict)
    dx = {name: np.stack([step[name] for step in steps]) for name in sample.x} if several else np.stack(steps)
    return Results(np.stack(y), s, dx, grads, d)


def _with_output(d: Arrays, dy: np.ndarray) -> Arrays:
    """The adjoints of the new states, with that of the output: added to h's where h is a state, else as y."""
    return d | ({"h": d["h"] + dy} if "h" in d else {"y": dy})
