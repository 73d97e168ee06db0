"""Base cells in NumPy, forward and backward, derived by hand from the papers: no graph, SymPy or autodiff.

A cell is two functions of one step. `forward(p, x, s)` returns the new states and what backward needs;
`backward(p, g, d, v)` takes the adjoints d of the new states and the values v of that step, adds the
parameter gradients to g and returns the adjoint of x and those of the old states. They are in
`tests/zoo/by_hand`, a file per family. `run` strings steps together: backpropagation through time as
Werbos 1990, Proceedings of the IEEE 78(10), 1550-1560.

Rows are the batch, so W x is x @ W.T, and the gradient of W, the sum over rows of da x^T, is da.T @ x. da_k
is the adjoint of the pre-activation of gate k: dk * k (1 - k) for a logistic gate, dk * (1 - k^2) for tanh.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tests.oracle import Arrays, Results, Sample
from tests.zoo.by_hand import elman, gru, lstm, nas, sru


class Reference(NamedTuple):
    forward: Callable
    backward: Callable


REFERENCES = {
    "rnn": Reference(elman.rnn_forward, elman.rnn_backward),
    "rnn_relu": Reference(elman.rnn_relu_forward, elman.rnn_relu_backward),
    "lstm": Reference(lstm.lstm_forward, lstm.lstm_backward),
    "lstm_peephole": Reference(lstm.lstm_peephole_forward, lstm.lstm_peephole_backward),
    "gru": Reference(gru.gru_forward, gru.gru_backward),
    "gru_reset_before": Reference(gru.gru_reset_before_forward, gru.gru_reset_before_backward),
    "mgu": Reference(gru.mgu_forward, gru.mgu_backward),
    "lstm_multiplicative": Reference(lstm.lstm_multiplicative_forward, lstm.lstm_multiplicative_backward),
    "nas": Reference(nas.nas_forward, nas.nas_backward),
    "sru": Reference(sru.sru_forward, sru.sru_backward),
    "sru_recurrence": Reference(sru.sru_recurrence_forward, sru.sru_recurrence_backward),
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
