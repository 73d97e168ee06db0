"""Gated recurrent units: where r applies, and which way z points, differ from text to text."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class GRU(Cell):
    """Gated recurrent unit, reset after the product. Cho et al. 2014, arXiv:1406.1078v1, eq. 8.

    Convention: eq. 8 is the candidate, in the first version of the paper: r scales U_n h + c_n, which therefore has a
    bias of its own. In the later ones it scales h: "gru_reset_before". z = 1 keeps the state. torch.nn.GRU, cuDNN and
    Keras (reset_after=True) run this cell; it needs one product with the state per step. The paper writes no biases.
    """

    x = Input()
    h = State()
    W_r, W_z, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_r, U_z, U_n = Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_r, b_z, b_n, c_n = Vector(h), Vector(h), Vector(h), Vector(h)

    r = sigmoid(W_r @ x + U_r @ h + b_r)
    z = sigmoid(W_z @ x + U_z @ h + b_z)
    n = tanh(W_n @ x + b_n + r * (U_n @ h + c_n))
    h.next = (1 - z) * n + z * h


class GRUNoBias(Cell):
    """Gated recurrent unit without biases, reset after the product. Cho et al. 2014, arXiv:1406.1078v1, eq. 8.

    Convention: as "gru" with every bias 0, as the paper writes it: z = 1 keeps the state. torch.nn.GRU(bias=False) is
    this cell.
    """

    x = Input()
    h = State()
    W_r, W_z, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_r, U_z, U_n = Matrix(h, h), Matrix(h, h), Matrix(h, h)

    r = sigmoid(W_r @ x + U_r @ h)
    z = sigmoid(W_z @ x + U_z @ h)
    n = tanh(W_n @ x + r * (U_n @ h))
    h.next = (1 - z) * n + z * h


class GRUResetBefore(Cell):
    """Gated recurrent unit, reset before the product. Cho et al. 2014, arXiv:1406.1078v3, eqs. 5 to 8.

    Convention: r scales the state that U_n sees, and z = 1 keeps the state, both as in the paper, which writes
    no biases. Keras calls it reset_after=False, ONNX linear_before_reset=0. No choice of weights makes it
    the cell "gru".
    """

    x = Input()
    h = State()
    W_r, W_z, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_r, U_z, U_n = Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_r, b_z, b_n = Vector(h), Vector(h), Vector(h)

    r = sigmoid(W_r @ x + U_r @ h + b_r)
    z = sigmoid(W_z @ x + U_z @ h + b_z)
    n = tanh(W_n @ x + U_n @ (r * h) + b_n)
    h.next = (1 - z) * n + z * h


class GRUResetBeforeInverted(Cell):
    """Gated recurrent unit whose z replaces the state. Chung et al. 2014, arXiv:1412.3555, section 3.2.

    Convention: z = 1 takes the candidate, h' = (1 - z) * h + z * n, where "gru_reset_before" keeps the
    state; r applies before the product. Negating W_z, U_z and b_z turns one into the other exactly. The
    paper writes no biases.
    """

    x = Input()
    h = State()
    W_r, W_z, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_r, U_z, U_n = Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_r, b_z, b_n = Vector(h), Vector(h), Vector(h)

    r = sigmoid(W_r @ x + U_r @ h + b_r)
    z = sigmoid(W_z @ x + U_z @ h + b_z)
    n = tanh(W_n @ x + U_n @ (r * h) + b_n)
    h.next = (1 - z) * h + z * n
