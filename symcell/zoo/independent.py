"""Units that see no state but their own: all products are of the input, and run before the loop."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import relu, sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector


class IndRNN(Cell):
    """Independently recurrent network. Li, Li, Cook, Zhu and Gao 2018, arXiv:1803.04831.

    Convention: relu, as in the paper; for tanh see "indrnn_tanh", the default of torchrecurrent 0.2.5.
    """

    x = Input()
    h = State()
    W, u, b = Matrix(h, x), Vector(h), Vector(h)

    h.next = relu(W @ x + u * h + b)


class IndRNNTanh(Cell):
    """Independently recurrent network with tanh. After Li, Li, Cook, Zhu and Gao 2018, arXiv:1803.04831.

    Convention: as "indrnn" with tanh for relu.
    """

    x = Input()
    h = State()
    W, u, b = Matrix(h, x), Vector(h), Vector(h)

    h.next = tanh(W @ x + u * h + b)


class MinGRU(Cell):
    """minGRU. Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024, arXiv:2410.01201, section 3.1.

    Convention: gates see the input only and the candidate is linear, as in the paper's first form; z = 1 takes the
    candidate. Its form in logarithms has other activations.
    """

    x = Input()
    h = State()
    W_z, W_n = Matrix(h, x), Matrix(h, x)
    b_z, b_n = Vector(h), Vector(h)

    z = sigmoid(W_z @ x + b_z)
    h.next = (1 - z) * h + z * (W_n @ x + b_n)


class MinLSTM(Cell):
    """minLSTM. Feng, Tung, Ahmed, Bengio and Hajimirsadeghi 2024, arXiv:2410.01201, section 3.2.

    Convention: the gates are divided by their sum, so that they add up to 1, and the candidate is linear, as in the
    paper's first form. Its form in logarithms has another candidate. Where f and i are both below exp(-745) (float32:
    exp(-104)), they are 0 and h is 0 / 0, NaN; gradients lose their digits from half of these exponents on.
    """

    x = Input()
    h = State()
    W_f, W_i, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    b_f, b_i, b_n = Vector(h), Vector(h), Vector(h)

    f = sigmoid(W_f @ x + b_f)
    i = sigmoid(W_i @ x + b_i)
    h.next = (f * h + i * (W_n @ x + b_n)) / (f + i)
