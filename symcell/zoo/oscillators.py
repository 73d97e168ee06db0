"""Discretised differential equations: damped and undamped oscillators."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Constant, Input, Matrix, State, Vector


class CoRNN(Cell):
    """Coupled oscillatory recurrent network. Rusch and Mishra 2021, arXiv:2010.00951, eq. 3.

    Convention: h is the paper's y and v its z, the velocity; damping by the old velocity, the explicit one of the two
    schemes of the paper and that of the authors' code. dt, gamma and epsilon are not learned.
    """

    x = Input()
    h, v = State(), State()
    W, U, V, b = Matrix(h, x), Matrix(h, h), Matrix(h, v), Vector(h)
    dt, gamma, epsilon = Constant(0.1), Constant(1.0), Constant(1.0)

    v.next = v + dt * (tanh(U @ h + V @ v + W @ x + b) - gamma * h - epsilon * v)
    h.next = h + dt * v.next


class UnICORNN(Cell):
    """Undamped independent controlled oscillatory network. Rusch and Mishra 2021, arXiv:2103.05487.

    Convention: one layer of the paper's stack; h is its y, v its z, s its c, the learned logit of each unit's
    time scale. The step is symplectic: h moves by the new velocity. dt and alpha are not learned.
    """

    x = Input()
    h, v = State(), State()
    W, u, s, b = Matrix(h, x), Vector(h), Vector(h), Vector(h)
    dt, alpha = Constant(0.1), Constant(0.0)

    step = dt * sigmoid(s)
    v.next = v - step * (tanh(u * h + W @ x + b) + alpha * h)
    h.next = h + step * v.next
