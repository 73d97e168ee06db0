"""What is wrong about a function of the author's own is refused where it is registered."""

import numpy as np
import pytest

from symcell import CellError, exp
from symcell.declare.functions import FUNCTIONS
from tests.declare.mish import mish, mish_numpy

pytestmark = pytest.mark.usefixtures("table")


def lonely(x):
    """Finite at the points of the trial only."""
    return np.where(np.isin(x, np.random.default_rng(0).uniform(-3, 3, 64)), 0.0, np.nan)


def test_registering_again():
    first = mish()
    assert mish() is first
    with pytest.raises(CellError, match="mish is registered already, with another definition"):
        mish(c="vtanh({0})")
    with pytest.raises(CellError, match="mish is registered already"):
        mish(latex=r"m({0})")
    with pytest.raises(CellError, match="mish is registered already"):
        mish(numpy=lambda x: mish_numpy(x) + 1)


@pytest.mark.parametrize(("changed", "message"), [
    ({"name": "tanh"}, "tanh is a word of the language already"), ({"name": "where"}, "is a word of the language"),
    ({"name": "State"}, "is a word of the language"), ({"name": "pi"}, "is a word of the language"),
    ({"name": "float"}, "is a reserved word"), ({"name": "a b"}, "the name 'a b' cannot be used"),
    ({"name": "f)(x"}, "cannot be used"), ({"name": 3}, "the name 3 cannot be used"),
    ({"derivative": 1}, "expected functions as `derivative`"), ({"derivative": ()}, "expected functions"),
    ({"numpy": None}, "expected functions"), ({"c": ""}, "expected a C expression"), ({"c": None}, "expected a C"),
    *(({"c": c}, f"mish: expected a C expression .* {why}") for c, why in (
        ("{}", "'{' does not belong"), ("{x}", "'{' does not belong"), ("{10}", "'{' does not belong"),
        ("{\u0660}", "'{' does not belong"),
        ("{0} /* ", r"'/\*' does not"), ("{0} // x", "'//' does not"), ("{0}; }", "';' does not"), ("#{0}", "'#' does"),
        ("vexp({0}) <% ", "'%' does not"), ("'{0}'", '"\'" does not'), ('"{0}"', "'\"' does not"),
        ("{0}\\", "does not"), ("{0} = {0}", "'=' does not"), ("{0}++", r"'\+\+' does not"),
        ("(vexp({0})", "its brackets do not match"), ("vexp){0}(", "its brackets do not match"),
        ("{0}, {0}", "not one expression"), ("({0}, {0})", "not one expression"), ("{0} +", "not one expression"),
        ("* {0}", "not one expression"), (" ", "not one expression"), ("v{0}", r"v\{0\} would run together"),
        ("{0}{0}", "would run together"), ("{0}.5", "would run together"), (3, "no text"))),
    *(({"cost": cost}, "mish: `cost` counts multiplications; expected an integer from 0 to 1000000, got ")
      for cost in ("a", None, -5, np.nan, np.inf, True, 2.5, 10**7)),
    ({"c": "{1}"}, r"`c` has the place \{1\}, and the function has 1 argument, the first of which is \{0\}"),
    ({"latex": "{0} {3}"}, r"`latex` has the place \{3\}"), ({"latex": "m"}, r"with \{0\} for the argument"),
    ({"latex": "é{0}"}, "ASCII"), ({"latex": "{0}$"}, "none of"), ({"latex": "{0}\n"}, "ASCII"),
    ({"latex": 3}, "got 3"),
    ({"latex": r"\input{{0}}"}, r"holds \\input, which is no mathematics"),
    ({"latex": r"\gdef\x{{0}}"}, r"holds \\gdef"), ({"latex": r"\write18{{0}}"}, r"holds \\write"),
    ({"latex": r"{0}\end{document}"}, r"holds \\end"), ({"latex": "m({0}}"}, "braces"), ({"latex": "}{0}{"}, "braces"),
    ({"derivative": lambda x: 1}, "`derivative`, called with a0, y, fails: TypeError"),
    ({"derivative": lambda x, y: None}, "`derivative`, called with a0, y, fails: SympifyError"),
    ({"derivative": lambda x, y: "x"}, "`derivative`, called with a0, y, fails: SympifyError"),
    ({"derivative": lambda x, y: __import__("sympy").cos(x)}, "`derivative` uses cos, which is not in the table"),
    ({"derivative": lambda x, y: exp(x) ** 0.5}, "holds the power"),
    ({"derivative": lambda x, y: 1 / (x - x)}, "uses ComplexInfinity"),
    ({"numpy": lambda x: 1.0}, r"`numpy` is expected to give a float64 array of the shape \(64,\)"),
    ({"numpy": lambda x: x[:3]}, r"got float64 \(3,\)"), ({"numpy": lambda x: x.astype("f4")}, "got float32"),
    ({"numpy": lambda x: 1 / 0}, "`numpy` fails on arrays of float64: ZeroDivisionError"),
    ({"numpy": lambda x: x * np.nan}, "is finite at 0 of 64"),
    ({"domain": (1, 0)}, "`domain` is two numbers"), ({"domain": 3}, "`domain` is two numbers"),
    ({"domain": (0, np.inf)}, "`domain` is two numbers"), ({"domain": (-1e308, 1e308)}, "`domain` is two numbers"),
    ({"domain": (0, 10**400)}, "`domain` is two numbers"), ({"domain": (1, 1 + 1e-9)}, "a millionth of the larger"),
    ({"domain": (0, 1e-300)}, "a millionth of the larger"),
    ({"numpy": lonely}, "the differences of `numpy` are finite at 0 of 64 points"),
])
def test_a_malformed_function_is_refused(changed, message):
    with pytest.raises(CellError, match=message):
        mish(**changed)
    assert "mish" not in FUNCTIONS
