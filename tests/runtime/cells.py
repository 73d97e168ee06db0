"""Cells with every feature that a kernel meets, and the comparison of a kernel with the float64 interpreter."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

import symcell
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
    equal,
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
    zoo,
)
from tests.oracle import Sample

# What rounding may add up to, relative to the largest entry of an array. Weights of norm about 1 neither damp nor
# amplify an error of some eps per operation; 37 steps and sums over T * B = 1221 rows gather a few hundred of them.
# That is 3e-5 in float32 (2e-5 was the largest seen, in Math, whose states are divided by one another).
TOLERANCE = {"float32": 1e-4, "float64": 1e-12}
FLOOR = 0.1  # an array whose entries all nearly cancel has the rounding errors of its summands, which are of size 1


class Mixed(Cell):
    """States of two sizes, nested products, one matrix twice and transposed, full peepholes, scalars, a head."""

    x, h, c = Input("F"), State(), State("P")
    W, U, A, V, Q = Matrix(h, x), Matrix(h, h), Matrix(h, c), Matrix(c, h), Matrix(h, h)
    R = Matrix("O", h)
    b, p, q = Vector(h), Vector(c), Vector(c)
    tau, alpha = Scalar(), Scalar()
    dt = Constant(0.1)

    f = sigmoid(W @ x + U @ h + A @ c + b)
    u = U.T @ (h * h)
    k = tanh(V @ (f * u) + p * c)
    c.next = (1 - dt * exp(-tau)) * c + dt * k
    n = tanh(A @ (q * c.next) + Q @ (U @ (U @ h)) + Q @ b)
    h.next = sigmoid(alpha) * f * h + (1 - f) * n
    y = Output(tanh(R @ h.next) + 0.5)


class Gates(Cell):
    """Eight gates on the same operands: more accumulators than one panel holds."""

    x, h, c = Input(), State(), State()
    W1, W2, W3, W4 = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    W5, W6, W7, W8 = Matrix(h, x), Matrix(h, x), Matrix(h, x), Matrix(h, x)
    U1, U2, U3, U4 = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    U5, U6, U7, U8 = Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    b = Vector(h)

    i = sigmoid(W1 @ x + U1 @ h + b) * silu(W2 @ x + U2 @ h)
    j = hard_sigmoid(W3 @ x + U3 @ h) * gelu(W4 @ x + U4 @ h)
    g = softplus(W5 @ x + U5 @ h) * hard_tanh(W6 @ x + U6 @ h)
    e = relu(W7 @ x + U7 @ h) * tanh(W8 @ x + U8 @ h)
    c.next = 0.5 * sigmoid(i) * c + j * g
    h.next = tanh(c.next + e + U1 @ (0.3 * c.next))


class Math(Cell):
    """Names that headers, the templates and the runtime use themselves."""

    x, h, VL = Input("chunk"), State("self"), State("self")
    A, B, vec = Matrix(h, x), Matrix(h, h), Matrix(h, VL)
    I, N, real = Vector(h), Vector(h), Vector(h)

    delta = sigmoid(A @ x + B @ h + I)
    t0 = A @ x
    h_next = tanh(t0 * delta + vec @ VL)
    d_h = delta * h_next + N * (1 - delta) + (1 - delta) ** 3
    sum_d_x = B.T @ d_h
    rows = where(h > delta, sum_d_x, abs(h) * maximum(d_h, real))
    VL.next = h_next + VL / (2 + d_h**2)
    h.next = d_h * tanh(rows) * 0.3 + 0.1 * exp(-h * h)


class Memory(Cell):
    """No product at all: an elementwise recurrence, an input of the state's size, every function of the table."""

    x, h, c = Input("H"), State(), State()
    a, b, s = Vector(h), Vector(h), Scalar()

    f = sigmoid(a * x + b * h)
    g = log(1 + x * x) * sqrt(1 + h**2) + sign(x) * abs(h)
    m = where((x > h) & ~(a > 1) | equal(x, h), minimum(a, 0.5) * h, maximum(h, x) * b)
    e = elu(x) + erf(h) + gelu(c) + silu(m) + softplus(b) + relu(f - g)
    c.next = 0.5 * f * c + (1 - f) * leaky_relu(g, 0.2) * 0.5 + logsigmoid(s) * hard_sigmoid(h) * 0.3
    h.next = 0.5 * tanh(c.next + 0.1 * e) / (1 + abs(x)) ** 3 + 0.5 * hard_tanh(m) * exp(-h * h) + 0.01 * x


