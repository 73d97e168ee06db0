"""Cells whose units can have two stable states."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class BR(Cell):
    """Bistable recurrent cell. Vecoven, Ernst and Drion 2021, arXiv:2006.05252, PLoS ONE 16(6), e0252676.

    Convention: a unit sees its own state only, a in (0, 2) is its feedback (above 1 it is bistable), c = 1 keeps the
    state. The paper writes no biases, the authors' code has b_a and b_c; 0 leaves them out.
    """

    x = Input()
    h = State()
    W_a, W_c, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    w_a, w_c = Vector(h), Vector(h)
    b_a, b_c, b_n = Vector(h), Vector(h), Vector(h)

    a = 1 + tanh(W_a @ x + w_a * h + b_a)
    c = sigmoid(W_c @ x + w_c * h + b_c)
    n = tanh(W_n @ x + a * h + b_n)
    h.next = c * h + (1 - c) * n


class NBR(Cell):
    """Recurrently neuromodulated bistable cell. Vecoven, Ernst and Drion 2021, arXiv:2006.05252.

    Convention: as "br", its biases too, but a and c of a unit see the states of all.
    """

    x = Input()
    h = State()
    W_a, W_c, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_a, U_c = Matrix(h, h), Matrix(h, h)
    b_a, b_c, b_n = Vector(h), Vector(h), Vector(h)

    a = 1 + tanh(W_a @ x + U_a @ h + b_a)
    c = sigmoid(W_c @ x + U_c @ h + b_c)
    n = tanh(W_n @ x + a * h + b_n)
    h.next = c * h + (1 - c) * n
