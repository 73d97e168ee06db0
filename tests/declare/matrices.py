"""A cell that applies one expression of matrices."""

import symcell
from tests.declare.text import declare
from tests.oracle import Sample, run

WORDS = {"softmax": symcell.softmax, "Identity": symcell.Identity, "BlockDiagonal": symcell.BlockDiagonal}
BODY = """
x, h = Input(), State()
W, U, V, P, Q = Matrix(h, x), Matrix(h, h), Matrix(h, h), Matrix(h, "R"), Matrix(h, "R")
b, a, k = Vector(h), Scalar(), Constant(0.5)
{before}
y = Output({expression} + 0 * b)
h.next = h
"""


def applied(expression, before=""):
    cell = declare(BODY.format(before=before, expression=expression), **WORDS)
    sample = Sample.draw(cell, T=2, B=2, I=2, H=3, R=2, seed=5)
    return run(cell, sample), sample, cell
