"""The cell that was found by search, by hand."""

import numpy as np

from tests.zoo.by_hand.gates import gate, sigmoid, sum_over_gates

# --- Zoph and Le 2017, arXiv:1611.01578, appendix: node 3 multiplies its products, the others add them ---


def nas_forward(p, x, s):
    h, c_old = s["h"], s["c"]
    left, right = x @ p["W_3"].T, h @ p["U_3"].T + p["b_3"]
    a = [left * right if k == 3 else gate(p, str(k), x, h) for k in range(8)]
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
    dx, dh = sum_over_gates(p, grads, da, x, h)
    return dx + d_left @ p["W_3"], {"h": dh + d_right @ p["U_3"], "c": d_inner}
