"""Cells with everything that a graph can hold, and the loss that their gradients are of."""

import dataclasses

from symcell.graph.interpret import interpret
from symcell.zoo import find, names
from tests.declare.text import declare
from tests.oracle import graphs
from tests.reductions import Means, Normed

SIZES = {"I": 2, "H": 3, "O": 4, "P": 4, "M": 5, "ONE": 1, "Z": 2}
HEAD = "x, h = Input(), State()\nW, U, b = Matrix(h, x), Matrix(h, h), Vector(h)\n"
MIXED = declare("""
x, h, c = Input(), State(), State("P")
W, V, b, g = Matrix(h, x), Matrix("P", h), Vector(h), Vector("P")
s, t, k = Scalar(), Scalar(), Constant(0.3)

a = sigmoid(s)
e = exp(t) * a
h.next = a * h + tanh(W @ x + s) * exp(b) + k * (V.T @ c)
c.next = s * (V @ h.next) + e * c + k * g
y = Output(c.next * c + s)
""", name="Mixed")
STATIC = declare(HEAD + "V = Matrix(x, h)\nh.next = tanh(U @ b + W @ (V @ exp(b)) + U @ (h * b) + W @ x) + U.T @ b",
                 name="Static")
SEVERAL = declare("""
x, m, k, e = Input(), Input("H"), Input("M"), Input("ONE")
h, c = State(), State("M")
W, U, Q, V, R, G = Matrix(h, x), Matrix(h, h), Matrix(x, h), Matrix(h, c), Matrix(c, h), Matrix("ONE", h)
E = Matrix(h, e)

f = sigmoid(W @ (sigmoid(Q @ h) * x) + U @ h + E @ e)
c.next = tanh(R @ h + k) * c
h.next = m * (f * h + V @ c.next) + (1 - m) * h + E @ (sigmoid(G @ h) * e)
""", name="Several")
WHOLE = declare("""
x, h = Input(), State()
m, r, z, s = Input(x, each="sequence"), Input(h, each="sequence"), Input("Z", each="sequence"), Scalar()
W, U, V, b, a = Matrix(h, x), Matrix(h, h), Matrix(h, z), Vector(h), Scalar()

p = tanh(V @ z + b)
q = p * sigmoid(a) * r + exp(s) * p
g = sigmoid(W @ (m * x) + U @ (r * h) + V @ z + q * a + sigmoid(a) * b)
h.next = g * h + (1 - g) * p * r
y = Output(U @ (q * p))
""", name="Whole")
FIXED = declare("""
x, h = Input(), State()
W, M, k = Matrix(h, x), Matrix(h, h, learned=False), Vector(h, learned=False)
U, b = Matrix(h, h), Vector(h)

h.next = tanh(W @ x + M @ h + M.T @ (k * h) + U @ k + M @ b) * k
""", name="Fixed")
CELLS = [*map(find, names()), MIXED, STATIC, SEVERAL, WHOLE, FIXED, Means, Normed]
TINY = 1e-30


def loss(cell, sample, **changes):
    """The loss that the sample's adjoints seed, complex where one of the arrays is."""
    sample = dataclasses.replace(sample, **changes)
    forward, _ = graphs(cell)
    trace = interpret(forward, sample.sizes["T"], sample.inputs(cell), {**sample.params, **sample.constants},
                      sample.state, sample.sizes)
    return (sample.dy * trace.steps[forward.outputs[0]]).sum() + sum(
        (sample.dstate[name] * array).sum() for name, array in trace.carries.items())
