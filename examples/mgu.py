"""The minimal gated unit, declared. Compile it: symcell.compile(MGU), or `symcell build examples/mgu.py`."""

from symcell import Cell, Input, Matrix, State, Vector, sigmoid, tanh


class MGU(Cell):
    """Minimal gated unit. Zhou, Wu, Zhang and Zhou 2016, arXiv:1603.09420."""

    x = Input()
    h = State()
    W_f, W_n = Matrix(h, x), Matrix(h, x)
    U_f, U_n = Matrix(h, h), Matrix(h, h)
    b_f, b_n = Vector(h), Vector(h)

    f = sigmoid(W_f @ x + U_f @ h + b_f)
    n = tanh(W_n @ x + U_n @ (f * h) + b_n)
    h.next = (1 - f) * h + f * n
