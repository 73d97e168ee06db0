"""Placement: what runs before the loop, in it, after it, and in which of several loops."""

import pytest

from symcell.graph.ir import MatMul
from symcell.schedule.place import last_phase, place
from symcell.zoo import find
from tests.declare.text import declare
from tests.oracle import graphs
from tests.schedule.cells import ELEMENTWISE, SIDE_BRANCH, TWO_LEVEL
from tests.schedule.programs import EVERY, products, program


def kinds(made):
    """The phases that hold something: "before", "step" ... by the names of their stages."""
    return [(phase.kind, [stage.name for stage in phase.stages]) for phase in made.phases]


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "mgu", "lstm_peephole", "elman_head", "jordan"])
def test_projections_are_before_or_begin_a_sum_and_heads_and_dx_are_after(name):
    made = program(name)
    forward, backward = made.forward.phases, made.backward.phases
    projections = {f"{p.name} @ x" for p in find(name).spec.parameters if p.dims[1:] == ("I",)}
    before, step = (projections, set()) if name == "gru" else (set(), projections)  # tests/schedule/test_begun.py
    assert products(forward[0]) == before
    assert {product for product in products(forward[1]) if "@ x" in product} == step
    assert products(forward[-1]) == ({"W_y @ h.next"} if name == "elman_head" else set())
    assert backward[-1].stages[-1].writes == ("d_x",)
    assert all(product.startswith("W") for product in products(backward[-1]))
    assert not any("d_x" in stage.writes for phase in backward[:-1] for stage in phase.stages)


def test_the_adjoint_of_a_head_is_before_the_loop():
    before, step, _ = program("elman_head").backward.phases
    assert products(before) == {"W_y.T @ d_a_y"}
    assert products(step) == {"U.T @ d_a_h_next"}
    assert [assign.name for stage in before.stages for assign in stage.body] == ["d_a_y"]  # moves with its product


def test_maps_stay_in_the_loop_and_fuse():
    before, step, after = program("lstm").backward.phases
    assert not before.stages
    assert {"d_a_i", "d_a_f", "d_a_g", "d_a_o"} <= {assign.name for stage in step.stages for assign in stage.body}
    assert products(after) == {f"W_{k}.T @ d_a_{k}" for k in "ifgo"}


def test_two_levels_have_a_loop_each_with_a_product_between():
    made = program(TWO_LEVEL)
    assert kinds(made.forward) == [("batch", []), ("loop", ["step_0"]), ("batch", []), ("loop", ["step_1"]),
                                   ("batch", [])]
    assert products(made.forward.phases[3]) == {"V @ h.next", "R @ g"}  # the first of which begins the sum
    assert [phase.kind for phase in made.backward.phases] == ["batch", "loop", "batch", "loop", "batch"]
    assert products(made.backward.phases[2]) == {"V.T @ d_a_g_next"}  # levels in the opposite order


def test_a_product_that_no_carry_needs_splits_no_loop():
    made = program(SIDE_BRANCH)
    assert [phase.kind for phase in made.forward.phases] == ["batch", "loop", "batch"]
    assert products(made.forward.phases[-1]) == {"R @ h.next", "R @ g.next"}


def test_loops_without_product_between_are_one():
    cell = declare("x, h, g = Input(), State(), State()\nW, U = Matrix(h, x), Matrix(h, h)\n"
                   "h.next = tanh(W @ x + U @ h)\ng.next = 0.5 * g + h.next")
    assert [phase.kind for phase in program(cell).forward.phases] == ["batch", "loop", "batch"]
    (stage,) = program(cell).forward.phases[1].stages
    assert {"h.next", "g.next"} <= set(stage.writes)


def test_states_that_need_each_other_share_a_loop():
    phases = place(graphs(find("lstm"))[0])
    assert phases["h"] == phases["c"] == 1
    assert last_phase(graphs(find("lstm"))[0], phases) == 2


@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.__name__)
def test_nothing_is_read_before_its_phase(cell):
    for graph in graphs(cell):
        phases = place(graph)
        for node in graph.nodes:
            if node.out in phases:
                assert all(phases.get(name, 0) <= phases[node.out] for name in node.reads), str(node)
                assert not isinstance(node, MatMul) or "x" not in node.reads or phases[node.out] % 2 == 0


def test_an_elementwise_cell_has_no_products():
    made = program(ELEMENTWISE)
    assert not made.forward.panels
    assert not made.backward.panels
    assert [product.rights for product in made.backward.products] == [()]  # a sum alone
