"""Programs: where everything runs, what is kept and why, and that the whole computes what the graphs say."""

import dataclasses
import difflib
import os
from pathlib import Path

import numpy as np
import pytest

from symcell.compiler import stages
from symcell.graph import once
from symcell.graph.check import GraphError
from symcell.graph.interpret import interpret
from symcell.graph.ir import GIVEN, Map, MatMul
from symcell.schedule.memory import check_memory, runs
from symcell.schedule.place import last_phase, place
from symcell.schedule.program import Buffer
from symcell.schedule.tape import cost
from symcell.schedule.tiles import MAX_GATES, block_vectors, deal, tile_rows
from symcell.zoo import find, names
from tests import reductions
from tests.declare.text import declare
from tests.oracle import Sample, graphs
from tests.schedule.cells import (
    CELLS,
    ELEMENTWISE,
    LATE_2,
    MANY,
    NESTED,
    RING_BATCH,
    SIDE_BRANCH,
    SIX_GATES,
    TWO_LEVEL,
    random_cell,
)
from tests.schedule.machine import Machine

SIZES = {"I": 2, "H": 3, "O": 4, "P": 5, "F": 4}
GOLDEN = Path(__file__).parent / "mgu.golden.txt"
EVERY = [*map(find, names()), *CELLS, *reductions.CELLS]


def program(cell):
    return stages(cell).program


def kinds(made):
    """The phases that hold something: "before", "step" ... by the names of their stages."""
    return [(phase.kind, [stage.name for stage in phase.stages]) for phase in made.phases]


def products(phase):
    """Every matrix product of a phase, as text."""
    return {f"{term.matrix}{'.T' if term.transposed else ''} @ {term.operand}" for stage in phase.stages
            for panel in stage.panels for _, terms in panel.accumulators for term in terms}


def gemms(made):
    return ["[{}] = [{}]^T {}".format(" | ".join(outs), " | ".join(p.lefts), right)
            for p in made.products for right, outs in zip(p.rights, p.outs, strict=True)]


def stored(made, name):
    """(train, infer) of the buffer in which a value lives."""
    buffer = made.buffer(made.places[name].buffer)
    return buffer.train, buffer.infer


# --- the whole -------------------------------------------------------------------------------------------------------


def test_mgu_is_the_golden_text():
    """Set SYMCELL_UPDATE_GOLDEN=1 to accept what is printed now."""
    text = "\n".join(line.rstrip() for line in str(program("mgu")).splitlines()) + "\n"
    if os.environ.get("SYMCELL_UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    expected = GOLDEN.read_text(encoding="utf-8")
    diff = difflib.unified_diff(expected.splitlines(), text.splitlines(), "golden", "printed", lineterm="")
    assert text == expected, "\n".join(diff)


def assert_right(cell, chunk):
    """Run the program of a cell in chunks of so many steps, and compare it with the interpreted graphs."""
    sample, made = Sample.draw(cell, T=5, B=2, seed=4, **SIZES), program(cell)
    forward, backward = graphs(cell)
    T, sizes, params = 5, sample.sizes, {**sample.params, **sample.constants}
    expected = interpret(forward, T, sample.inputs(cell), params, sample.state, sizes)
    known = {**params, **expected.derived}
    for mode in ("infer", "train"):
        ours = Machine(made.forward, T, chunk, sizes, known, mode)
        for name, array in sample.inputs(cell).items():
            for t in range(T):
                ours.at(name, t)[...] = array[t]
        for name, array in sample.state.items():
            ours.at(name, 0)[...] = array
        ours.run()
        output = forward.outputs[0]
        np.testing.assert_allclose(ours.rows(output), np.concatenate(expected.steps[output]), rtol=1e-12, atol=1e-14)
        for carry in forward.carries:
            np.testing.assert_allclose(ours.at(carry.next, T - 1), expected.carries[carry.previous], rtol=1e-12,
                                       atol=1e-14)
    back = Machine(made.backward, T, chunk, sizes, known)
    given = {v.name: ours for v in made.tape.backward.with_role("saved")}
    for name in given:
        for t in range(T):
            back.at(name, t)[...] = ours.at(name, t)
    seeds = {backward.adjoints[f"{forward.outputs[0]}.out"]: sample.dy}
    for name, array in seeds.items():
        for t in range(T):
            back.at(name, t)[...] = array[t]
    pairs = list(zip(backward.carries, forward.carries, strict=True))
    for carry, of in pairs:
        back.at(carry.previous, T - 1)[...] = sample.dstate[of.previous]
    back.run()
    steps = {v.name: expected.steps[v.name] for v in backward.with_role("saved")}
    later = {carry.previous: sample.dstate[of.previous] for carry, of in pairs}
    right = interpret(backward, T, steps | seeds, params, later, sizes)
    for name in backward.outputs:
        np.testing.assert_allclose(back.rows(name), np.concatenate(right.steps[name]), rtol=1e-11, atol=1e-13)
    for carry in backward.carries:
        np.testing.assert_allclose(back.at(carry.next, 0), right.carries[carry.previous], rtol=1e-11, atol=1e-13)
    found = back.gradients()
    found |= once.run(backward, True, {**back.params, **found}, sizes)
    assert set(found) == set(right.sums)
    for name, array in right.sums.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("chunk", [1, 2, 5])
@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.__name__)
def test_a_program_computes_what_the_graphs_say(cell, chunk):
    assert_right(cell, chunk)


