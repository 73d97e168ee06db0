"""Strongly typed recurrent networks: the state is never multiplied by a matrix, so its components keep their units."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, Output, State, Vector


class TRNN(Cell):
    """Strongly typed simple recurrent network. Balduzzi and Ghifary 2016, arXiv:1602.02218v1, eqs. 3 to 5.

    Convention: f = 1 keeps the state. As in the paper z has no bias; torchrecurrent 0.2.5 gives it one.
    """

    x = Input()
    h = State()
    W_z, W_f, b_f = Matrix(h, x), Matrix(h, x), Vector(h)

    z = W_z @ x
    f = sigmoid(W_f @ x + b_f)
    h.next = f * h + (1 - f) * z


class TGRU(Cell):
    """Strongly typed gated recurrent unit. Balduzzi and Ghifary 2016, arXiv:1602.02218.

    Convention: p is the input of the step before, which every gate sees through V; z is a vector of the state's units,
    f = 1 keeps the state.
    """

    x = Input()
    h, p = State(), State("I")
    W_z, W_f, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    V_z, V_f, V_o = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    b_z, b_f, b_o = Vector(h), Vector(h), Vector(h)

    z = W_z @ x + V_z @ p + b_z
    f = sigmoid(W_f @ x + V_f @ p + b_f)
    o = tanh(W_o @ x + V_o @ p + b_o)
    h.next = f * h + z * o
    p.next = x


class TLSTM(Cell):
    """Strongly typed long short-term memory. Balduzzi and Ghifary 2016, arXiv:1602.02218.

    Convention: as "tgru", with coupled gates for the memory c, and h = c' * o, which nothing feeds back.
    """

    x = Input()
    c, p = State(), State("I")
    W_z, W_f, W_o = Matrix(c, x), Matrix(c, x), Matrix(c, x)
    V_z, V_f, V_o = Matrix(c, x), Matrix(c, x), Matrix(c, x)
    b_z, b_f, b_o = Vector(c), Vector(c), Vector(c)

    z = W_z @ x + V_z @ p + b_z
    f = sigmoid(W_f @ x + V_f @ p + b_f)
    o = tanh(W_o @ x + V_o @ p + b_o)
    c.next = f * c + (1 - f) * z
    p.next = x
    h = Output(c.next * o)
