"""Cells whose transition depends on the input by a product."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class MultiplicativeRNN(Cell):
    """Multiplicative RNN. Sutskever, Martens and Hinton 2011, ICML, 1017-1024, eqs. 7 and 8.

    Generating text with recurrent neural networks, in the Proceedings of the 28th International Conference on Machine
    Learning.

    Convention: the intermediate state m = (W_m x) * (U_m h), of a size M of its own, is the paper's f and takes the
    place of h. The paper has no bias in eq. 8; 0 leaves it out. Its output layer, eq. 9, is left to the caller.
    """

    x = Input()
    h = State()
    W_m, U_m = Matrix("M", x), Matrix("M", h)
    W, U, b = Matrix(h, x), Matrix(h, "M"), Vector(h)

    m = (W_m @ x) * (U_m @ h)
    h.next = tanh(W @ x + U @ m + b)


class RNNMultiplicativeIntegration(Cell):
    """RNN with multiplicative integration. Wu, Zhang, Zhang, Bengio et al. 2016, arXiv:1606.06630, section 2.1.

    Convention: the general form, with a vector for the product and one for each of its factors. Those start at 0 like
    every vector here, where the paper starts them at numbers near 1.
    """

    x = Input()
    h = State()
    W, U = Matrix(h, x), Matrix(h, h)
    p, p_u, p_w, b = Vector(h), Vector(h), Vector(h), Vector(h)

    w = W @ x
    u = U @ h
    h.next = tanh(p * w * u + p_u * u + p_w * w + b)


class LSTMMultiplicative(Cell):
    """Multiplicative LSTM. Krause, Lu, Murray and Renals 2016, arXiv:1609.07959, eq. 18.

    Convention: h' = o * tanh(c'), the output gate outside tanh, as in the authors' code; tanh(o * c') is another cell.
    The intermediate state m, which is eq. 18, replaces h in every gate and in the candidate, which have biases as in
    "lstm" and in that code; m itself has none. torchrecurrent 0.2.5 adds one to each of its two factors.
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
