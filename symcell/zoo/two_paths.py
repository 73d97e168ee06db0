"""Cells of two paths: a slow context beside the state, or an output that goes up while the state goes on."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import relu, sigmoid, tanh
from symcell.declare.members import Constant, Input, Matrix, Output, State, Vector


class SCRN(Cell):
    """Structurally constrained recurrent network. Mikolov et al. 2014, arXiv:1412.7753, eqs. 4 to 6.

    Convention: the context s, of a size S of its own, is a leaky average without bias, alpha = 0.95 and not learned, as
    in the paper, which also tries a learned alpha per unit. h sees the new s; in the authors' code it sees the old one.
    The output layer has no softmax, which belongs to the loss. torchrecurrent 0.2.5 feeds the output back in place of
    the hidden state, which is another cell: "scrn_output_fed_back".
    """

    x = Input()
    h, s = State(), State("S")
    W_s, W_h, U_h, V_h = Matrix(s, x), Matrix(h, x), Matrix(h, h), Matrix(h, s)
    U_y, V_y = Matrix("O", h), Matrix("O", s)
    alpha = Constant(0.95)

    s.next = (1 - alpha) * (W_s @ x) + alpha * s
    h.next = sigmoid(V_h @ s.next + W_h @ x + U_h @ h)
    y = Output(U_y @ h.next + V_y @ s.next)


class SCRNOutputFedBack(Cell):
    """SCRN as torchrecurrent 0.2.5 has it. After Mikolov et al. 2014, arXiv:1412.7753, eqs. 4 to 6.

    Convention: the hidden layer a sees the output y of the step before, where the paper has the hidden layer itself,
    and tanh squashes the output. It has biases, and learns alpha, from 0.5; here alpha is not learned.
    """

    x = Input()
    y, s = State(), State()
    W_s, W_a, U_a, V_a = Matrix(s, x), Matrix(s, x), Matrix(s, y), Matrix(s, s)
    U_y, V_y = Matrix(y, s), Matrix(y, s)
    b_s, b_a, b_y = Vector(s), Vector(s), Vector(y)
    alpha = Constant(0.5)

    s.next = (1 - alpha) * (W_s @ x + b_s) + alpha * s
    a = sigmoid(V_a @ s.next + W_a @ x + U_a @ y + b_a)
    y.next = tanh(U_y @ a + V_y @ s.next + b_y)


class IntersectionRNN(Cell):
    """Intersection network, +RNN. Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913, eqs. 15 to 20.

    Convention: relu in depth, tanh in time; a gate of 1 lets the input up, or keeps the state. x meets the output
    component by component and so is of size H. Fixed numbers that the paper adds to the gates' biases are in these.
    """

    x = Input("H")
    h = State()
    W_u, W_n, W_g, W_k = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_u, U_n, U_g, U_k = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_u, b_n, b_g, b_k = Vector(h), Vector(h), Vector(h), Vector(h)

    u = relu(W_u @ x + U_u @ h + b_u)
    n = tanh(W_n @ x + U_n @ h + b_n)
    g = sigmoid(W_g @ x + U_g @ h + b_g)
    k = sigmoid(W_k @ x + U_k @ h + b_k)
    h.next = k * h + (1 - k) * n
    y = Output(g * x + (1 - g) * u)
