"""Stages, panels and their tiles: where a step is cut, and which products share an accumulator."""

import pytest

from symcell.graph.ir import GIVEN
from symcell.schedule.tiles import MAX_GATES, block_vectors, deal, tile_rows
from symcell.zoo import find
from tests.declare.text import declare
from tests.schedule.cells import MANY, NESTED, SIX_GATES
from tests.schedule.programs import EVERY, program


def step_names(made):
    return [stage.name for phase in made.phases if phase.kind == "loop" for stage in phase.stages]


@pytest.mark.parametrize(("cell", "forward", "backward"), [
    (find("lstm"), 1, 2), (find("gru"), 1, 2), (find("gru_reset_before"), 2, 3), (find("mgu"), 2, 3),
    (find("jordan"), 2, 3), (NESTED, 4, 5)], ids=lambda value: getattr(value, "__name__", value))
def test_the_step_is_cut_at_its_products(cell, forward, backward):
    made = program(cell)
    assert len(step_names(made.forward)) == forward
    assert len(step_names(made.backward)) == backward
    if forward > 1:
        assert step_names(made.forward) == [f"step_{k}" for k in range(forward)]


def test_products_that_are_summed_share_an_accumulator():
    (panel,) = program("lstm").backward.phases[1].stages[1].panels
    ((name, terms),) = panel.accumulators
    assert name == "d_h.sum"
    assert [(t.matrix, t.transposed, t.operand) for t in terms] == [
        (f"U_{k}", True, f"d_a_{k}") for k in "ogfi"]


def test_products_of_two_states_share_an_accumulator_per_gate():
    (stage,) = program("lstm_full_peephole").forward.phases[1].stages
    wide, narrow = stage.panels
    assert wide.operands == ("x", "h", "c")
    assert [name for name, _ in wide.accumulators] == ["a_i.sum", "a_f.sum", "a_o.sum"]
    assert narrow.operands == ("x", "h")


def test_products_that_are_summed_inside_an_equation_share_an_accumulator():
    names = "x, h, c = Input(), State(), State()\nW, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, c)\nc.next = c * h\n"
    cell = declare(names + "h.next = h * tanh(U @ h + V @ c + h) + W @ x")
    accumulators = [found for panel in program(cell).forward.panels for found in panel.accumulators]
    assert [(name, len(terms)) for name, terms in accumulators] == [("W_x", 1), ("tanh.sum", 2)]
    again = declare(names + "h.next = (U @ h + V @ c) * (U @ h + h) + W @ x")
    accumulators = [found for panel in program(again).forward.panels for found in panel.accumulators]
    assert [name for name, _ in accumulators] == ["W_x", "U_h", "V_c"]  # U h belongs to neither sum alone


def test_a_product_that_something_else_reads_has_its_own_accumulator():
    cell = declare("x, h = Input(), State()\nW, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, h)\n"
                   "p = U @ h\nh.next = tanh(p + V @ h + W @ x)\ny = Output(p * 1.0 + h.next)")
    (stage,) = program(cell).forward.phases[1].stages
    assert [name for panel in stage.panels for name, _ in panel.accumulators] == ["p", "V_h"]


def test_more_than_four_gates_are_dealt_to_panels():
    (stage,) = program(SIX_GATES).forward.phases[1].stages
    assert [len(panel.accumulators) for panel in stage.panels] == [3, 3]
    assert [panel.operands for panel in stage.panels] == [("h",), ("h",)]
    assert len({panel.name for panel in stage.panels}) == 2


@pytest.mark.parametrize("count", range(1, 14))
def test_gates_are_dealt_about_equally(count):
    dealt = deal([str(k) for k in range(count)])
    assert [name for part in dealt for name in part] == [str(k) for k in range(count)]
    assert max(map(len, dealt)) <= MAX_GATES
    assert max(map(len, dealt)) - min(map(len, dealt)) <= len(dealt) - 1
    assert len(dealt) == -(-count // MAX_GATES)


@pytest.mark.parametrize("registers", [16, 32])
@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.__name__)
def test_tiles_fit_the_registers(cell, registers):
    made = program(cell)
    for stage in (*made.forward.stages, *made.backward.stages):
        if stage.panels:
            rows, vectors = tile_rows(stage.panels, registers), block_vectors(stage.panels, registers)
            assert rows * vectors * max(len(panel.accumulators) for panel in stage.panels) <= registers * 3 // 4
            assert rows >= 1


@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.__name__)
def test_stages_keep_to_one_dimension_and_read_what_exists(cell):
    made = program(cell)
    for part in (made.forward, made.backward):
        known = {v.name for v in part.graph.with_role(*GIVEN)}
        for stage in part.stages:
            reduced = {node.out for node in stage.reductions}
            local = {a.name for a in stage.body} | {n for p in stage.panels for n, _ in p.accumulators} | reduced
            assert {part.graph.value(name).dims for name in {*stage.writes} - reduced} <= {(stage.dim,)}
            assert stage.writes
            assert set(stage.writes) <= local
            assert not set(stage.reads) & local
            assert all(name in known or name in part.places for name in stage.reads)
            for panel in stage.panels:
                assert {tuple(t.operand for t in terms) for _, terms in panel.accumulators} == {panel.operands}


def test_common_subexpressions_are_temporaries_before_their_first_use():
    (stage, _) = program("gru").backward.phases[1].stages
    names_ = [assign.name for assign in stage.body]
    (temporary,) = [assign for assign in stage.body if assign.temporary]
    assert temporary.name == "t.0"
    assert names_.index("t.0") < min(names_.index("d_n"), names_.index("d_a_z"))


def test_several_dimensions_are_several_stages():
    made = program(MANY)
    assert {stage.dim for stage in made.forward.stages} == {"H", "P", "F"}
    assert {stage.dim for stage in made.backward.stages} == {"H", "P", "F"}
