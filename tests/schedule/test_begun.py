"""Sums of a loop that begin before it: which do, with what, and which stay apart."""

import pytest

from tests.declare.text import declare
from tests.schedule.cells import SIX_GATES, TWO_LEVEL
from tests.schedule.programs import EVERY, products, program

NAMES = "x, h = Input(), State()\nW, U, V, R = Matrix(h, x), Matrix(h, h), Matrix(h, x), Matrix(h, h)\n"


def panels(cell):
    """(operands, how many are known before) of each panel of the forward pass's loops."""
    loops = [phase for phase in program(cell).forward.phases if phase.kind == "loop"]
    return [(panel.operands, panel.known) for phase in loops for stage in phase.stages for panel in stage.panels]


@pytest.mark.parametrize(("cell", "found"), [
    ("rnn", [(("x", "h"), 1)]), ("lstm", [(("x", "h"), 1)]), ("mgu", [(("x", "h"), 1), (("x", "f_h"), 1)]),
    ("lstm_peephole", [(("x", "h"), 1)]), ("lstm_full_peephole", [(("x", "h", "c"), 1), (("x", "h"), 1)]),
    ("lem", [(("x", "h"), 1), (("x", "m.next"), 1)]), ("cornn", [(("x", "h", "v"), 1)]),
    (TWO_LEVEL, [(("x", "h"), 1), (("h.next", "g"), 1)])], ids=str)
def test_a_sum_begins_with_what_is_known_before_its_loop(cell, found):
    made = program(cell).forward
    assert panels(cell) == found
    assert not any(phase.stages for phase in made.phases if phase.kind == "batch")
    assert [b.name for b in made.buffers if b.begun] == [panel.sums for panel in made.panels]


def test_the_known_comes_first_however_it_is_written():
    assert panels(declare(NAMES + "h.next = tanh(U @ h + W @ x)")) == [(("x", "h"), 1)]


def test_sums_within_an_equation_begin_as_well():
    cell = declare(NAMES + "h.next = tanh(R @ h + W @ x + h) * h + sigmoid(V @ x - h + U @ h)")
    assert panels(cell) == [(("x", "h"), 1)]
    (panel,) = program(cell).forward.panels
    assert len(panel.accumulators) == 2


def test_all_that_is_known_begins():
    cell = declare("x, s, h = Input(), Input(), State()\nW, V, U = Matrix(h, x), Matrix(h, s), Matrix(h, h)\n"
                   "h.next = tanh(W @ x + U @ h + V @ s)")
    assert panels(cell) == [(("s", "x", "h"), 2)]


def test_a_sum_that_waits_for_a_later_product_begins_with_what_is_known():
    """Its products wait with it, though a reduction follows; none is alone in the loop."""
    cell = declare(NAMES + "c, Q = State(), Matrix(h, h)\nq = tanh(R @ tanh(Q @ h))\nc.next = 0.5 * c + 0.5 * h\n"
                   "h.next = tanh(layer_norm(W @ x + U @ c + q))")
    assert (("x", "c"), 1) in panels(cell)


def test_the_order_in_which_operands_are_met_splits_no_panel():
    """Products are met in the order of their matrices' names, here D s, U h, W x of one, R h, V x, X s of another."""
    start = NAMES + "s, D, X = Input('S'), Matrix(h, 'S'), Matrix(h, 'S')\n"
    cell = declare(start + "p = sigmoid(W @ x + U @ h + D @ s)\nn = tanh(X @ s + V @ x + R @ h)\nh.next = p * n")
    assert panels(cell) == [(("s", "x", "h"), 2)]


def test_sums_that_meet_two_states_in_another_order_share_a_panel():
    cell = declare(NAMES + "g, A, B = State(), Matrix(h, h), Matrix(h, h)\np = sigmoid(W @ x + A @ h + U @ g)\n"
                   "n = tanh(V @ x + B @ g + R @ h)\nh.next = p * n\ng.next = p * g")
    assert panels(cell) == [(("x", "h", "g"), 1)]


@pytest.mark.parametrize("equations", [
    "n = W @ x\nh.next = tanh(n + U @ h)",  # a caller may ask for n
    "n = tanh(U @ h)\nh.next = n + W @ x",  # no sum of products
    "n = tanh(2 * (W @ x) + U @ h)\nh.next = n",
    "p = sigmoid(W @ x + U @ h)\nh.next = tanh(V @ x + p * (R @ h))",  # U h and R h share the loads of h
    "p = sigmoid(W @ x + U @ h)\nh.next = p * tanh(W @ x)",
    "h.next = (W @ x + U @ h) * (W @ x + h)", "h.next = W @ x + U @ h + tanh(W @ x - h)"], ids=str)
def test_products_that_stay_before(equations):
    cell = declare(NAMES.replace("Matrix(h, x), Matrix(h, h), Matrix(h, x), Matrix(h, h)", ", ".join(
        f"Matrix(h, {'x' if name in 'WV' else 'h'})" for name in "WUVR")) + equations)
    made = program(cell).forward
    assert {product for product in products(made.phases[0]) if "@ x" in product}
    assert not any(begun for _, begun in panels(cell))


def test_a_gate_apart_keeps_all_of_its_panel_apart():
    made = program("gru").forward
    assert products(made.phases[0]) == {"W_r @ x", "W_z @ x", "W_n @ x"}
    assert panels("gru") == [(("h",), 0)]
    assert panels(SIX_GATES) == [(("h",), 0), (("h",), 0)]


@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.__name__)
def test_what_begins_is_no_carry_of_its_loop_and_nobody_else_reads_it(cell):
    made = program(cell)
    for part in (made.forward, made.backward):
        for panel in part.panels:
            for name, terms in panel.accumulators:
                assert tuple(term.operand for term in terms) == panel.operands
                if panel.known:
                    assert name.endswith(".sum")
        loops = [phase for phase in part.phases if phase.kind == "loop"]
        for phase in loops:
            written = {name for stage in phase.stages for name in stage.writes}
            carried = {carry.previous for carry in part.graph.carries if carry.next in written}
            for panel in (panel for stage in phase.stages for panel in stage.panels):
                assert not {*panel.operands[: panel.known]} & (written | carried)
                assert {*panel.operands[panel.known :]} <= written | carried
