"""Simple gated units: the input multiplies the state, inside one nonlinearity and another."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import hard_sigmoid, sigmoid, softplus, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class SGU(Cell):
    """Simple gated unit. Gao and Glowacka 2016, Deep gate recurrent neural network, arXiv:1604.02910.

    Convention: g, m, o are the paper's x_g, z_g, z_out; z = 1 takes the candidate. hard_sigmoid is x / 6 + 1/2,
    clipped, as in PyTorch; many texts have x / 5 + 1/2. torchrecurrent 0.2.5 has a bias inside m besides.
    """

    x = Input()
    h = State()
    W_g, W_z = Matrix(h, x), Matrix(h, x)
    U_m, U_z = Matrix(h, h), Matrix(h, h)
    b_g, b_z = Vector(h), Vector(h)

    g = W_g @ x + b_g
    m = tanh(U_m @ (g * h))
    o = softplus(m * h)
    z = hard_sigmoid(W_z @ x + U_z @ h + b_z)
    h.next = (1 - z) * h + z * o


class DSGU(Cell):
    """Deep simple gated unit. Gao and Glowacka 2016, Deep gate recurrent neural network, arXiv:1604.02910.

    Convention: as "sgu", with one more product, U_o (m * h), and sigmoid for softplus.
    """

    x = Input()
    h = State()
    W_g, W_z = Matrix(h, x), Matrix(h, x)
    U_m, U_o, U_z = Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_g, b_z = Vector(h), Vector(h)

    g = W_g @ x + b_g
    m = tanh(U_m @ (g * h))
    o = sigmoid(U_o @ (m * h))
    z = hard_sigmoid(W_z @ x + U_z @ h + b_z)
    h.next = (1 - z) * h + z * o
