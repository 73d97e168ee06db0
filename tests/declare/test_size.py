"""What grows exponentially is refused before it has grown: a formula that stands in itself several times."""

import time

import pytest

from symcell import CellError
from tests.declare.text import START, declare

GROWING = {
    "softmax": "L = [h]\nfor k in range({n}):\n    L.append(softmax(L[-1]))\nh.next = W @ x + L[-1]",
    "softmax of a parameter": "L = [b]\nfor k in range({n}):\n    L.append(softmax(L[-1]))\nh.next = W @ x + L[-1]",
    "layer_norm": "L = [h]\nfor k in range({n}):\n    L.append(layer_norm(L[-1]))\nh.next = W @ x + L[-1]",
    "rms_norm, stacked": "L = [h, b]\nfor k in range({n}):\n    L = rms_norm((L[0], L[0] + L[1]))\n"
                         "h.next = W @ x + L[0]",
    "reduce_sum": "L = [h]\nfor k in range({n}):\n    L.append(L[-1] * tanh(L[-1] - reduce_sum(L[-1])))\n"
                  "h.next = L[-1]",
    "a function of a product": "L = [h]\nfor k in range({n}):\n    L.append(L[-1] * tanh(L[-1]))\n"
                               "h.next = W @ x + L[-1]",
    "leaky_relu": "L = [h]\nfor k in range({n}):\n    L.append(leaky_relu(L[-1]))\nh.next = W @ x + L[-1]",
    "a sum of matrices": "M = [U]\nfor k in range({n}):\n    M.append(exp(M[-1] + M[-1].T))\n"
                         "h.next = M[-1] @ h + W @ x",
    "a product of matrices": "M = [U, U.T]\nfor k in range({n}):\n    M.append(softmax(M[-1] * M[-2], axis='rows'))\n"
                             "h.next = M[-1] @ h + W @ x",
}


@pytest.mark.parametrize("body", GROWING.values(), ids=GROWING)
@pytest.mark.parametrize("levels", [20, 40])
def test_an_exponential_formula_is_refused_at_once(body, levels):
    """A level more takes twice as long, or five times: without the refusal these take from minutes to ages."""
    began = time.perf_counter()
    with pytest.raises(CellError, match=r"^Trial: .* is too large: more than .* in one equation. Name its parts: a = "):
        declare(START + body.format(n=levels))
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize("body", GROWING.values(), ids=GROWING)
def test_two_levels_are_not_refused(body):
    declare(START + body.format(n=2))