@pytest.mark.parametrize("seed", range(24))
def test_the_program_of_any_cell_computes_what_the_graphs_say(seed):
    assert_right(random_cell(seed), chunk=2)


# --- placement -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "mgu", "lstm_peephole", "elman_head", "jordan"])
def test_projections_are_before_and_heads_and_dx_after(name):
    made = program(name)
    forward, backward = made.forward.phases, made.backward.phases
    assert products(forward[0]) == {f"{p.name} @ x" for p in find(name).spec.parameters if p.dims[1:] == ("I",)}
    assert not any("@ x" in product for product in products(forward[1]))
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


@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.__name__)
def test_no_outer_product_is_formed_step_by_step(cell):
    made = program(cell)
    outs = [out for product in made.backward.products for outs in product.outs for out in outs]
    assert not made.forward.products
    applied = {node.matrix for node in made.forward.graph.nodes if isinstance(node, MatMul)}
    assert {f"d_{matrix}" for matrix in applied} == {out.removesuffix(".steps") for out in outs}


def test_two_levels_have_a_loop_each_with_a_product_between():
    made = program(TWO_LEVEL)
    assert kinds(made.forward) == [("batch", ["before_0"]), ("loop", ["step_0"]), ("batch", ["between_1"]),
                                   ("loop", ["step_1"]), ("batch", [])]
    assert products(made.forward.phases[2]) == {"V @ h.next"}
    assert [phase.kind for phase in made.backward.phases] == ["batch", "loop", "batch", "loop", "batch"]
    assert products(made.backward.phases[2]) == {"V.T @ d_a_g_next"}  # levels in the opposite order
    assert stored(made.forward, "V_h_next") == ("chunk", "chunk")


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


@pytest.mark.parametrize("cell", [RING_BATCH, LATE_2], ids=lambda cell: cell.__name__)
def test_a_state_written_by_a_batch_phase_has_its_full_history(cell):
    made = program(cell)
    assert stored(made.forward, "s") == stored(made.forward, "s.next") == ("history", "history")
    assert made.forward.places["s"].shift == 0
    assert made.forward.places["s.next"].shift == 1
    assert stored(made.backward, "d_s") == ("history", "history")


def test_a_state_that_only_its_loop_touches_is_a_ring():
    made = program("lstm")
    assert stored(made.forward, "c") == ("history", "ring")
    assert stored(made.forward, "h") == ("history", "history")
    assert stored(made.backward, "d_h") == ("ring", "ring")
    cell = declare("x, h, s = Input(), State(), State()\nW = Matrix(h, x)\nh.next = h + W @ x + s\ns.next = s * 0.5")
    assert stored(program(cell).forward, "s") == ("ring", "ring")  # a linear cell: the backward pass needs none of it


def test_an_elementwise_cell_has_no_products():
    made = program(ELEMENTWISE)
    assert not made.forward.panels
    assert not made.backward.panels
    assert not made.backward.products


# --- the tape --------------------------------------------------------------------------------------------------------


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


# --- stages, panels and deltas ---------------------------------------------------------------------------------------


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
    assert wide.operands == ("h", "c")
    assert [name for name, _ in wide.accumulators] == ["a_i.sum", "a_f.sum", "a_o.sum"]
    assert narrow.operands == ("h",)


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


def test_the_deltas_of_gru_are_neighbours():
    backward = program("gru").backward
    deltas = next(buffer for buffer in backward.buffers if buffer.name == "all.deltas")
    assert {name for name, _ in deltas.columns} == {"d_a_r", "d_a_z", "d_a_n", "d_U_n_h"}
    assert [(product.lefts, product.rights) for product in backward.products] == [
        (("d_a_n",), ("x",)), (("d_a_z", "d_a_r"), ("h", "x")), (("d_U_n_h",), ("h",))]  # each delta is read once
    order = [name for name, _ in deltas.columns]
    for product in backward.products:
        at = [order.index(name) for name in product.lefts]
        assert at == list(range(at[0], at[0] + len(at)))


