"""Simple recurrent networks: one state, one matrix product of it, no gates."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import relu, sigmoid, tanh
from symcell.declare.members import Input, Matrix, Output, State, Vector


class RNN(Cell):
    """Simple recurrent network. Elman 1990, Finding structure in time, Cognitive Science 14, 179-211, Figure 2.

    Convention: the hidden state is the output (no output layer), tanh as in torch.nn.RNN; Elman's units are logistic,
    and his context starts at 0.5 where h starts at 0. The paper has no equations; "Networks with memory", pages 182 to
    184, says what is copied where. One bias; frameworks that have two (of the input and of the state) add them up.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)

    h.next = tanh(W @ x + U @ h + b)


class RNNReLU(Cell):
    """Simple recurrent network of rectified linear units. Le, Jaitly and Hinton 2015, arXiv:1504.00941.

    Convention: eq. 1 of Collins, Sohl-Dickstein and Sussillo 2017, arXiv:1611.09913, restates it. The paper
    starts U at the identity; here it is drawn as in "rnn", so that the two differ in their activation only.
    """

    x = Input()
    h = State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)

    h.next = relu(W @ x + U @ h + b)


class RNNLinear(Cell):
    """Linear recurrent network with a linear output layer. After Elman 1990, Cognitive Science 14, Figure 2.

    Convention: Elman's network with the identity in both layers and no biases: what tanh is compared with. The memory
    starts at 0, the output is read from the new hidden state.
    """

    x = Input()
    h = State()
    W, U, W_y = Matrix(h, x), Matrix(h, h), Matrix("O", h)

    h.next = W @ x + U @ h
    y = Output(W_y @ h.next)


class ElmanHead(Cell):
    """Elman's network with output layer. Elman 1990, Finding structure in time, Cognitive Science 14, Figure 2.

    Convention: the hidden layer is tanh as in "rnn", the output layer logistic as in the paper. The hidden
    state, not the output, is fed back; for the opposite see "jordan".
    """

    x = Input()
    h = State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
    W_y, b_y = Matrix("O", h), Vector("O")

    h.next = tanh(W @ x + U @ h + b)
    y = Output(sigmoid(W_y @ h.next + b_y))


class Jordan(Cell):
    """Jordan's network. Jordan 1986, Serial order: a parallel distributed processing approach, report 8604.

    Convention: the output is fed back, so the output y, of size O, is the state; the hidden layer h, of size H, has no
    memory. Jordan's state units also decay (s' = mu s + y); here, as in most textbooks, mu = 0. Elman 1990, Cognitive
    Science 14, draws it in Figure 1. Activations as in "elman_head", which feeds back the hidden layer instead.
    """

    x = Input()
    y = State("O")
    W, U, b = Matrix("H", x), Matrix("H", y), Vector("H")
    W_y, b_y = Matrix(y, "H"), Vector(y)

    h = tanh(W @ x + U @ y + b)
    y.next = sigmoid(W_y @ h + b_y)
