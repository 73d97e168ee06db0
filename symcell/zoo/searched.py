"""Cells that a search found, rather than a person."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import relu, sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector
from symcell.declare.settings import check_flag


def nas(multiplied: bool = True) -> type[Cell]:
    """Return the cell that neural architecture search found.

    multiplied: node 3 multiplies its two products, as in the paper and TensorFlow; False: it adds them, as
    torchrecurrent 0.2.5.

    Raises:
        CellError: it is neither True nor False.
    """
    multiplied = check_flag("nas(multiplied)", multiplied)

    class NAS(Cell):
        """Cell found by neural architecture search. Zoph and Le 2017, arXiv:1611.01578, appendix.

        Convention: the eight nodes in the order of TensorFlow's NASCell, and as there n_3 multiplies its two products,
        relu((W_3 x) * (U_3 h + b_3)), where the other seven add them. torchrecurrent 0.2.5 adds them in n_3 too, which
        is another cell: nas(multiplied=False). The figure has no biases; here they stand beside U h, again as in
        NASCell, which matters in n_3 only; 0 omits them.
        """

        x = Input()
        h, c = State(), State()
        W_0, W_1, W_2, W_3 = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
        W_4, W_5, W_6, W_7 = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
        U_0, U_1, U_2, U_3 = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
        U_4, U_5, U_6, U_7 = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
        b_0, b_1, b_2, b_3 = Vector(h), Vector(h), Vector(h), Vector(h)
        b_4, b_5, b_6, b_7 = Vector(h), Vector(h), Vector(h), Vector(h)

        n_0 = sigmoid(W_0 @ x + U_0 @ h + b_0)
        n_1 = relu(W_1 @ x + U_1 @ h + b_1)
        n_2 = sigmoid(W_2 @ x + U_2 @ h + b_2)
        n_3 = relu((W_3 @ x) * (U_3 @ h + b_3) if multiplied else W_3 @ x + U_3 @ h + b_3)
        n_4 = tanh(W_4 @ x + U_4 @ h + b_4)
        n_5 = sigmoid(W_5 @ x + U_5 @ h + b_5)
        n_6 = tanh(W_6 @ x + U_6 @ h + b_6)
        n_7 = sigmoid(W_7 @ x + U_7 @ h + b_7)
        l_0 = tanh(n_0 * n_1)
        l_1 = tanh(n_2 + n_3)
        l_2 = tanh(n_4 * n_5)
        l_3 = sigmoid(n_6 + n_7)
        q = tanh(l_0 + c)
        s = tanh(l_2 + l_3)
        c.next = q * l_1
        h.next = tanh(c.next * s)

    return NAS


NAS = nas()
