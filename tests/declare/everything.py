"""A cell with one of each word of the language."""

from symcell import Cell, Constant, Input, Matrix, Output, Scalar, State, Vector, relu, sigmoid, tanh


class Everything(Cell):
    """One of each word.

    The second line.
    """

    x = Input("F")
    h, c = State(), State(dim="P")
    W = Matrix(h, x, init="glorot")
    V = Matrix("P", "H", init=0.5)
    b, g = Vector(h, init=1.0), Vector("P", init="uniform")
    s = Scalar(init=0.1)
    k = Constant(0.1)

    a = W @ x + b
    f = sigmoid(a) * s
    h.next = f * h + k * (V.T @ c)
    c.next = tanh(V @ h.next + g) + c
    y = Output(relu(c.next) * c)
