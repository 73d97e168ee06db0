"""The number inside the root of a normalisation is positive, or a formula."""

import pytest
import sympy

from symcell import CellError, layer_norm, rms_norm
from tests.declare.text import declare


@pytest.mark.parametrize("word", [layer_norm, rms_norm])
@pytest.mark.parametrize("eps", ["-1", "0", "-1e-5", "float('nan')", "float('inf')", "-2 / two", "None", "True", "'1'"])
def test_an_eps_that_is_no_positive_number_is_refused(word, eps):
    with pytest.raises(CellError, match=rf"{word.__name__}\(\): eps is .*; expected a positive number\."):
        declare(f"x, h = Input('H'), State()\nh.next = norm(x + h, eps={eps})", norm=word, two=sympy.Integer(2))


def test_an_eps_may_be_a_constant_or_learned():
    cell = declare("x, h, e = Input('H'), State(), Constant(1e-3)\nh.next = norm(x + h, eps=e)", norm=layer_norm)
    assert "e + " in str(cell.spec)
    cell = declare("x, h, e = Input('H'), State(), Scalar(init=1e-3)\nh.next = norm(x + h, eps=e**2)", norm=rms_norm)
    assert "e**2 + " in str(cell.spec)
