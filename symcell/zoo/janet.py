"""Additive memories: long short-term memory with most of its gates and activations taken away."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Constant, Input, Matrix, State, Vector


class JANET(Cell):
    """Just another network: the forget gate alone. Van der Westhuizen and Lasenby 2018, arXiv:1804.04849.

    Convention: s is the sum inside the gate, and what is added is scaled by 1 - sigmoid(s - beta), beta = 1, not
    learned, as in the paper. h is the memory. torchrecurrent 0.2.5 carries it twice, as h and c, and learns beta.
    """

    x = Input()
    h = State()
    W_s, W_n = Matrix(h, x), Matrix(h, x)
    U_s, U_n = Matrix(h, h), Matrix(h, h)
    b_s, b_n = Vector(h), Vector(h)
    beta = Constant(1.0)

    s = W_s @ x + U_s @ h + b_s
    n = tanh(W_n @ x + U_n @ h + b_n)
    h.next = sigmoid(s) * h + (1 - sigmoid(s - beta)) * n


class RAN(Cell):
    """Recurrent additive network. Lee, Levy and Zettlemoyer 2017, arXiv:1705.07393, eq. 1.

    Convention: the content W_g x is linear in the input, without bias; h = tanh(c), which the paper may also leave out.
    """

    x = Input()
    h, c = State(), State()
    W_g, W_i, W_f = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_f = Matrix(h, h), Matrix(h, h)
    b_i, b_f = Vector(h), Vector(h)

    i = sigmoid(W_i @ x + U_i @ h + b_i)
    f = sigmoid(W_f @ x + U_f @ h + b_f)
    c.next = i * (W_g @ x) + f * c
    h.next = tanh(c.next)