def test_weight_gradients_of_one_operand_are_one_product():
    assert gemms(program("lstm").backward) == [
        "[d_U_o | d_U_g | d_U_f | d_U_i] = [d_a_o | d_a_g | d_a_f | d_a_i]^T h",
        "[d_W_o | d_W_g | d_W_f | d_W_i] = [d_a_o | d_a_g | d_a_f | d_a_i]^T x"]
    assert gemms(program("gru_reset_before").backward) == [
        "[d_U_n] = [d_a_n]^T h_r", "[d_W_n] = [d_a_n]^T x",
        "[d_U_z | d_U_r] = [d_a_z | d_a_r]^T h", "[d_W_z | d_W_r] = [d_a_z | d_a_r]^T x"]


def test_a_sum_shares_the_pass_of_its_operand_or_has_one_of_its_own():
    passes = [(product.lefts, [total.out for total in product.sums]) for product in program("gru").backward.products]
    assert passes == [(("d_a_n",), ["d_b_n"]), (("d_a_z", "d_a_r"), ["d_b_r", "d_b_z"]), (("d_U_n_h",), ["d_c_n"])]
    *shared, i, f, o = program("lstm_peephole").backward.products
    assert [len(product.sums) for product in shared] == [4]
    assert [(product.lefts, product.rights, product.outs) for product in (i, f, o)] == [
        ((f"d_p_{k}_t",), (), ()) for k in "ifo"]


def test_two_sums_of_one_value_read_it_once():
    cell = declare("x, h, p, q = Input('H'), State(), Vector('H'), Vector('H')\nh.next = h * x + (p + q)")
    (product,) = program(cell).backward.products
    assert [total.out for total in product.sums] == ["d_p", "d_q"]


def test_the_text_shows_which_sums_share_a_pass():
    lines = str(program("lstm_peephole").backward).splitlines()
    start = lines.index("    d_a_o | d_a_g | d_a_f | d_a_i: read once, for all that follows with them")
    assert [line.split()[0] for line in lines[start + 1:start + 9]] == [*["gemm"] * 2, *["sum"] * 4, "d_p_i_t:", "sum"]


def test_runs_of_neighbours():
    assert runs(["a", "b", "c", "d"], {"a", "b", "d"}) == 2
    assert runs([], {"a"}) == 0
    assert runs(["b", "a"], {"c"}) == 0


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


# --- memory ----------------------------------------------------------------------------------------------------------


def tampered(made, name, **changes):
    return [dataclasses.replace(b, **changes) if b.name == name else b for b in made.buffers]


@pytest.mark.parametrize(("cell", "name", "changes"), [
    (find("lstm"), "h", None), (find("lstm"), "W_i_x", {"train": "ring"}), (find("lstm"), "W_i_x", {"infer": "step"}),
    (find("lstm"), "x", {"train": "step"}), (RING_BATCH, "s", {"infer": "ring"}), (LATE_2, "s", {"train": "ring"}),
    (TWO_LEVEL, "h", {"infer": "ring"}), (TWO_LEVEL, "V_h_next", {"train": "step"}),
    (find("elman_head"), "h", {"infer": "ring"})], ids=str)
def test_a_buffer_too_short_is_found(cell, name, changes):
    made = program(cell).forward
    check_memory(made.phases, made.buffers, made.places)
    if changes is None:  # not every shorter buffer is wrong: the state of an LSTM may be a ring
        check_memory(made.phases, tampered(made, name, train="ring", infer="ring"), made.places)
        return
    with pytest.raises(GraphError, match=f"the buffer {name} holds few steps and is touched by phases "):
        check_memory(made.phases, tampered(made, name, **changes), made.places)


def test_a_place_in_the_wrong_buffer_is_found():
    made = program("lstm").forward
    ring = Buffer("short", (("W_i_x", "H"),), "step", "step", "planted")
    places = {**made.places, "W_i_x": dataclasses.replace(made.places["W_i_x"], buffer="short")}
    with pytest.raises(GraphError, match=r"the buffer short holds few steps and is touched by phases \[0, 1\]"):
        check_memory(made.phases, [*made.buffers, ring], places)


@pytest.mark.parametrize("cell", EVERY, ids=lambda cell: cell.__name__)
def test_no_two_values_share_columns(cell):
    made = program(cell)
    for part in (made.forward, made.backward):
        for name, where in part.places.items():
            buffer = part.buffer(where.buffer)
            assert where.dim == part.graph.value(name).dims[0]
            before = tuple(dim for _, dim in buffer.columns[:len(where.before)])
            assert (where.before, where.shift in (0, 1)) == (before, True)
        spots = [(where.buffer, where.before, where.shift) for where in part.places.values()]
        assert len(spots) == len(set(spots))


def test_what_is_computed_once_is_in_the_text_of_both_passes():
    made = program("antisymmetric")
    forward, backward = str(made.forward).splitlines(), str(made.backward).splitlines()
    at = forward.index("  once per call, before the first step:")
    assert forward[at + 1] == "    A = U - U.T - gamma*I"
    assert not any("before the first step" in line for line in backward)
    assert "    d_U = d_A - d_A.T" in backward[backward.index("  once per call, after the last step:"):]
