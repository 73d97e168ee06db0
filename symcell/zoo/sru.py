"""Recurrences without a matrix: states meet only themselves, entry by entry."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid
from symcell.declare.members import Input, Matrix, Output, State, Vector


class SRU(Cell):
    """Simple recurrent unit. Lei, Zhang, Wang, Dai and Artzi 2018, arXiv:1709.02755v5, eqs. 1 to 4.

    Convention: both gates see the old memory, and the highway adds (1 - r) * (W_s x), so that sizes I and H may
    differ. The paper adds (1 - r) * x, or alpha times that: W_s = 1, or alpha. Its first versions have no v_f, v_r.
    """

    x = Input()
    c = State()
    W_u, W_f, W_r, W_s = Matrix(c, x), Matrix(c, x), Matrix(c, x), Matrix(c, x)
    v_f, v_r = Vector(c), Vector(c)
    b_f, b_r = Vector(c), Vector(c)

    f = sigmoid(W_f @ x + v_f * c + b_f)
    r = sigmoid(W_r @ x + v_r * c + b_r)
    c.next = f * c + (1 - f) * (W_u @ x)
    h = Output(r * c.next + (1 - r) * (W_s @ x))


class SRURecurrence(Cell):
    """The recurrence of the SRU alone. Lei, Zhang, Wang, Dai and Artzi 2018, arXiv:1709.02755v5, eqs. 1 to 4.

    Convention: as "sru", whose products come in ready: u = W_u x, u_f = W_f x, u_r = W_r x, and for the highway
    s = W_s x, or x itself as in the paper. There is no matrix, and x is a dict of four arrays (T, B, H).
    """

    c = State()
    u, u_f, u_r, s = Input(c), Input(c), Input(c), Input(c)
    v_f, v_r = Vector(c), Vector(c)
    b_f, b_r = Vector(c), Vector(c)

    f = sigmoid(u_f + v_f * c + b_f)
    r = sigmoid(u_r + v_r * c + b_r)
    c.next = f * c + (1 - f) * u
    h = Output(r * c.next + (1 - r) * s)
