"""Programs compute what the graphs say, in chunks of any length."""

import numpy as np
import pytest

from symcell.graph import once
from symcell.graph.interpret import interpret
from tests.oracle import Sample, graphs
from tests.schedule.cells import random_cell
from tests.schedule.machine import Machine
from tests.schedule.programs import EVERY, program

SIZES = {"I": 2, "H": 3, "O": 4, "P": 5, "F": 4}


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


def test_threads_share_rows_where_there_are_many_or_each_is_reduced():
    forward = program("lstm_layer_norm").forward
    found = {(phase.kind, bool(stage.panels), bool(stage.reductions)): forward.shared(stage)
             for phase in forward.phases for stage in phase.stages}
    assert found == {("batch", True, False): "rows", ("batch", False, True): "rows", ("batch", False, False): "rows",
                     ("loop", True, False): "lanes", ("loop", False, True): "rows", ("loop", False, False): "lanes"}
