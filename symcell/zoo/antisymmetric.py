"""Recurrent networks whose matrix is antisymmetric, from differential equations that neither grow nor decay.

Chang, Chen, Haber and Chi 2019, arXiv:1902.09689.
"""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Constant, Identity, Input, Matrix, State, Vector


class AntisymmetricRNN(Cell):
    """Antisymmetric recurrent network. Chang, Chen, Haber and Chi 2019, arXiv:1902.09689, eq. 12.

    Convention: step size epsilon and diffusion gamma are constants, which the paper tunes; they can be set at
    each call. A is made once per call. W and U are the paper's V_h and W_h; U is any matrix, where the paper also
    suggests a strictly upper triangular one, with as many different A. Equations are numbered as in the version
    submitted to ICLR, OpenReview ryxepo0cFX.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
    epsilon, gamma = Constant(0.1), Constant(0.01)

    A = U - U.T - gamma * Identity(h)
    h.next = h + epsilon * tanh(W @ x + A @ h + b)


class GatedAntisymmetricRNN(Cell):
    """Antisymmetric recurrent network with a gate. Chang, Chen, Haber and Chi 2019, arXiv:1902.09689, eq. 13.

    Convention: as "antisymmetric"; the gate z and the candidate n share the matrix A and with it one product.
    """

    x = Input()
    h = State()
    W_z, W_n, U = Matrix(h, x), Matrix(h, x), Matrix(h, h)
    b_z, b_n = Vector(h), Vector(h)
    epsilon, gamma = Constant(0.1), Constant(0.01)

    A = U - U.T - gamma * Identity(h)
    z = sigmoid(W_z @ x + A @ h + b_z)
    n = tanh(W_n @ x + A @ h + b_n)
    h.next = h + epsilon * z * n
