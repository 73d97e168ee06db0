"""Malformed declarations: a cell, a CellError, or an error that Python itself raises of an operator. Nothing else."""

import time

import numpy as np
import pytest

from symcell import CellError, exp, layer_norm, leaky_relu, residual, rms_norm, tanh
from tests.declare.text import START, UPDATE, declare
from tests.random_cells.campaign import campaign
from tests.random_cells.hostile import check, malformed


def assert_refused(tally):
    assert not tally.failed, str(tally)
    assert len(tally.refused) > 8  # many kinds of mistakes are made,
    assert tally.passed["a cell"] > 5  # and not only mistakes


def test_malformed_declarations():
    assert_refused(campaign(malformed(), check, 100))


@pytest.mark.slow
def test_more_malformed_declarations():
    assert_refused(campaign(malformed(), check, 2000, start=1000))


def test_a_traceback_from_inside_is_found(monkeypatch):
    monkeypatch.setattr("symcell.declare.scope.Scope.dimension", lambda self, dim: {"I": "I", "H": "H"}[dim])
    assert campaign(malformed(), check, 100, stop=True).failed


# --- what it found ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", [
    "q = layer_norm(h, True)", "q = layer_norm(h, b, h > 0)", "q = rms_norm(h, eps=None)", "q = layer_norm(h, b, 'b')",
    "q = leaky_relu(h, None)", "q = leaky_relu(None)", "q = leaky_relu(h, True)", "__slots__ = None", "__doc__ = h",
])
def test_a_wrong_argument_is_a_cell_error(line):
    with pytest.raises(CellError, match=r"expected|applies to"):
        declare(START + line + UPDATE, layer_norm=layer_norm, rms_norm=rms_norm, leaky_relu=leaky_relu)


@pytest.mark.parametrize("line", ["q = Input(zeros)", "q = State(zeros)", "q = Matrix(h, zeros)", "q = Identity(zeros)",
                                  "q = Input('H', each=zeros)", "q = Vector(h, init=zeros)", "q = Constant(zeros)",
                                  "q = Vector(h, learned=zeros)", "q = softmax(U, axis=zeros)"])
def test_an_array_in_place_of_a_word_is_a_cell_error(line):
    """Compared with a name, an array is an array, which is neither true nor false."""
    with pytest.raises(CellError, match=r"zeros|\[0"):
        declare(START + line + UPDATE, zeros=np.zeros(3))


@pytest.mark.parametrize("last", ["q = deep(h)", "y = Output(deep(h))", "q = reduce_sum(deep(h))", "q = W.T @ deep(h)",
                                  "q = layer_norm(deep(h))", "q = x + deep(h)", "q = 1 / deep(h)", "q = deep(h)**2",
                                  "q = h**deep(h)", "q = where(deep(h) > 0, h, 1)", "q = equal(deep(h), h)",
                                  "q = 2 * deep(h) + 3 * deep(h) + h"])
def test_a_formula_of_very_many_levels_is_a_cell_error(last):
    with pytest.raises(CellError, match=r"levels|too large"):
        declare(START + last + UPDATE, deep=deep, layer_norm=layer_norm)


@pytest.mark.parametrize("growing", ["Q * Q", "Q @ Q", "Q * (Q + U)", "(Q + U) @ Q", "Q.T + U * Q", "exp(Q) * Q",
                                     "abs(Q)"])
def test_matrices_that_grow_are_a_cell_error_at_once(growing):
    """A function of a function of a matrix took time to print that doubled with each; products of sums, memory."""
    began = time.perf_counter()
    with pytest.raises(CellError, match=r"more than \d+ (factors|operations|levels)"):
        declare(START + "q = grown(U) @ h" + UPDATE, grown=lambda U: grown(U, growing))
    assert time.perf_counter() - began < 20


def grown(U, growing, times=110):
    Q = U
    for _ in range(times):
        Q = eval(growing, {"Q": Q, "U": U, "exp": exp})
    return Q


def test_functions_of_functions_of_a_matrix_print_at_once():
    began = time.perf_counter()
    cell = declare(START + "q = grown(U) @ h" + UPDATE, grown=lambda U: grown(U, "abs(Q)", 60))
    assert str(cell.spec).count("abs(") == 60
    assert time.perf_counter() - began < 20


def test_a_number_beyond_float64_is_a_cell_error():
    with pytest.raises(CellError, match="always True"):
        declare(START + "q = leaky_relu(10**400)" + UPDATE)


def deep(v):
    for _ in range(900):
        v = tanh(v)
    return v


@pytest.mark.parametrize("last", ["q = leaky_relu(nan)", "q = leaky_relu(h, nan)"])
def test_no_number_is_a_cell_error(last):
    with pytest.raises(CellError, match="a number that is none"):
        declare(START + last + UPDATE, nan=float("nan"))


@pytest.mark.parametrize("wanted", [[], {}, 3, None.__class__], ids=["list", "dict", "number", "class"])
def test_what_names_no_input_is_a_cell_error(wanted):
    with pytest.raises(CellError, match="there is no input"):
        residual("mgu", input=wanted)
