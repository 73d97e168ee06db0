"""Long short-term memory: the cells that most people mean by the name, with and without peepholes."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class LSTM(Cell):
    """Long short-term memory. Hochreiter and Schmidhuber 1997, Neural Computation 9(8), 1735-1780, eqs. 7 to 9.

    Convention: with the forget gate of Gers, Schmidhuber and Cummins 2000, Neural Computation 12(10), 2451-2471,
    section 3; f = 1 remembers; no peepholes; tanh on both sides of the memory; one bias per gate. The equations of 1997
    stand in section 4, numbered in appendix A.1. torch.nn.LSTM is this cell.
    """

    x = Input()
    h, c = State(), State()
    W_i, W_f, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_f, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_i, b_f, b_g, b_o = Vector(h), Vector(h), Vector(h), Vector(h)

    i = sigmoid(W_i @ x + U_i @ h + b_i)
    f = sigmoid(W_f @ x + U_f @ h + b_f)
    g = tanh(W_g @ x + U_g @ h + b_g)
    o = sigmoid(W_o @ x + U_o @ h + b_o)
    c.next = f * c + i * g
    h.next = o * tanh(c.next)


class LSTMNoBias(Cell):
    """LSTM without biases. Hochreiter and Schmidhuber 1997, Neural Computation 9(8), 1735-1780, eqs. 7 to 9.

    Convention: as "lstm" with every bias 0; torch.nn.LSTM(bias=False) is this cell.
    """

    x = Input()
    h, c = State(), State()
    W_i, W_f, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_f, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)

    i = sigmoid(W_i @ x + U_i @ h)
    f = sigmoid(W_f @ x + U_f @ h)
    g = tanh(W_g @ x + U_g @ h)
    o = sigmoid(W_o @ x + U_o @ h)
    c.next = f * c + i * g
    h.next = o * tanh(c.next)


class LSTMPeephole(Cell):
    """LSTM with peepholes. Gers, Schraudolph and Schmidhuber 2002, JMLR 3, 115-143, section 3.

    Convention: as Graves 2013, arXiv:1308.0850, eqs. 7 to 11: peepholes are diagonal, i and f see the old
    memory, o sees the new one, and tanh stands on both sides of the memory (Gers et al. leave out the
    second).
    """

    x = Input()
    h, c = State(), State()
    W_i, W_f, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_f, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    p_i, p_f, p_o = Vector(h), Vector(h), Vector(h)
    b_i, b_f, b_g, b_o = Vector(h), Vector(h), Vector(h), Vector(h)

    i = sigmoid(W_i @ x + U_i @ h + p_i * c + b_i)
    f = sigmoid(W_f @ x + U_f @ h + p_f * c + b_f)
    g = tanh(W_g @ x + U_g @ h + b_g)
    c.next = f * c + i * g
    o = sigmoid(W_o @ x + U_o @ h + p_o * c.next + b_o)
    h.next = o * tanh(c.next)


class LSTMFullPeephole(Cell):
    """LSTM whose gates see all of the memory. After Graves 2013, arXiv:1308.0850, eqs. 7 to 11.

    Convention: the peepholes are full matrices, which Graves makes diagonal, and all three gates, o too,
    see the old memory: gates are functions of x, h and c of the step before. The candidate g sees x and h
    only.
    """

    x = Input()
    h, c = State(), State()
    W_i, W_f, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_f, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    V_i, V_f, V_o = Matrix(h, c), Matrix(h, c), Matrix(h, c)
    b_i, b_f, b_g, b_o = Vector(h), Vector(h), Vector(h), Vector(h)

    i = sigmoid(W_i @ x + U_i @ h + V_i @ c + b_i)
    f = sigmoid(W_f @ x + U_f @ h + V_f @ c + b_f)
    g = tanh(W_g @ x + U_g @ h + b_g)
    o = sigmoid(W_o @ x + U_o @ h + V_o @ c + b_o)
    c.next = f * c + i * g
    h.next = o * tanh(c.next)
