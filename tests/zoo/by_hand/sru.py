"""The SRU by hand, and its recurrence alone."""

from tests.zoo.by_hand.gates import sigmoid

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
