"""Long short-term memory with one more path: a projection, a residual, the memory in the gates, a second output."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, Output, State, Vector


class LSTMProjected(Cell):
    """LSTM with a recurrent projection (LSTMP). Sak, Senior and Beaufays 2014, arXiv:1402.1128, eqs. 7 to 12.

    Convention: h = W_p m is of size P, the paper's r, and is both fed back and the output. The paper has peepholes, and
    beside r a second projection that only the output layer sees; neither is here. It is torch.nn.LSTM with proj_size=P.
    """

    x = Input()
    h, c = State("P"), State()
    W_i, W_f, W_g, W_o = Matrix(c, x), Matrix(c, x), Matrix(c, x), Matrix(c, x)
    U_i, U_f, U_g, U_o = Matrix(c, h), Matrix(c, h), Matrix(c, h), Matrix(c, h)
    b_i, b_f, b_g, b_o = Vector(c), Vector(c), Vector(c), Vector(c)
    W_p = Matrix(h, c)

    i = sigmoid(W_i @ x + U_i @ h + b_i)
    f = sigmoid(W_f @ x + U_f @ h + b_f)
    g = tanh(W_g @ x + U_g @ h + b_g)
    o = sigmoid(W_o @ x + U_o @ h + b_o)
    c.next = f * c + i * g
    h.next = W_p @ (o * tanh(c.next))


class LSTMResidual(Cell):
    """Residual LSTM. Kim, El-Khamy and Lee 2017, arXiv:1701.03360v1, eqs. 4 to 7 and 12 to 14.

    Convention: the input joins the projected memory, W_p tanh(c) + W_h x, before the output gate; where sizes agree the
    paper takes W_h = 1, eq. 15. Peepholes are diagonal, o sees the new memory.
    """

    x = Input()
    h, c = State(), State()
    W_i, W_f, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_f, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    p_i, p_f, p_o = Vector(h), Vector(h), Vector(h)
    b_i, b_f, b_g, b_o = Vector(h), Vector(h), Vector(h), Vector(h)
    W_p, W_h = Matrix(h, c), Matrix(h, x)

    i = sigmoid(W_i @ x + U_i @ h + p_i * c + b_i)
    f = sigmoid(W_f @ x + U_f @ h + p_f * c + b_f)
    g = tanh(W_g @ x + U_g @ h + b_g)
    c.next = f * c + i * g
    o = sigmoid(W_o @ x + U_o @ h + p_o * c.next + b_o)
    h.next = o * (W_p @ tanh(c.next) + W_h @ x)


class LSTMWorkingMemory(Cell):
    """LSTM with working memory connections. Landi, Baraldi, Cornia and Cucchiara 2021, arXiv:2109.00020.

    Convention: each gate sees tanh of a full product with the memory, i and f the old one, o the new one. The
    connection has no bias of its own; torchrecurrent 0.2.5 gives it one.
    """

    x = Input()
    h, c = State(), State()
    W_i, W_f, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_f, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    V_i, V_f, V_o = Matrix(h, c), Matrix(h, c), Matrix(h, c)
    b_i, b_f, b_g, b_o = Vector(h), Vector(h), Vector(h), Vector(h)

    i = sigmoid(W_i @ x + U_i @ h + tanh(V_i @ c) + b_i)
    f = sigmoid(W_f @ x + U_f @ h + tanh(V_f @ c) + b_f)
    g = tanh(W_g @ x + U_g @ h + b_g)
    c.next = f * c + i * g
    o = sigmoid(W_o @ x + U_o @ h + tanh(V_o @ c.next) + b_o)
    h.next = o * tanh(c.next)


class LSTMMemoryController(Cell):
    """LSTM with a memory controller. Shwartz-Ziv and Ben-Ari 2017, Time Series Workshop at NIPS.

    Sequence modeling using a memory controller extension for LSTM.

    Convention: as torchrecurrent 0.2.5 states it ("MCLSTM"), and its author wrote the paper's equations down (issue 136
    of RecurrentLayers.jl); of the paper only the abstract was at hand. v, which a gate m of its own lets through, is
    fed back in place of the output h. Not the mass-conserving LSTM.
    """

    x = Input()
    v, c = State(), State()
    W_i, W_f, W_g, W_o, W_m = Matrix(c, x), Matrix(c, x), Matrix(c, x), Matrix(c, x), Matrix(c, x)
    U_i, U_f, U_g, U_o, U_m = Matrix(c, v), Matrix(c, v), Matrix(c, v), Matrix(c, v), Matrix(c, v)
    b_i, b_f, b_g, b_o, b_m = Vector(c), Vector(c), Vector(c), Vector(c), Vector(c)

    i = sigmoid(W_i @ x + U_i @ v + b_i)
    f = sigmoid(W_f @ x + U_f @ v + b_f)
    g = tanh(W_g @ x + U_g @ v + b_g)
    o = sigmoid(W_o @ x + U_o @ v + b_o)
    m = sigmoid(W_m @ x + U_m @ v + b_m)
    c.next = f * c + i * g
    v.next = m * tanh(c.next)
    h = Output(o * tanh(c.next))
