"""Gated recurrent units whose gates see less: Dey and Salem's three variants."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class GRU1(Cell):
    """GRU whose gates see the state and a bias. Dey and Salem 2017, arXiv:1701.05923, variant GRU1.

    Convention: z = 1 takes the candidate, r applies before the product, as in "gru_reset_before_inverted".
    """

    x = Input()
    h = State()
    W_n, U_r, U_z, U_n = Matrix(h, x), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_r, b_z, b_n = Vector(h), Vector(h), Vector(h)

    r = sigmoid(U_r @ h + b_r)
    z = sigmoid(U_z @ h + b_z)
    n = tanh(W_n @ x + U_n @ (r * h) + b_n)
    h.next = (1 - z) * h + z * n


class GRU2(Cell):
    """GRU whose gates see the state only. Dey and Salem 2017, arXiv:1701.05923, variant GRU2.

    Convention: as "gru1" without the gates' biases.
    """

    x = Input()
    h = State()
    W_n, U_r, U_z, U_n, b_n = Matrix(h, x), Matrix(h, h), Matrix(h, h), Matrix(h, h), Vector(h)

    r = sigmoid(U_r @ h)
    z = sigmoid(U_z @ h)
    n = tanh(W_n @ x + U_n @ (r * h) + b_n)
    h.next = (1 - z) * h + z * n


class GRU3(Cell):
    """GRU whose gates are biases only. Dey and Salem 2017, arXiv:1701.05923, variant GRU3.

    Convention: as "gru1" without the gates' products, so that each unit has its own fixed r and z.
    """

    x = Input()
    h = State()
    W_n, U_n = Matrix(h, x), Matrix(h, h)
    b_r, b_z, b_n = Vector(h), Vector(h), Vector(h)

    r = sigmoid(b_r)
    z = sigmoid(b_z)
    n = tanh(W_n @ x + U_n @ (r * h) + b_n)
    h.next = (1 - z) * h + z * n
