"""Quasi-recurrent networks: a convolution over time makes the gates, a pooling without matrices is the recurrence."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, Output, State


class QRNNF(Cell):
    """Quasi-recurrent network, f-pooling. Bradbury, Merity, Xiong and Socher 2016, arXiv:1611.01576, eqs. 2 and 3.

    Convention: filters of width two, V on the input p of the step before and W on that of now, without biases as in the
    paper; f = 1 keeps the state.
    """

    x = Input()
    h, p = State(), State("I")
    W_z, W_f = Matrix(h, x), Matrix(h, x)
    V_z, V_f = Matrix(h, x), Matrix(h, x)

    z = tanh(W_z @ x + V_z @ p)
    f = sigmoid(W_f @ x + V_f @ p)
    h.next = f * h + (1 - f) * z
    p.next = x


class QRNNFO(Cell):
    """Quasi-recurrent network, fo-pooling. Bradbury, Merity, Xiong and Socher 2016, arXiv:1611.01576, eqs. 2 and 4.

    Convention: as "qrnn_f", with an output gate.
    """

    x = Input()
    c, p = State(), State("I")
    W_z, W_f, W_o = Matrix(c, x), Matrix(c, x), Matrix(c, x)
    V_z, V_f, V_o = Matrix(c, x), Matrix(c, x), Matrix(c, x)

    z = tanh(W_z @ x + V_z @ p)
    f = sigmoid(W_f @ x + V_f @ p)
    o = sigmoid(W_o @ x + V_o @ p)
    c.next = f * c + (1 - f) * z
    p.next = x
    h = Output(o * c.next)


class QRNNIFO(Cell):
    """Quasi-recurrent network, ifo-pooling. Bradbury, Merity, Xiong and Socher 2016, arXiv:1611.01576, eqs. 2 and 5.

    Convention: as "qrnn_fo", with an input gate of its own.
    """

    x = Input()
    c, p = State(), State("I")
    W_z, W_i, W_f, W_o = Matrix(c, x), Matrix(c, x), Matrix(c, x), Matrix(c, x)
    V_z, V_i, V_f, V_o = Matrix(c, x), Matrix(c, x), Matrix(c, x), Matrix(c, x)

    z = tanh(W_z @ x + V_z @ p)
    i = sigmoid(W_i @ x + V_i @ p)
    f = sigmoid(W_f @ x + V_f @ p)
    o = sigmoid(W_o @ x + V_o @ p)
    c.next = f * c + i * z
    p.next = x
    h = Output(o * c.next)
