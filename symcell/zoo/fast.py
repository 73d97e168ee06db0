"""Small cells for small machines: two learned scalars mix the state, one matrix serves gate and candidate."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, Scalar, State, Vector


class FastRNN(Cell):
    """Recurrent network with a weighted residual connection. Kusupati et al. 2018, arXiv:1901.02358.

    Convention: the weights of candidate and old state are sigmoids of the learned scalars alpha and beta, made
    once per call, and start at 0.05 and 0.95; the candidate is tanh.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
    alpha, beta = Scalar(init=-3), Scalar(init=3)

    n = tanh(W @ x + U @ h + b)
    h.next = sigmoid(alpha) * n + sigmoid(beta) * h


class FastGRNN(Cell):
    """Gated recurrent network with one W and one U. Kusupati et al. 2018, arXiv:1901.02358.

    Convention: gate z and candidate n differ in their biases only; the paper's scalars between 0 and 1 are
    sigmoids of the learned zeta and nu. z is a sigmoid, as in the paper; in torchrecurrent 0.2.5 it is a tanh by
    default, which is another cell, and this one with nonlinearity="sigmoid".
    """

    x = Input()
    h = State()
    W, U = Matrix(h, x), Matrix(h, h)
    b_z, b_n = Vector(h), Vector(h)
    zeta, nu = Scalar(init=1), Scalar(init=-4)

    a = W @ x + U @ h
    z = sigmoid(a + b_z)
    n = tanh(a + b_n)
    h.next = (sigmoid(zeta) * (1 - z) + sigmoid(nu)) * n + z * h


class FastGRNNLowRank(Cell):
    """FastGRNN with matrices of low rank. Kusupati et al. 2018, arXiv:1901.02358.

    Convention: as "fastgrnn", with W = W_1 W_2^T of rank R and U = U_1 U_2^T of rank S. The products are never
    formed: U h costs 2 H S multiplications instead of H^2. torchrecurrent 0.2.5 has no such matrices, and its FastGRNN
    by default a tanh where z is a sigmoid here, as in the paper.
    """

    x = Input()
    h = State()
    W_1, W_2, U_1, U_2 = Matrix(h, "R"), Matrix(x, "R"), Matrix(h, "S"), Matrix(h, "S")
    b_z, b_n = Vector(h), Vector(h)
    zeta, nu = Scalar(init=1), Scalar(init=-4)

    a = (W_1 @ W_2.T) @ x + (U_1 @ U_2.T) @ h
    z = sigmoid(a + b_z)
    n = tanh(a + b_n)
    h.next = (sigmoid(zeta) * (1 - z) + sigmoid(nu)) * n + z * h
