"""Discretised differential equations whose time step is a gate, and such with a delay."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Constant, Input, Matrix, State, Vector
from symcell.declare.settings import check_count, check_flag


def lem(new_memory: bool = True) -> type[Cell]:
    """Return the long expressive memory.

    new_memory: h sees the memory of this step, as in the paper; False: that of the step before, as in torchrecurrent
    0.2.5.

    Raises:
        CellError: it is neither True nor False.
    """
    new_memory = check_flag("lem(new_memory)", new_memory)

    class LEM(Cell):
        """Long expressive memory. Rusch, Mishra, Erichson and Mahoney 2022, arXiv:2110.04744, eq. 3.

        Convention: h is the paper's y and m its z; h sees the new m. torchrecurrent 0.2.5 shows it the old one, which
        is another cell: lem(new_memory=False). dt is not learned.
        """

        x = Input()
        h, m = State(), State()
        W_s, W_r, W_m, W_h = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
        U_s, U_r, U_m, U_h = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, m)
        b_s, b_r, b_m, b_h = Vector(h), Vector(h), Vector(h), Vector(h)
        dt = Constant(1.0)

        s = dt * sigmoid(W_s @ x + U_s @ h + b_s)
        r = dt * sigmoid(W_r @ x + U_r @ h + b_r)
        m.next = (1 - s) * m + s * tanh(W_m @ x + U_m @ h + b_m)
        h.next = (1 - r) * h + r * tanh(W_h @ x + U_h @ (m.next if new_memory else m) + b_h)

    return LEM


def tau_gru(delay: int = 2) -> type[Cell]:
    """Return the gated recurrent unit that also sees its state of `delay` steps ago.

    Raises:
        CellError: the delay is not an integer of at least 1.
    """
    delay = check_count("tau_gru(delay)", delay)

    class TauGRU(Cell):
        """Gated recurrent unit with weighted time delay. Erichson, Lim and Mahoney 2022, arXiv:2212.00228.

        Convention: z sees the state of the step two before that which u sees (tau_gru(delay=d): d before), d_1 and
        d_2; g = 1 takes the candidate. The paper writes no biases. Before the beginning the state is 0, or what the
        initial state says.
        """

        x = Input()
        h = State()
        W_u, W_z, W_g, W_a = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
        U_u, U_z, U_g, U_a = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
        b_u, b_z, b_g, b_a = Vector(h), Vector(h), Vector(h), Vector(h)

        body, past = locals(), [h]
        for k in range(delay):
            body[f"d_{k + 1}"] = State()
            past.append(body[f"d_{k + 1}"])
            past[-1].next = past[-2]

        u = tanh(W_u @ x + U_u @ h + b_u)
        z = tanh(W_z @ x + U_z @ past[-1] + b_z)
        g = sigmoid(W_g @ x + U_g @ h + b_g)
        a = sigmoid(W_a @ x + U_a @ h + b_a)
        h.next = (1 - g) * h + g * (u + a * z)

    return TauGRU


LEM = lem()
TauGRU = tau_gru()
