"""Planted errors in what runs for the whole sequence: the kernel's oracle, and chunks of steps, find each of them."""

import pytest

from symcell import Cell, Input, Matrix, State, tanh
from symcell.compiler import stages
from symcell.proof import kernel as oracle
from symcell.render.source import render
from symcell.runtime.cache import build
from symcell.runtime.kernel import Kernel
from symcell.runtime.load import load_extension

pytestmark = pytest.mark.usefixtures("poisoned")


class Planted(Cell):
    """A mask before a projection, a context in the step, a product that runs once."""

    x, h = Input(), State()
    m, z = Input(x, each="sequence"), Input("Z", each="sequence")
    W, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, z)
    h.next = tanh(W @ (m * x) + U @ h + tanh(V @ z))


FILES = render("planted", Planted.spec, stages(Planted).program, "0").files
ERRORS = {
    "none": ("", "", 0),
    "every step and sequence read the first row": (" % c->span.rows *", " % 1 *", 1),
    "the last step in place of the sum": ("vaccumulate(", "vput(", 2),
    "what runs before all steps is left out": ("SC(planted_forward_first)(c, 0, span->rows, part);", ";", 1),
    "what runs after them sees one row": ("(c, 0, span->rows, part);", "(c, 0, span->rows > 0, part);", 4),
    "sums that do not start at zero": ("'zero': True", "'zero': False", 2),
}


@pytest.mark.parametrize("error", ERRORS)
def test_a_planted_error_is_found(error):
    right, wrong, least = ERRORS[error]
    files = {name: text.replace(right, wrong) if right else text for name, text in FILES.items()}
    assert sum(text.count(right) for text in FILES.values() if right) >= least
    module = load_extension("planted", build("planted", files, ["base"]))
    passed = all(row.passed for row in oracle.check(Planted.spec, Kernel(module, "float64")))
    assert passed == (error == "none")
