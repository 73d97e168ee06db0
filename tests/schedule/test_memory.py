"""Memory: how many steps a buffer holds, what lies where, and that a buffer too short is found."""

import dataclasses

import pytest

from symcell.graph.check import GraphError
from symcell.schedule.memory import check_memory, runs
from symcell.schedule.program import Buffer
from symcell.zoo import find
from tests.declare.text import declare
from tests.schedule.cells import LATE_2, RING_BATCH, TWO_LEVEL
from tests.schedule.programs import EVERY, program, stored


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


def test_runs_of_neighbours():
    assert runs(["a", "b", "c", "d"], {"a", "b", "d"}) == 2
    assert runs([], {"a"}) == 0
    assert runs(["b", "a"], {"c"}) == 0


def tampered(made, name, **changes):
    return [dataclasses.replace(b, **changes) if b.name == name else b for b in made.buffers]


@pytest.mark.parametrize(("cell", "name", "changes"), [
    (find("lstm"), "h", None), (find("gru"), "W_n_x", {"train": "ring"}), (find("gru"), "W_n_x", {"infer": "step"}),
    (find("gru"), "x", {"train": "step"}), (find("lstm"), "x", {"train": "step"}), (RING_BATCH, "s", {"infer": "ring"}),
    (LATE_2, "s", {"train": "ring"}), (TWO_LEVEL, "h", {"infer": "ring"}),
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
    made = program("gru").forward
    ring = Buffer("short", (("W_n_x", "H"),), "step", "step", "planted")
    places = {**made.places, "W_n_x": dataclasses.replace(made.places["W_n_x"], buffer="short")}
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
