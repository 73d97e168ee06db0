"""The three best cells of an evolutionary search among ten thousand. Jozefowicz, Zaremba and Sutskever 2015."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class MUT1(Cell):
    """First mutant of the GRU. Jozefowicz, Zaremba and Sutskever 2015, ICML, PMLR 37, 2342-2350, section 4.

    Convention: z = 1 takes the candidate n and sees the input only. The paper has tanh(x) in n, which needs I = H; here
    it is tanh(W_n x), W_n = 1 in the paper. torchrecurrent 0.2.5 adds a bias inside that tanh.
    """

    x = Input()
    h = State()
    W_z, W_r, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_r, U_n = Matrix(h, h), Matrix(h, h)
    b_z, b_r, b_n = Vector(h), Vector(h), Vector(h)

    z = sigmoid(W_z @ x + b_z)
    r = sigmoid(W_r @ x + U_r @ h + b_r)
    n = tanh(U_n @ (r * h) + tanh(W_n @ x) + b_n)
    h.next = n * z + h * (1 - z)


class MUT2(Cell):
    """Second mutant of the GRU. Jozefowicz, Zaremba and Sutskever 2015, ICML, PMLR 37, 2342-2350, section 4.

    Convention: z = 1 takes the candidate n. The paper has x itself in r, which needs I = H; here it is W_r x, W_r = 1
    in the paper. What is left is the GRU with z the other way round.
    """

    x = Input()
    h = State()
    W_z, W_r, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_z, U_r, U_n = Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_z, b_r, b_n = Vector(h), Vector(h), Vector(h)

    z = sigmoid(W_z @ x + U_z @ h + b_z)
    r = sigmoid(W_r @ x + U_r @ h + b_r)
    n = tanh(U_n @ (r * h) + W_n @ x + b_n)
    h.next = n * z + h * (1 - z)


class MUT3(Cell):
    """Third mutant of the GRU. Jozefowicz, Zaremba and Sutskever 2015, ICML, PMLR 37, 2342-2350, section 4.

    Convention: z = 1 takes the candidate n, and sees tanh(h).
    """

    x = Input()
    h = State()
    W_z, W_r, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_z, U_r, U_n = Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_z, b_r, b_n = Vector(h), Vector(h), Vector(h)

    z = sigmoid(W_z @ x + U_z @ tanh(h) + b_z)
    r = sigmoid(W_r @ x + U_r @ h + b_r)
    n = tanh(U_n @ (r * h) + W_n @ x + b_n)
    h.next = n * z + h * (1 - z)
