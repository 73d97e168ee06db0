"""Cells with fewer gates than the gated recurrent unit."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class MGU(Cell):
    """Minimal gated unit. Zhou, Wu, Zhang and Zhou 2016, arXiv:1603.09420v1, eqs. 6a to 6c.

    Convention: one gate f both resets the state that the candidate sees and mixes it in: f = 1 takes the
    candidate. The paper writes W [h, x] where this writes W x + U h.
    """

    x = Input()
    h = State()
    W_f, W_n = Matrix(h, x), Matrix(h, x)
    U_f, U_n = Matrix(h, h), Matrix(h, h)
    b_f, b_n = Vector(h), Vector(h)

    f = sigmoid(W_f @ x + U_f @ h + b_f)
    n = tanh(W_n @ x + U_n @ (f * h) + b_n)
    h.next = (1 - f) * h + f * n
