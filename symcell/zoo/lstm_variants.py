"""Long short-term memory with a gate or an activation removed, coupled or turned round."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class LSTMLinearOutput(Cell):
    """LSTM that shows its memory as it is. Greff et al. 2017, arXiv:1503.04069, variant NOAF.

    Convention: as "lstm" but h' = o * c' where that has h' = o * tanh(c'); no peepholes.
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
    h.next = o * c.next


class LSTMInvertedForget(Cell):
    """LSTM whose forget gate forgets. After Gers et al. 2000, Neural Computation 12(10), 2451-2471, section 3.

    Convention: f = 1 erases the memory, as the gate's name says: c' = (1 - f) * c + i * g. In the paper,
    and in "lstm", f = 1 keeps it. Negating W_f, U_f and b_f turns one into the other exactly.
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
    c.next = (1 - f) * c + i * g
    h.next = o * tanh(c.next)


class LSTMNoForget(Cell):
    """LSTM without forget gate. Hochreiter and Schmidhuber 1997, Neural Computation 9(8), 1735-1780, eqs. 3 to 9.

    Convention: the memory only adds up, c' = c + i * g, and tanh stands on both sides of it, as in variant
    NFG of Greff et al. 2017, arXiv:1503.04069; the paper of 1997 scales logistic functions to (-2, 2) and
    (-1, 1), eqs. 5 and 4. Its equations stand in section 4, numbered in appendix A.1.
    """

    x = Input()
    h, c = State(), State()
    W_i, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_i, b_g, b_o = Vector(h), Vector(h), Vector(h)

    i = sigmoid(W_i @ x + U_i @ h + b_i)
    g = tanh(W_g @ x + U_g @ h + b_g)
    o = sigmoid(W_o @ x + U_o @ h + b_o)
    c.next = c + i * g
    h.next = o * tanh(c.next)


class LSTMCoupled(Cell):
    """LSTM with coupled input and forget gate. Greff et al. 2017, arXiv:1503.04069, variant CIFG.

    Convention: the input gate is kept and f = 1 - i, so c' = (1 - i) * c + i * g; no peepholes. Some texts
    keep the forget gate instead, i = 1 - f: the same cell with its gate's weights and bias negated.
    """

    x = Input()
    h, c = State(), State()
    W_i, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_i, b_g, b_o = Vector(h), Vector(h), Vector(h)

    i = sigmoid(W_i @ x + U_i @ h + b_i)
    g = tanh(W_g @ x + U_g @ h + b_g)
    o = sigmoid(W_o @ x + U_o @ h + b_o)
    c.next = (1 - i) * c + i * g
    h.next = o * tanh(c.next)
