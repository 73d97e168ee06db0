"""Cells with fewer gates than the gated recurrent unit, most of them with one product with the state per step."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import relu, sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class UGRNN(Cell):
    """Update gate RNN. Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913, eqs. 2 to 4.

    Convention: g = 1 keeps the state. The paper adds a fixed number to the bias of g; here it is in b_g. The
    candidate n is the paper's c, with tanh, or in the paper relu.
    """

    x = Input()
    h = State()
    W_n, W_g = Matrix(h, x), Matrix(h, x)
    U_n, U_g = Matrix(h, h), Matrix(h, h)
    b_n, b_g = Vector(h), Vector(h)

    n = tanh(W_n @ x + U_n @ h + b_n)
    g = sigmoid(W_g @ x + U_g @ h + b_g)
    h.next = g * h + (1 - g) * n


class LiGRU(Cell):
    """Light gated recurrent unit. Ravanelli, Brakel, Omologo and Bengio 2018, arXiv:1803.10225.

    Convention: no reset gate, relu for tanh, z = 1 keeps the state. The paper normalises W_z x and W_n x over the
    batch; here a bias stands there instead, since a normalisation with fixed statistics is a change of W and b.
    """

    x = Input()
    h = State()
    W_z, W_n = Matrix(h, x), Matrix(h, x)
    U_z, U_n = Matrix(h, h), Matrix(h, h)
    b_z, b_n = Vector(h), Vector(h)

    z = sigmoid(W_z @ x + U_z @ h + b_z)
    n = relu(W_n @ x + U_n @ h + b_n)
    h.next = z * h + (1 - z) * n


class MinimalRNN(Cell):
    """Minimal recurrent network. Chen 2017, arXiv:1711.06788.

    Convention: the input is first taken to the latent z, by one layer with tanh, and the state then only forgets
    and adds: u = 1 keeps the state.
    """

    x = Input()
    h = State()
    W_z, U_u, V_u = Matrix(h, x), Matrix(h, h), Matrix(h, h)
    b_z, b_u = Vector(h), Vector(h)

    z = tanh(W_z @ x + b_z)
    u = sigmoid(U_u @ h + V_u @ z + b_u)
    h.next = u * h + (1 - u) * z


class ATR(Cell):
    """Addition-subtraction twin-gated recurrent network. Zhang, Xiong, Su, Lin and Zhang 2018, arXiv:1810.12546.

    Convention: p and q have a bias each, as in torchrecurrent; 0 leaves them out. The state is not squashed.
    """

    x = Input()
    h = State()
    W_p, U_q = Matrix(h, x), Matrix(h, h)
    b_p, b_q = Vector(h), Vector(h)

    p = W_p @ x + b_p
    q = U_q @ h + b_q
    i = sigmoid(p + q)
    f = sigmoid(p - q)
    h.next = i * p + f * h


class CFN(Cell):
    """Chaos-free network. Laurent and von Brecht 2016, arXiv:1612.06212, eqs. 1 and 2.

    Convention: f and i are the paper's theta and eta, the horizontal and the vertical gate. As there, the candidate
    has no bias; torchrecurrent 0.2.5 has one. Without input the state decays to 0.
    """

    x = Input()
    h = State()
    W_f, W_i, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_f, U_i = Matrix(h, h), Matrix(h, h)
    b_f, b_i = Vector(h), Vector(h)

    f = sigmoid(W_f @ x + U_f @ h + b_f)
    i = sigmoid(W_i @ x + U_i @ h + b_i)
    h.next = f * tanh(h) + i * tanh(W_n @ x)


class LightRU(Cell):
    """Light recurrent unit. Ye, Zhang, Liu, Li, Chang and Zheng 2024, doi:10.3390/electronics13163204.

    Electronics 13(16), 3204, where it is called LRU.

    Convention: f = 1 takes the candidate, which sees the input only and, as the paper lists its weights, has no bias;
    torchrecurrent 0.2.5 has one. The paper's stacking of layers is left to the caller.
    """

    x = Input()
    h = State()
    W_n, W_f, U_f, b_f = Matrix(h, x), Matrix(h, x), Matrix(h, h), Vector(h)

    n = tanh(W_n @ x)
    f = sigmoid(W_f @ x + U_f @ h + b_f)
    h.next = (1 - f) * h + f * n


class STAR(Cell):
    """Stackable recurrent unit. Turkoglu, D'Aronco, Wegner and Schindler 2019, arXiv:1911.11033.

    Convention: k = 1 takes the input's z; tanh squashes the mixture. One gate, one product with the state. The authors'
    code adds more: with s the sum in the gate that keeps, 1 - k = sigmoid(s), it scales z by 1 - sigmoid(s - 1), as
    "janet" does.
    """

    x = Input()
    h = State()
    W_z, W_k, U_k = Matrix(h, x), Matrix(h, x), Matrix(h, h)
    b_z, b_k = Vector(h), Vector(h)

    z = tanh(W_z @ x + b_z)
    k = sigmoid(W_k @ x + U_k @ h + b_k)
    h.next = tanh((1 - k) * h + k * z)


class SGRN(Cell):
    """Simple gated recurrent network. Zu and Wei 2021, doi:10.1049/gtd2.12056.

    A simple gated recurrent network for detection of power quality disturbances, IET Generation, Transmission and
    Distribution 15(4), 751-761.

    Convention: one product a = W x of the input serves gate and candidate, f = 1 keeps the state, and the gate alone
    has a bias. The paper itself was not at hand: these are its equations as the author of torchrecurrent quotes them
    (issue 109 of RecurrentLayers.jl); torchrecurrent 0.2.5 adds a bias to a, which the candidate then has too.
    """

    x = Input()
    h = State()
    W, U_f, b_f = Matrix(h, x), Matrix(h, h), Vector(h)

    a = W @ x
    f = sigmoid(a + U_f @ h + b_f)
    h.next = tanh((1 - f) * a + f * h)
