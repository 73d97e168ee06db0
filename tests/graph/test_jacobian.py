"""The state Jacobian against differences of the interpreter."""

import dataclasses

import numpy as np
import pytest
import sympy

from symcell.graph import jacobian as module
from symcell.graph.interpret import interpret
from symcell.graph.jacobian import Diag, Linear, Partial, evaluate_jacobian, jacobian
from symcell.zoo import find
from tests.oracle import Sample, graphs
from tests.render.cells import Bare, Odd, Shared

NAMES = ("rnn", "lstm", "lstm_peephole", "gru", "gru_reset_before", "mgu", "jordan", "rnn_linear")
CELLS = [*map(find, NAMES), Odd, Shared, Bare]
SIZES = {"I": 2, "H": 3, "O": 4, "D": 2, "P": 4}


def step(cell, sample, state):
    """One step from a state: everything it computes, and the new state; complex where the state is."""
    inputs = {name: array[:1] for name, array in sample.inputs(cell).items()}
    return interpret(graphs(cell)[0], 1, inputs, {**sample.params, **sample.constants}, state, sample.sizes)


def differences(cell, sample):
    """{(new, old): matrix} by a complex step, or central differences for a cell with a kink."""
    tiny = 1e-6 if cell is Odd else 1e-30
    found = {}
    for by, at in sample.state.items():
        for index in range(at.shape[1]):
            unit = np.zeros(at.shape)
            unit[0, index] = tiny
            if cell is Odd:
                up, down = (step(cell, sample, {**sample.state, by: at + sign * unit}).carries for sign in (1, -1))
                columns = {of: (up[of] - down[of])[0] / (2 * tiny) for of in up}
            else:
                moved = step(cell, sample, {**sample.state, by: at + 1j * unit}).carries
                columns = {of: value.imag[0] / tiny for of, value in moved.items()}
            for of, column in columns.items():
                found.setdefault((of, by), []).append(column)
    return {pair: np.stack(columns, axis=1) for pair, columns in found.items()}


def error(cell, made):
    sample = Sample.draw(cell, T=1, B=1, seed=2, **SIZES)
    trace = step(cell, sample, sample.state)
    values = {**sample.params, **sample.constants, **trace.derived}
    values |= {name: array[0, 0] for name, array in trace.steps.items()}
    matrices = evaluate_jacobian(made, values, sample.sizes)
    expected = differences(cell, sample)
    assert {(block.of, block.by) for block in made.blocks} == {(f"{of}.next", by) for of, by in expected}
    return max(float(np.abs(matrices[Partial(f"{of}.next", by)] - matrix).max())
               for (of, by), matrix in expected.items())


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
def test_blocks_are_the_derivatives(cell):
    assert error(cell, jacobian(graphs(cell)[0])) < (1e-7 if cell is Odd else 1e-12)


def test_mgu_in_full():
    made = jacobian(graphs(find("mgu"))[0])
    f, n, h = (sympy.Symbol(name, real=True) for name in "fnh")
    J_f, J_n = Partial("f", "h"), Partial("n", "h")
    assert made.blocks == (Partial("h.next", "h"),)
    assert list(made.partials) == [J_f, J_n, *made.blocks]
    assert made.partials[J_f].factors == (Diag(f * (1 - f), "H"), Linear("U_f", False))
    assert [term if isinstance(term, Diag) else term.factors for term in made.partials[made.blocks[0]].terms] == [
        Diag(1 - f, "H"), (Diag(n - h, "H"), J_f), (Diag(f, "H"), J_n)]


def test_a_state_that_does_not_depend_on_another_has_a_block_of_zeros():
    made = jacobian(graphs(find("lstm_no_forget"))[0])
    assert made.partials[Partial("c.next", "c")] == Diag(sympy.S.One, "H")
    zero = jacobian(graphs(Odd)[0])
    assert Partial("y", "E") not in zero.partials, "no block reads the output"


def test_a_transposed_matrix_is_noticed(monkeypatch):
    right = module._chain

    def planted(left, *factors):
        return right(dataclasses.replace(left, transposed=True) if isinstance(left, Linear) else left, *factors)

    monkeypatch.setattr(module, "_chain", planted)
    assert error(find("gru"), jacobian(graphs(find("gru"))[0])) > 1e-3


@pytest.mark.parametrize("position", range(3))
def test_a_wrong_diagonal_is_noticed(position):
    made = jacobian(graphs(find("mgu"))[0])
    block = made.blocks[0]
    terms = list(made.partials[block].terms)
    first = terms[position] if isinstance(terms[position], Diag) else terms[position].factors[0]
    wrong = Diag(-first.expression, first.dim)
    terms[position] = wrong if terms[position] == first else dataclasses.replace(
        terms[position], factors=(wrong, *terms[position].factors[1:]))
    planted = {**made.partials, block: dataclasses.replace(made.partials[block], terms=tuple(terms))}
    assert error(find("mgu"), dataclasses.replace(made, partials=planted)) > 1e-3
