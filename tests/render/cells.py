"""Cells with every kind of name and function that a printer meets."""

from symcell.declare.cell import Cell
from symcell.declare.functions import exp, maximum, sigmoid, softplus, tanh, where
from symcell.declare.members import BlockDiagonal, Constant, Identity, Input, Matrix, Output, Scalar, State, Vector
from symcell.declare.normalise import softmax
from symcell.declare.reductions import reduce_max, reduce_mean, reduce_sum


# The equations are written as a person might, not as a linter would.
class Odd(Cell):
    r"""Odd names & hostile text: \input{x} $x$ <b>*bold*</b> 50% #1 _u_ ~ ^ { } | `code`.

    Möller, Ω 你. [link](http://x) ![i](j) \end{document}
    """

    I_x = Input("D")
    h_tilde, E = State("P"), State()
    gamma, W_hh_2 = Matrix(E, I_x), Matrix(E, h_tilde)
    I, N = Matrix(h_tilde, E), Matrix(E, E)
    alpha, p_1, tau = Scalar(), Vector(E), Vector(E)
    k = Constant(0.3)

    gate = sigmoid(gamma @ I_x + W_hh_2 @ h_tilde + p_1 * E)
    c_hat = where(E > k, gate, maximum(gate, 0.1 * E))  # noqa: SIM300
    E.next = gate * E * sigmoid(alpha) + tanh(k * (N @ (E * gate)) + W_hh_2 @ h_tilde) + softplus(alpha) \
        + c_hat / (1 + exp(tau))
    h_tilde.next = I @ (tanh(E.next) * gate) + h_tilde * alpha
    y = Output(abs(N.T @ E.next) - E)


class Shared(Cell):
    """An output that is read again, a gate of a static vector, adjoints that are one another."""

    x = Input()
    h, c = State(), State()
    W, U, b, tau = Matrix(h, x), Matrix(h, h), Vector(h), Vector(h)

    s = exp(tau)
    u = W @ x + U @ h
    y = Output(tanh(u + b - c))
    c.next = s * c + y
    h.next = y - c.next**2 / 3


class Reduced(Cell):
    """Reductions and products of parameters alone; a vector whose gradient comes from a number."""

    x, h = Input(), State()
    W, U, V = Matrix(h, x), Matrix(h, h), Matrix("P", h)
    b, c, d, e = Vector(h), Vector(h), Vector(h), Vector(h)

    v = V.T @ (V @ (b * c))
    r = reduce_sum(d)
    s = softmax(e)
    h.next = tanh(W @ x + U @ b + s * h) * r + v * reduce_max(c) * reduce_mean(b)


class Derived(Cell):
    """Matrices, vectors and scalars that are computed once per call, with and without a name, raw and derived."""

    x = Input()
    h = State()
    W, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, h)
    b, tau, gamma = Vector(h), Vector(h), Scalar()
    k = Constant(0.3)

    s = sigmoid(gamma)
    r = k * exp(-tau)
    A = U - BlockDiagonal(U, 2).T - gamma * Identity(h)
    f = sigmoid(W @ x + (s * U - V.T / 2) @ h + b)
    h.next = (1 - r) * h + r * tanh(s * (W @ x) + A @ (f * h)) + A.T @ (U @ h) * exp(k * gamma)


class Entries(Cell):
    """Matrices made of others: softmax of columns and rows, a mask, functions, with and without names."""

    x = Input()
    h = State()
    W, G, C, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, x), Matrix(h, h), Matrix(h, h)
    K = Matrix(h, h, learned=False)
    b, a = Vector(h), Scalar(init=0.5)

    R = softmax(G, axis="columns")
    Q = softmax(a * C - W, axis="rows")
    A = K * (U - V.T) * BlockDiagonal(U, 2)
    f = sigmoid(Q @ x + (a * exp(-V).T + tanh(G) - U * V) @ h + b)
    h.next = f * (R @ h) + (1 - f) * tanh(A @ h + (R.T - V) @ (softmax(G.T, axis="columns") @ h))


class Bare(Cell):
    """No parameters, a second state that nothing reads, names that notation uses too."""

    L, t = Input("H"), State()
    J = State()

    T = L * t
    t.next = tanh(T + t - 1)
    J.next = 2 * J