class Levels(Cell):
    """Two loops with a product between them; states that products outside every loop write."""

    x, h, s, e, k, z = Input(), State(), State(), State(), State(), State()
    W, U, V, R, Z = Matrix(h, x), Matrix(h, h), Matrix(h, x), Matrix(h, h), Matrix(h, h)

    h.next = tanh(W @ x + U @ h + s)
    s.next = V @ x
    e.next = h.next * 0.5
    k.next = tanh(Z @ h.next + R @ k + e)
    z.next = R @ k.next
    y = Output(z + k)


class RingBatch(Cell):
    """A product of the input alone writes a state that the loop reads a step later."""

    x, h, s = Input(), State(), State()
    W, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, x)
    h.next = tanh(W @ x + U @ h + s)
    s.next = V @ x


class Late(Cell):
    """The first loop writes a state that only the second one reads."""

    x, h, k, s = Input(), State(), State(), State()
    W, U, V, R = Matrix(h, x), Matrix(h, h), Matrix(h, h), Matrix(h, h)
    h.next = tanh(W @ x + U @ h)
    s.next = h.next * 0.5
    k.next = tanh(V @ h.next + R @ k + s)
    y = Output(k.next * 2)


class Late2(Cell):
    """A state that is computed after the loop, and read in the output one step later."""

    x, h, s = Input(), State(), State()
    W, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, h)
    h.next = tanh(W @ x + U @ h)
    s.next = V @ h.next
    y = Output(s + h)


class Stack(Cell):
    """Two layers of different sizes, the second one elementwise in its own state; an output of a state's size."""

    x, h, g = Input(), State(), State("P")
    W, U, V, R = Matrix(h, x), Matrix(h, h), Matrix(g, h), Matrix(g, g)
    h.next = tanh(W @ x + U @ h)
    g.next = tanh(V @ h.next + R @ g)
    y = Output(g.next * g)


class Swap(Cell):
    """Carries that only change places, and one that is another's new value."""

    x, h, c, k = Input("H"), State(), State(), State()
    h.next = c
    c.next = 0.9 * h + x
    k.next = h.next


class Edge(Cell):
    """A state that is a parameter, one that is the input, and a step without anything nonlinear."""

    x, h, s, u, z = Input(), State(), State(), State("I"), State()
    W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
    s.next = b
    u.next = x
    z.next = U @ s
    h.next = W @ u + z * s + 0.5 * h
    y = Output(h * 1)


class Vectors(Cell):
    """Products of a vector parameter, the same for all steps and rows."""

    x, h = Input(), State()
    W, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, h)
    b, tau = Vector(h), Scalar()
    h.next = tanh(W @ x + U @ h + V @ b + U @ b) * exp(-tau * tau)


QUICK = (Mixed, Gates, Math, Memory, Levels)
MORE = (RingBatch, Late, Late2, Stack, Swap, Edge, Vectors)


@functools.cache
def kernel_of(cell: Any, dtype: str) -> Any:
    """The cell's kernel; tests that change `threads` take one of their own from symcell.compile."""
    return symcell.compile(cell, dtype)


@functools.cache
def reference_of(cell: Any) -> Any:
    return symcell.reference(cell)


