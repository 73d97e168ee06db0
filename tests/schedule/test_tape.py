"""The tape: what is kept, what is computed again, and why."""

import pytest

from symcell.graph.ir import Map, MatMul
from symcell.schedule.tape import cost
from symcell.zoo import find
from tests.declare.text import declare
from tests.oracle import graphs
from tests.schedule.programs import EVERY, program


def test_every_kept_value_has_its_reason():
    kept = {entry.name: (entry.how, entry.why) for entry in program("lstm").tape.kept}
    assert kept["x"] == ("input", "the run's copy of the input")
    assert kept["h"] == kept["c"] == ("state", "the states of all steps are kept")
    assert kept["f"] == ("saved", "computed from a_f, not kept")
    assert kept["tanh_c_next"] == ("recomputed", "costs 12 multiplications, less than a write and a read")
    assert program("lstm").tape.saved == ("i", "f", "g", "o")


def test_products_and_their_operands_are_saved():
    kept = {entry.name: entry for entry in program("gru").tape.kept}
    assert (kept["U_n_h"].how, kept["U_n_h"].why) == ("saved", "a matrix product is not computed twice")
    kept = {entry.name: entry for entry in program("gru_reset_before").tape.kept}
    assert kept["h_r"].how == "saved"
    assert kept["h_r"].why == "operand of a product after the loop: d_U_n += d_a_n h_r^T"


def test_what_costs_much_is_saved():
    cell = declare("x, h = Input('H'), State()\nh.next = softplus(h) * x")
    kept = {entry.name: entry for entry in program(cell).tape.kept}
    assert (kept["softplus_h"].how, kept["softplus_h"].why) == ("saved", "costs 24 multiplications to compute again")


@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.__name__)
def test_recomputation_never_crosses_a_product(cell):
    tape = program(cell).tape
    again = {entry.name for entry in tape.kept if entry.how == "recomputed"}
    there = {v.name for v in tape.backward.with_role("saved", "param", "constant")}
    for node in tape.backward.nodes:
        if node.out in again:
            assert not isinstance(node, MatMul)
        if node.out in again or (isinstance(node, Map) and not tape.backward.value(node.out).dims):
            assert set(node.reads) <= there
            there.add(node.out)
    assert {e.name for e in tape.kept} - again <= {v.name for v in tape.backward.with_role("saved")}


def test_costs():
    forward, _ = graphs(find("lstm"))
    assert cost(forward.producer("c.next").expression) == 3
    assert cost(forward.producer("i").expression) == 12
