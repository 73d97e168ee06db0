"""Cells with reductions, for the tests of every stage."""

from symcell import Cell, Constant, Input, Matrix, Output, Scalar, State, Vector, exp, sigmoid, tanh
from symcell.declare.normalise import layer_norm, rms_norm, softmax
from symcell.declare.reductions import reduce_max, reduce_mean, reduce_sum


class Means(Cell):
    """A mean of the input's projection (before the loop), of the state (in it) and of what only the output needs."""

    x, h = Input(), State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
    alpha = Scalar(init=0.5)
    k = Constant(0.3)

    a = W @ x + b
    m = reduce_mean(a)
    s = reduce_sum(h * h) * alpha + m
    h.next = tanh(U @ h + a - m) / (1 + s**2) + k * s
    y = Output(h.next - 0.5 * reduce_mean(h.next))


class Largest(Cell):
    """Maxima, whose gradient goes to one component; of the input, of the state, and of a parameter."""

    x, h = Input(), State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)

    p = reduce_max(h)
    h.next = tanh(W @ x + U @ h) * p + reduce_max(x) * h - reduce_max(b)


class Attending(Cell):
    """Softmax of one vector and over several, in two dimensions; the products of what was normalised."""

    x, h, c = Input(), State(), State("P")
    W, U, V, R = Matrix(h, x), Matrix(h, h), Matrix(c, x), Matrix(c, h)

    p = softmax(V @ x + c)
    i, f = softmax((W @ x, U @ h))
    c.next = p * (R @ h)
    h.next = f * h + i * tanh(R.T @ c.next)


class Normed(Cell):
    """Layer normalisation of one vector and jointly of several, with and without gain and bias."""

    x, h = Input(), State()
    W, U, V, Z = Matrix(h, x), Matrix(h, h), Matrix(h, x), Matrix(h, h)
    g, b, g_i, g_f, b_i, b_f, g_r = Vector(h), Vector(h), Vector(h), Vector(h), Vector(h), Vector(h), Vector(h)

    i, f = layer_norm((W @ x + U @ h, V @ x + Z @ h), (g_i, g_f), (b_i, b_f))
    n = tanh(layer_norm(U @ (sigmoid(f) * h), g, b))
    h.next = sigmoid(i) * n + rms_norm(h, g_r) + 0.1 * layer_norm(exp(0.1 * h))


CELLS = (Means, Largest, Attending, Normed)
