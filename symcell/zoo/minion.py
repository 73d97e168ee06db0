"""Gated recurrent units whose gates are numbers that are not learned."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Constant, Input, Matrix, State, Vector


class MiRU1(Cell):
    """Minion recurrent unit with a reset gate. Zyarah and Kudithipudi 2025, arXiv:2503.06175.

    Convention: as torchrecurrent 0.2.5 and a published summary of the paper have it alike; the paper itself, also in
    Neurocomputing, doi:10.1016/j.neucom.2026.132847, was not at hand. The update gate of the GRU is one number, lam for
    lambda, for all units; r applies before the product.
    """

    x = Input()
    h = State()
    W_r, W_n = Matrix(h, x), Matrix(h, x)
    U_r, U_n = Matrix(h, h), Matrix(h, h)
    b_r, b_n = Vector(h), Vector(h)
    lam = Constant(0.5)

    r = sigmoid(W_r @ x + U_r @ h + b_r)
    n = tanh(W_n @ x + U_n @ (r * h) + b_n)
    h.next = lam * h + (1 - lam) * n


class MiRU2(Cell):
    """Minion recurrent unit without gates. Zyarah and Kudithipudi 2025, arXiv:2503.06175.

    Convention: sources as for "miru1". Both gates of the GRU are numbers: beta scales the state that the candidate
    sees, lam keeps the state.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
    lam, beta = Constant(0.5), Constant(0.5)

    n = tanh(W @ x + U @ (beta * h) + b)
    h.next = lam * h + (1 - lam) * n
