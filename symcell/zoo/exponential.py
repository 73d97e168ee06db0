"""Long short-term memory whose gates are exponential, or piecewise linear."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from typing import Any

from symcell.declare.cell import Cell, CellMeta
from symcell.declare.functions import exp, hard_sigmoid, logsigmoid, maximum, sigmoid, tanh
from symcell.declare.members import BlockDiagonal, Input, Matrix, State, Vector
from symcell.declare.settings import check_count


def slstm(heads: int = 1) -> CellMeta:
    """Return the sLSTM whose units are so many heads: each gate sees the units of its own head only.

    Raises:
        CellError: the number of heads is not an integer of at least 1.
    """
    heads = check_count("slstm(heads)", heads)

    units = "All units are one head; slstm(heads) has several." if heads == 1 else f"The units are {heads} heads."

    class SLSTM(Cell, name="SLSTM" if heads == 1 else f"SLSTM{heads}"):
        __doc__ = f"""sLSTM, the scalar memory of the xLSTM. Beck et al. 2024, arXiv:2405.04517, eqs. 8 to 17.

        Convention: exponential input gate, logistic forget gate, and the stabiliser m, which keeps every exponent at or
        below 0 and cancels in c / n; i and f are eqs. 16 and 17. The paper also allows an exponential forget gate. phi,
        the function of the cell input z, is tanh. {units}

        States start at 0, and in the first step n' = i, which is 1, or exp(log_i - log_f) where log_i is less than
        log_f. Where it is less by 745 (float32: 104), i is 0 and h is 0 / 0, NaN; gradients, which divide by n^2, lose
        their digits from half of that on. An initial m of -1e30 avoids both: then n' = 1, and h is the same. The
        authors' code (NX-AI/xlstm) sets m' = log_i in a first step, which comes to that.
        """

        x = Input()
        h, c, n, m = State(), State(), State(), State()
        W_i, W_f, W_z, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
        U_i, U_f, U_z, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
        b_i, b_f, b_z, b_o = Vector(h), Vector(h), Vector(h), Vector(h)

        log_i = W_i @ x + within(heads, U_i) @ h + b_i
        log_f = logsigmoid(W_f @ x + within(heads, U_f) @ h + b_f)
        z = tanh(W_z @ x + within(heads, U_z) @ h + b_z)
        o = sigmoid(W_o @ x + within(heads, U_o) @ h + b_o)
        m.next = maximum(log_f + m, log_i)
        i = exp(log_i - m.next)
        f = exp(log_f + m - m.next)
        c.next = f * c + i * z
        n.next = f * n + i
        h.next = o * c.next / n.next

    return SLSTM


def within(heads: int, matrix: Any) -> Any:
    """Return the part of a declared matrix that mixes no units of different heads."""
    return matrix if heads == 1 else BlockDiagonal(matrix, heads)


SLSTM = slstm()


class LSTMHardSigmoid(Cell):
    """LSTM with piecewise linear gates. Courbariaux, Bengio and David 2015, arXiv:1511.00363v1, eq. 3 (the function).

    Convention: as "lstm" with hard_sigmoid, x / 6 + 1/2 clipped to [0, 1], for each gate. The paper has (x + 1) / 2,
    Keras 2 x / 5 + 1/2: as both are this function of another multiple of x, scaled weights and biases give them.
    """

    x = Input()
    h, c = State(), State()
    W_i, W_f, W_g, W_o = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_i, U_f, U_g, U_o = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_i, b_f, b_g, b_o = Vector(h), Vector(h), Vector(h), Vector(h)

    i = hard_sigmoid(W_i @ x + U_i @ h + b_i)
    f = hard_sigmoid(W_f @ x + U_f @ h + b_f)
    g = tanh(W_g @ x + U_g @ h + b_g)
    o = hard_sigmoid(W_o @ x + U_o @ h + b_o)
    c.next = f * c + i * g
    h.next = o * tanh(c.next)


class GRUHardSigmoid(Cell):
    """GRU with piecewise linear gates. Courbariaux, Bengio and David 2015, arXiv:1511.00363v1, eq. 3 (the function).

    Convention: as "gru_reset_before" with hard_sigmoid for both gates; for its slope see "lstm_hard_sigmoid".
    """

    x = Input()
    h = State()
    W_r, W_z, W_n = Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U_r, U_z, U_n = Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b_r, b_z, b_n = Vector(h), Vector(h), Vector(h)

    r = hard_sigmoid(W_r @ x + U_r @ h + b_r)
    z = hard_sigmoid(W_z @ x + U_z @ h + b_z)
    n = tanh(W_n @ x + U_n @ (r * h) + b_n)
    h.next = (1 - z) * n + z * h