@dataclass(frozen=True)
class Data:
    """What forward and backward take, in one dtype."""

    x: Any
    params: dict[str, np.ndarray]
    state: dict[str, np.ndarray]
    dy: np.ndarray
    dstate: dict[str, np.ndarray]
    constants: dict[str, float]

    def astype(self, dtype: str) -> Data:
        def cast(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: np.asarray(array).astype(dtype) for name, array in arrays.items()}

        constants = {name: float(np.asarray(value, dtype)) for name, value in self.constants.items()}
        x = cast(self.x) if isinstance(self.x, dict) else self.x.astype(dtype)
        return Data(x, cast(self.params), cast(self.state), self.dy.astype(dtype),
                    cast(self.dstate), constants)

    def row(self, b: int) -> Data:
        """One member of the batch alone."""
        def cut(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
            return {name: array[b : b + 1] for name, array in arrays.items()}

        def steps(array: np.ndarray) -> np.ndarray:
            return array[:, b : b + 1] if array.ndim == 3 else array[b : b + 1]

        x = {name: steps(array) for name, array in self.x.items()} if isinstance(self.x, dict) else steps(self.x)
        return Data(x, self.params, cut(self.state), self.dy[:, b : b + 1], cut(self.dstate),
                    self.constants)


def draw(cell: Any, dtype: str = "float64", T: int = 3, B: int = 2, I: int = 3, H: int = 5, seed: int = 0,
         **sizes: int) -> Data:
    """Random data; dimensions other than I and H get odd sizes of their own, unless they are given."""
    cell = zoo.find(cell) if isinstance(cell, str) else cell
    given = {"I": I, "F": I, "chunk": I, "H": H, "self": H, "P": H // 2 + 1, "O": H + 3, **sizes}
    sample = Sample.draw(cell, T=T, B=B, seed=seed, **{dim: given[dim] for dim in cell.spec.dims})
    constants = {name: value + 0.2 for name, value in sample.constants.items()}
    return Data(sample.x, sample.params, sample.state, sample.dy, sample.dstate, constants).astype(dtype)


def results(kernel: Any, data: Data) -> dict[str, np.ndarray]:
    """Everything that forward and backward return, by name."""
    run = kernel.forward(data.x, data.params, data.state, constants=data.constants)
    grads = kernel.backward(run, data.dy, data.dstate)
    found = {"y": run.y}
    found |= {f"dx {name}": array for name, array in grads.x.items()} if isinstance(grads.x, dict) else {"dx": grads.x}
    found |= {f"state {name}": array for name, array in run.state.items()}
    found |= {f"d {name}": array for name, array in grads.params.items()}
    return found | {f"dstate {name}": array for name, array in grads.state.items()}


def per_row(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What belongs to one member of the batch each: all but the gradients of parameters."""
    return {name: array for name, array in found.items() if not name.startswith("d ")}


def assert_same_bits(got: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    assert set(got) == set(expected)
    for name, array in expected.items():
        assert got[name].shape == array.shape, name
        assert got[name].dtype == array.dtype, name
        assert got[name].tobytes() == array.tobytes(), f"{name}: largest difference {np.abs(got[name] - array).max()}"


def assert_near(got: dict[str, np.ndarray], expected: dict[str, np.ndarray], dtype: str, what: str = "") -> None:
    """Compare by name, dtype, shape and value; NaN anywhere fails."""
    assert set(got) == set(expected)
    for name, array in expected.items():
        ours = np.asarray(got[name])
        assert ours.dtype == dtype, f"{what} {name}: {ours.dtype}"
        assert ours.shape == array.shape, f"{what} {name}: shape {ours.shape}, expected {array.shape}"
        scale = max(FLOOR, float(np.abs(array).max(initial=0.0)))
        error = float(np.abs(ours - array).max(initial=0.0)) / scale
        assert error <= TOLERANCE[dtype], f"{what} {name}: error {error:.3g} of the largest entry"


def check(cell: Any, kernel: Any, data: Data, what: str = "") -> None:
    """Compare forward, backward, infer and infer with prepared weights to the interpreter's results."""
    dtype = str(kernel.dtype)
    expected = results(reference_of(cell), data.astype("float64"))
    found = results(kernel, data)
    assert_near(found, expected, dtype, what)
    y, state = kernel.infer(data.x, data.params, data.state, constants=data.constants)
    ready = kernel.infer(data.x, kernel.prepare(data.params), data.state, constants=data.constants)
    forward = {name: array for name, array in found.items() if name == "y" or name.startswith("state ")}
    for again, last in ((y, state), ready):
        assert_same_bits({"y": again, **{f"state {name}": array for name, array in last.items()}}, forward)
