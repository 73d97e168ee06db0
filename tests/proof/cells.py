"""Cells that use what the zoo does not: several dimensions, scalars, constants, kinks, roots, transposes."""

import warnings

from symcell import (
    Cell,
    Constant,
    Input,
    Matrix,
    Output,
    Scalar,
    State,
    Vector,
    elu,
    erf,
    exp,
    gelu,
    hard_sigmoid,
    hard_tanh,
    leaky_relu,
    log,
    logsigmoid,
    maximum,
    minimum,
    relu,
    sigmoid,
    sign,
    silu,
    softplus,
    sqrt,
    tanh,
    where,
)  # fmt: skip
from symcell.declare.cell import UnusedParameterWarning
from symcell.declare.functions import FUNCTIONS


class Mixed(Cell):
    """Three dimensions, a constant, a scalar that meets vectors of two of them, a matrix used both ways."""

    x = Input()
    h, c = State("P"), State()
    W, U, V = Matrix(c, x), Matrix("H", h), Matrix(h, c)
    alpha, p, k = Scalar(), Vector(c), Constant(0.3)

    s = sigmoid(alpha)
    i = sigmoid(W @ x + U @ h + p * c)
    c.next = i * c * s + tanh(k * (V.T @ h))
    h.next = V @ (tanh(c.next) * i) + h * s
    y = Output(sigmoid(V @ c.next))


class Kinks(Cell):
    x = Input()
    h = State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)

    a = W @ x + U @ h + b
    m = maximum(a, h) + minimum(a, 0.25) * abs(h)
    q = hard_sigmoid(a) + hard_tanh(a) * elu(h) + leaky_relu(a)
    h.next = tanh(where((a > h) & ~(h >= 0.25) | (h <= -0.5), m, q) * sign(b) + relu(h))


class Roots(Cell):
    x = Input()
    h = State()
    W, U, tau = Matrix(h, x), Matrix(h, h), Vector(h)

    a = W @ x + U.T @ h
    n = tanh(a)
    h.next = n / sqrt(1 + n**2) + log(tau) * h


class Relations(Cell):
    """Many functions of one quantity."""

    x = Input()
    h = State()
    W, U = Matrix(h, x), Matrix(h, h)

    a = W @ x + U @ h
    h.next = logsigmoid(a) * softplus(a) * 0.1 + gelu(a) + silu(a * h) + erf(h) * exp(-a)


class Large(Cell):
    """Powers that nobody wants to multiply out."""

    x = Input()
    h = State()
    W, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, h)

    a = tanh(U @ h + W @ x) + (V @ h) ** 3
    h.next = tanh((U @ (a * h)) ** 5 * a**4)


def of_function(name: str) -> type[Cell]:
    """A cell whose only nonlinearity is this function of the table."""
    function = FUNCTIONS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedParameterWarning)

        class OneFunction(Cell):
            x = Input()
            h = State()
            W, U = Matrix(h, x), Matrix(h, h)
            b = Vector(h)

            a = W @ x + U @ h
            arguments = {"where": (a > h, a * b, h), "log": (1.5 + tanh(a),), "sqrt": (1.5 + tanh(a),),
                         "maximum": (a, h), "minimum": (a, h)}.get(name, (2 * a,))
            h.next = function(*arguments) + b * h

    return OneFunction


ALL = (Mixed, Kinks, Roots, Relations, Large)
