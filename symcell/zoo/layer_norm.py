"""Layer normalisation inside the cell: of what comes from the input, from the state, and of the memory."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector
from symcell.declare.normalise import layer_norm


class LSTMLayerNorm(Cell):
    """Layer-normalised LSTM. Ba, Kiros and Hinton 2016, arXiv:1607.06450, eqs. 20 to 22.

    Convention: W x and U h are normalised apart, each over all four gates at once, and so is the new memory before
    the output, but not the memory that is handed on. The equations stand in the supplementary material. g_x and g_h are
    the gains. One bias per gate: those of both norms and b of eq. 20 only ever occur as their sum. eps is 1e-5, which
    the paper leaves out.
    """

    x = Input()
    h, c = State(), State()
    W_i, W_f, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_f, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    g_x_i, g_x_f, g_x_g, g_x_o = Vector(h, init=1.0), Vector(h, init=1.0), Vector(h, init=1.0), Vector(h, init=1.0)
    g_h_i, g_h_f, g_h_g, g_h_o = Vector(h, init=1.0), Vector(h, init=1.0), Vector(h, init=1.0), Vector(h, init=1.0)
    b_i, b_f, b_g, b_o = Vector(h), Vector(h), Vector(h), Vector(h)
    g_c, b_c = Vector(h, init=1.0), Vector(h)

    x_i, x_f, x_g, x_o = layer_norm((W_i @ x, W_f @ x, W_g @ x, W_o @ x), (g_x_i, g_x_f, g_x_g, g_x_o))
    h_i, h_f, h_g, h_o = layer_norm((U_i @ h, U_f @ h, U_g @ h, U_o @ h), (g_h_i, g_h_f, g_h_g, g_h_o))
    i = sigmoid(x_i + h_i + b_i)
    f = sigmoid(x_f + h_f + b_f)
    g = tanh(x_g + h_g + b_g)
    o = sigmoid(x_o + h_o + b_o)
    c.next = f * c + i * g
    h.next = o * tanh(layer_norm(c.next, g_c, b_c))


class GRULayerNorm(Cell):
    """Layer-normalised GRU. Ba, Kiros and Hinton 2016, arXiv:1607.06450, eqs. 26 to 28.

    Convention: W x and U h are normalised apart, those of the gates r and z over both at once; z = 1 takes the new
    value, as in the paper and against "gru"; r acts after the product. All biases are those of the norms, one per gate,
    as in "lstm_layer_norm"; of the candidate's two, c_n stands inside the reset. eps is 1e-5, which the paper leaves
    out.
    """

    x = Input()
    h = State()
    W_r, W_z, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_r, U_z, U_n = Matrix(h, h), Matrix(h, h), Matrix(h, h)
    g_x_r, g_x_z, g_x_n = Vector(h, init=1.0), Vector(h, init=1.0), Vector(h, init=1.0)
    g_h_r, g_h_z, g_h_n = Vector(h, init=1.0), Vector(h, init=1.0), Vector(h, init=1.0)
    b_r, b_z, b_n, c_n = Vector(h), Vector(h), Vector(h), Vector(h)

    x_r, x_z = layer_norm((W_r @ x, W_z @ x), (g_x_r, g_x_z))
    h_r, h_z = layer_norm((U_r @ h, U_z @ h), (g_h_r, g_h_z))
    r = sigmoid(x_r + h_r + b_r)
    z = sigmoid(x_z + h_z + b_z)
    n = tanh(layer_norm(W_n @ x, g_x_n, b_n) + r * layer_norm(U_n @ h, g_h_n, c_n))
    h.next = (1 - z) * h + z * n
