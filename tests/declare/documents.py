"""Documents to read: that of a cell of the zoo with one thing changed, or with one formula or matrix in it."""

import json
import warnings

import numpy as np

import symcell
from symcell import Cell, CellError
from symcell.graph.adjoint import adjoint
from symcell.graph.lower import lower
from symcell.zoo.gated import MGU

MGU_TEXT = MGU.to_json()


def quiet(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", symcell.UnusedParameterWarning)
        return Cell.from_json(text)


def changed(**values):
    """The document of the MGU, with other values for some of its keys."""
    return json.dumps(json.loads(MGU_TEXT) | values)


def with_formula(data):
    """A cell of vectors x (I), h (H), a matrix W (H, I), a scalar s, and one formula that reads them."""
    members = [{"word": "Input", "name": "x"}, {"word": "State", "name": "h"},
               {"word": "Matrix", "name": "W", "rows": "H", "cols": "I"}, {"word": "Scalar", "name": "s"}]
    equations = [{"name": "q", "is": data}, {"name": "h.next", "is": ["*", "q", "h"]}]
    return changed(members=members, equations=equations, output="h.next")


def with_matrix(data, name="A"):
    """A cell with x, h, a scalar s, matrices W (H, I) and U (H, H), and an equation for a matrix."""
    members = [{"word": "Input", "name": "x"}, {"word": "State", "name": "h"}, {"word": "Scalar", "name": "s"},
               {"word": "Matrix", "name": "W", "rows": "H", "cols": "I"},
               {"word": "Matrix", "name": "U", "rows": "H", "cols": "H"}]
    equations = [{"name": name, "is": data}, {"name": "h.next", "is": ["@", name, ["+", "h", ["@", "W", "x"]]]}]
    return changed(members=members, equations=equations, output="h.next")


def refused_or_valid(text):
    try:
        cell = quiet(text)
    except CellError:
        return
    again = quiet(cell.to_json())
    assert str(again.spec) == str(cell.spec)
    with np.errstate(all="ignore"):
        assert str(adjoint(lower(again.spec))) == str(adjoint(lower(cell.spec)))
