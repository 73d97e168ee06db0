"""Quantities and matrices belong to one cell, are equal only to themselves, and cannot be copied out of it."""

import copy
import pickle

import pytest
import sympy

from symcell import CellError
from symcell.declare.symbols import Apply
from symcell.graph.ir import symbol
from tests.declare.everything import Everything
from tests.declare.text import START, UPDATE, declare


def test_two_cells_have_nothing_in_common():
    first, second = declare(START + UPDATE), declare("x, h = Input(), State('P')\nh.next = h * 0.5")
    (one,) = [e.symbol for e in first.spec.equations]
    (two,) = [e.symbol for e in second.spec.equations]
    assert one.name == two.name == "h.next"
    assert one != two
    assert hash(one) != hash(two)
    assert first.h != second.h
    assert (first.h - second.h) != 0
    assert first.h != sympy.Symbol("h", real=True)
    assert symbol("h") == sympy.Symbol("h", real=True)  # of a graph: nothing is stored on it


def test_a_quantity_of_another_cell_is_refused():
    other = declare(START + UPDATE, name="Other")
    with pytest.raises(CellError, match="Trial: the symbol h was not declared in this cell"):
        declare(START + "q = h * other.h" + UPDATE, other=other)
    with pytest.raises(CellError, match="Trial: q: the matrix U belongs to the cell Other"):
        declare(START + "q = other.U @ h" + UPDATE, other=other)
    with pytest.raises(CellError, match="Trial"):
        declare(START + "V = Vector(other.h)" + UPDATE, other=other)
    with pytest.raises(CellError, match="Other"):
        other.h.next = other.b * 1


def test_copies_of_a_quantity_are_refused():
    with pytest.raises(CellError, match="belongs to the cell Everything"):
        pickle.dumps(Everything.h)
    with pytest.raises(CellError, match="belongs to the cell Everything"):
        copy.deepcopy(Everything.h)


def test_private_questions_of_sympy_are_answered_as_usual():
    assert not hasattr(Everything.h, "_latex_of_something")
    with pytest.raises(AttributeError):  # what hasattr and copy rely on
        _ = Everything.h.foo
    assert not hasattr(Everything.h, "foo")


def test_matrices_are_equal_only_to_themselves():
    assert Everything.W == Everything.W
    assert Everything.W != Everything.V
    assert Everything.W.T.T == Everything.W
    assert Everything.W.T != Everything.W
    assert (str(Everything.W), repr(Everything.W.T)) == ("W", "W.T")
    assert (Everything.W.domain, Everything.W.codomain) == ("F", "H")
    assert (Everything.W.T.domain, Everything.W.T.codomain) == ("H", "F")
    assert isinstance(Everything.W @ Everything.x, Apply)
