"""What cells by hand share: the logistic function, and a gate with its adjoint."""

import numpy as np

from tests.oracle import Arrays


def sigmoid(a: np.ndarray) -> np.ndarray:
    return 0.5 * (1.0 + np.tanh(0.5 * a))


def gate(p: Arrays, k: str, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    """W_k x + U_k h + b_k."""
    return x @ p[f"W_{k}"].T + h @ p[f"U_{k}"].T + p[f"b_{k}"]


def gate_adjoint(p: Arrays, g: Arrays, k: str, da: np.ndarray, x: np.ndarray, h: np.ndarray):
    """The adjoints of x and h through W_k x + U_k h + b_k; those of W_k, U_k and b_k go to g."""
    g[f"W_{k}"] += da.T @ x
    g[f"U_{k}"] += da.T @ h
    g[f"b_{k}"] += da.sum(axis=0)
    return da @ p[f"W_{k}"], da @ p[f"U_{k}"]


def sum_over_gates(p, grads, da, x, h_old):
    dx, dh = zip(*(gate_adjoint(p, grads, k, da[k], x, h_old) for k in da), strict=True)
    return sum(dx), sum(dh)
