"""Long short-term memory whose transition depends on the input by a product."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.scope).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class LSTMMultiplicative(Cell):
    """Multiplicative LSTM. Krause, Lu, Murray and Renals 2016, arXiv:1609.07959.

    Convention: h' = o * tanh(c'), the output gate outside tanh; tanh(o * c') is another cell. The intermediate
    state m replaces h in every gate and in the candidate, which have biases as in "lstm"; m itself has none.
    """

    x = Input()
    h, c = State(), State()
    W_m, U_m = Matrix(h, x), Matrix(h, h)
    W_i, W_f, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_f, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_i, b_f, b_g, b_o = Vector(h), Vector(h), Vector(h), Vector(h)

    m = (W_m @ x) * (U_m @ h)
    i = sigmoid(W_i @ x + U_i @ m + b_i)
    f = sigmoid(W_f @ x + U_f @ m + b_f)
    g = tanh(W_g @ x + U_g @ m + b_g)
    o = sigmoid(W_o @ x + U_o @ m + b_o)
    c.next = f * c + i * g
    h.next = o * tanh(c.next)
