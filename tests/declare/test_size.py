"""What grows exponentially is refused before it has grown, and what is accepted is done in seconds."""

import time
from pathlib import Path

import pytest

import symcell
from symcell import CellError, named, zoo
from symcell.declare.size import MAX_DEPTH, MAX_NODES, MAX_TOTAL, check_size
from symcell.graph.ir import Map
from symcell.graph.lower import lower
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


LARGEST = {  # about as large as is accepted
    "equations": "L = [h]\nfor k in range(330):\n    q = named(f'a_{k}', tanh(L[-1]) * L[-1])\n    L.append(q)\n"
                 "h.next = W @ x + q",
    "sum": "L = [W @ x]\nfor k in range(62):\n    L[0] = L[0] + (h + k) * tanh((h + k) * (k + 2))\nh.next = L[0]",
    "product": "L = [h]\nfor k in range(29):\n    L[0] = L[0] * (h + k + 1)\nh.next = W @ x + L[0]",
    "matrices": "L = [h]\nfor k in range(66):\n    L[0] = U @ L[0]\nh.next = W @ x + L[0]",
    "nested": "L = [h]\nfor k in range(21):\n    L[0] = (L[0] * h + k + 1) * sigmoid(h)\nh.next = W @ x + L[0]",
}


@pytest.mark.parametrize("body", LARGEST.values(), ids=LARGEST)
def test_what_is_accepted_is_done_in_seconds(body):
    """About 5 s each at most; here the limit is one for slow and busy machines."""
    cell = declare(START + body, named=named)
    for stage in (symcell.reference, lambda made: symcell.derive(made).latex(), lambda made: made.to_json()):
        began = time.process_time()
        stage(cell)
        assert time.process_time() - began < 15


def test_the_limits_are_those_of_the_documentation():
    for page in ("language", "format"):
        text = (Path(__file__).parents[2] / f"docs/{page}.md").read_text()
        assert all(f"{limit:,}" in text for limit in (MAX_NODES, MAX_TOTAL, MAX_DEPTH)), page


def test_the_zoo_is_far_below_the_limits():
    for name in zoo.names():
        sizes = [check_size(equation.expression, name) for equation in zoo.find(name).spec.equations]
        assert max(sizes) < MAX_NODES / 3, name
        assert sum(sizes) < MAX_TOTAL / 2, name


def test_a_node_looks_its_names_up_once():
    node = next(node for node in lower(zoo.find("gru").spec).nodes if isinstance(node, Map))
    assert node.reads is node.reads


@pytest.mark.parametrize("body", GROWING.values(), ids=GROWING)
def test_two_levels_are_not_refused(body):
    declare(START + body.format(n=2))
