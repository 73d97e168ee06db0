"""Graphs and nodes print themselves."""

from symcell.graph.adjoint import adjoint
from symcell.graph.ir import MatMul
from symcell.graph.lower import lower
from symcell.zoo import find
from tests.graph.good import NODES


def test_a_graph_prints_itself():
    lines = [line.rstrip() for line in str(lower(find("jordan").spec)).splitlines()]
    assert lines == [
        "graph Jordan, steps 0 .. T-1", "  input    x (I)", "  carry    y (O)", "  param    W (H, I)",
        "  param    U (H, O)", "  param    b (H)", "  param    W_y (O, H)", "  param    b_y (O)",
        "  carry    y.next -> y",
        f"  {'U_y = U @ y':<58} (H)", f"  {'W_x = W @ x':<58} (H)", f"  {'a_h = U_y + W_x + b':<58} (H)",
        f"  {'h = tanh(a_h)':<58} (H)", f"  {'W_y_h = W_y @ h':<58} (O)", f"  {'a_y_next = W_y_h + b_y':<58} (O)",
        f"  {'y.next = sigmoid(a_y_next)':<58} (O)", "  return   y.next"]


def test_nodes_print_themselves():
    assert [str(node) for node in NODES] == [
        "p = W @ x", "h.next = h*p*s", "d_W += p x^T", "d_b += p", "d_s += p"]
    assert str(MatMul("p", "W", True, "h")) == "p = W.T @ h"
    assert str(adjoint(lower(find("rnn").spec))).startswith("graph RNN_adjoint, steps T-1 .. 0\n")
