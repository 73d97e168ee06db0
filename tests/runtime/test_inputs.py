"""Inputs of every kind in compiled kernels: several, of size one, of the whole sequence; and what is not learned."""

import numpy as np
import pytest
import torch

import symcell
from symcell import Cell, Input, Matrix, Output, Scalar, State, Vector, exp, sigmoid, tanh
from symcell.compiler import stages
from tests.runtime.cells import (
    assert_near,
    assert_same_bits,
    check,
    draw,
    kernel_of,
    per_row,
    reference_of,
    results,
)


class Several(Cell):
    """A mask, noise of the memory's size, a time stamp of size one; an input that the state modifies."""

    x, m, k, e = Input(), Input("H"), Input("M"), Input("ONE")
    h, c = State(), State("M")
    W, U, Q, V, R, G = Matrix(h, x), Matrix(h, h), Matrix(x, h), Matrix(h, c), Matrix(c, h), Matrix(e, h)
    E, ones = Matrix(h, e), Matrix(h, e, init=1.0, learned=False)

    f = sigmoid(W @ (sigmoid(Q @ h) * x) + U @ h + E @ e)
    c.next = tanh(R @ h + k) * c
    h.next = m * (f * h + V @ c.next) + (1 - m) * h * (ones @ sigmoid(G @ h - e))


class Whole(Cell):
    """Conditions and masks of a sequence: in a product, in the step, before a projection, and in a head."""

    x, h = Input(), State()
    m, r, z, s = Input(x, each="sequence"), Input(h, each="sequence"), Input("Z", each="sequence"), Scalar()
    W, U, V, b, a = Matrix(h, x), Matrix(h, h), Matrix(h, z), Vector(h), Scalar()
    R = Matrix("O", h)

    p = tanh(V @ z + b)
    q = p * sigmoid(a) * r + exp(s) * p + U @ p
    g = sigmoid(W @ (m * x) + U @ (r * h) + V @ z + q * a + sigmoid(a) * b)
    h.next = g * h + (1 - g) * p * r
    y = Output(R @ (h.next * r) + R @ q)


class Fixed(Cell):
    """A reservoir, a fixed vector, and a matrix that is learned beside them."""

    x, h = Input(), State()
    W, M, k = Matrix(h, x), Matrix(h, h, init="orthogonal", learned=False), Vector(h, init="uniform", learned=False)
    U = Matrix(h, h)
    h.next = tanh(W @ x + M @ h + M.T @ (k * h) + U @ k) * k


CELLS = (Several, Whole, Fixed)
SIZES = [  # T, B, I, H, and M, Z, ONE, O
    (4, 3, 3, 5, {"M": 7, "Z": 2, "ONE": 1, "O": 4}),
    (3, 2, 1, 1, {"M": 1, "Z": 1, "ONE": 1, "O": 1}),
    (2, 1, 1, 9, {"M": 1, "Z": 3, "ONE": 1, "O": 1}),
    (5, 9, 40, 33, {"M": 17, "Z": 34, "ONE": 2, "O": 16}),
    (0, 2, 3, 4, {"M": 3, "Z": 2, "ONE": 1, "O": 5}),
    (3, 0, 3, 4, {"M": 3, "Z": 2, "ONE": 1, "O": 5}),
]


def data_of(cell, dtype="float64", T=4, B=3, I=3, H=5, **sizes):
    sizes = {"M": 7, "Z": 2, "ONE": 1, "O": 4, **sizes}
    return draw(cell, dtype, T=T, B=B, I=I, H=H, **sizes)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
@pytest.mark.parametrize("shape", SIZES, ids=str)
def test_kernel_agrees_with_the_interpreter(cell, dtype, shape):
    T, B, I, H, sizes = shape
    check(cell, kernel_of(cell, dtype), draw(cell, dtype, T=T, B=B, I=I, H=H, **sizes))


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
def test_chunks_threads_and_the_rest_of_the_batch_change_no_bit(cell):
    kernel = symcell.compile(cell, "float32")
    data = data_of(cell, "float32", T=7, B=5, I=9, H=20)
    expected = results(kernel, data)
    for chunk, threads in ((1, 1), (2, 1), (3, 2), (None, 3)):
        kernel.chunk, kernel.threads = chunk, threads
        assert_same_bits(per_row(results(kernel, data)), per_row(expected))
    kernel.chunk, kernel.threads = None, 1
    alone = per_row(results(kernel, data.row(3)))
    whole = [f"dx {name}" for name in cell.spec.whole]
    for name, array in alone.items():
        row = expected[name][3:4] if name in whole or name.startswith(("state", "dstate")) else expected[name][:, 3:4]
        assert array.tobytes() == row.tobytes(), name


def test_threads_are_really_tried(monkeypatch):
    from symcell.runtime import threads

    monkeypatch.setattr(threads, "MIN_WORK", 1)
    monkeypatch.setattr(threads, "MIN_ROWS", 1)
    kernel = symcell.compile(Whole, "float64")
    kernel.threads = 2
    check(Whole, kernel, data_of(Whole, T=5, B=5))


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
@pytest.mark.parametrize("every", [1, 3, 8])
def test_checkpoints(cell, every):
    kernel, data = kernel_of(cell, "float64"), data_of(cell, T=8)
    expected = results(kernel, data)
    run = kernel.forward(data.x, data.params, data.state, constants=data.constants, checkpoint=every)
    grads = kernel.backward(run, data.dy, data.dstate)
    assert_same_bits({"y": run.y}, {"y": expected["y"]})
    dx = {f"dx {name}": array for name, array in grads.x.items()} if isinstance(grads.x, dict) else {"dx": grads.x}
    assert list(dx) == [name for name in expected if name.startswith("dx")]
    assert_near(dx, {name: expected[name] for name in dx}, "float64")
    assert_near({f"d {k}": v for k, v in grads.params.items()},
                {k: v for k, v in expected.items() if k.startswith("d ")}, "float64")


def test_a_conditioned_cell_against_torch():
    """Autograd through the equations, written by hand: it shares nothing with the graph."""
    data, kernel = data_of(Whole, T=6), kernel_of(Whole, "float64")
    leaves = {**data.x, **data.params, "h": data.state["h"]}
    t = {name: torch.tensor(np.asarray(array), requires_grad=True) for name, array in leaves.items()}
    h, outputs = t["h"], []
    p = torch.tanh(t["z"] @ t["V"].T + t["b"])
    q = p * torch.sigmoid(t["a"]) * t["r"] + torch.exp(t["s"]) * p + p @ t["U"].T
    for x in t["x"]:
        inside = (t["m"] * x) @ t["W"].T + (t["r"] * h) @ t["U"].T + t["z"] @ t["V"].T + q * t["a"]
        g = torch.sigmoid(inside + torch.sigmoid(t["a"]) * t["b"])
        h = g * h + (1 - g) * p * t["r"]
        outputs.append((h * t["r"]) @ t["R"].T + q @ t["R"].T)
    y = torch.stack(outputs)
    ((y * torch.tensor(data.dy)).sum() + (h * torch.tensor(data.dstate["h"])).sum()).backward()
    found = results(kernel, data)
    expected = {"y": y, "state h": h, **{f"dx {name}": t[name].grad for name in data.x},
                **{f"d {name}": t[name].grad for name in data.params}, "dstate h": t["h"].grad}
    assert_near(found, {name: tensor.detach().numpy() for name, tensor in expected.items()}, "float64")


def test_what_is_not_learned_is_a_parameter_without_a_gradient():
    kernel, data = kernel_of(Fixed, "float64"), data_of(Fixed)
    params = kernel.init_params(seed=1, I=3, H=5)
    assert list(params) == ["W", "M", "k", "U"]
    assert np.allclose(params["M"] @ params["M"].T, np.eye(5))
    run = kernel.forward(data.x, params, data.state)
    assert list(kernel.backward(run, data.dy).params) == ["W", "U"]
    run = kernel.forward(data.x, params)
    params["M"][0, 0] += 1
    with pytest.raises(ValueError, match="M changed since the forward pass"):
        kernel.backward(run, data.dy)


def test_an_input_of_the_sequence_may_be_read_only_and_stay_as_it_is():
    kernel, data = kernel_of(Whole, "float64"), data_of(Whole)
    before = {name: array.copy() for name, array in data.x.items()}
    for array in data.x.values():
        array.flags.writeable = False
    expected = results(kernel, data)
    kernel.infer(data.x, data.params)
    assert_same_bits(data.x, before)
    run = kernel.forward({**data.x, "z": (later := data.x["z"].copy())}, data.params, data.state)
    later[...] = np.nan
    assert_same_bits({"dx z": kernel.backward(run, data.dy, data.dstate).x["z"]}, {"dx z": expected["dx z"]})


@pytest.mark.parametrize("make", [kernel_of, lambda cell, dtype: reference_of(cell)], ids=["kernel", "reference"])
@pytest.mark.parametrize(("change", "message"), [
    (lambda x: x["x"], r'Whole: x must be a dict \{"x": array, "m": array, "r": array, "z": array\}, got ndarray'),
    (lambda x: {k: v for k, v in x.items() if k != "z"}, "Whole: x lacks z"),
    (lambda x: {**x, "zz": x["z"]}, "there is no input 'zz'.*Did you mean 'z'"),
    (lambda x: {**x, "z": x["z"][None]}, r'x\["z"\] has shape \(1, 3, 2\); expected \(B, Z\), 2 dimensions'),
    (lambda x: {**x, "z": x["z"][:2]}, r'x\["z"\] has shape \(2, 2\); expected \(B, Z\) with B=3 on axis 0'),
    (lambda x: {**x, "m": x["m"][:, :2]}, r'x\["m"\] has shape \(3, 2\); expected \(B, I\) with I=3 on axis 1'),
    (lambda x: {**x, "z": x["z"].astype("float16")}, r'x\["z"\] is float16'),
    (lambda x: {**x, "x": x["x"][0]}, r'x\["x"\] has shape \(3, 3\); expected \(T, B, I\)'),
])
def test_wrong_inputs_are_refused(make, change, message):
    data = data_of(Whole)
    with pytest.raises((ValueError, TypeError), match=message):
        make(Whole, "float64").forward(change(data.x), data.params)


def test_what_does_not_change_from_step_to_step_cannot_be_recorded():
    data = data_of(Whole)
    for kernel in (kernel_of(Whole, "float64"), reference_of(Whole)):
        assert kernel.forward(data.x, data.params, record=["g"]).record["g"].shape == (4, 3, 5)
        with pytest.raises(ValueError, match="no quantity that changes from step to step called 'p'"):
            kernel.forward(data.x, data.params, record=["p"])


def test_projections_of_a_sequence_are_computed_once_per_sequence():
    text = str(stages(Whole).program)
    before = text.split("all steps of the chunk at once")[0]
    after = text.split("for the whole sequence, after its steps")[1]
    assert "panel V_z = V @ z" in before
    assert "panel U_p = U @ p" in before
    assert "= V.T @ d_V_z" in after
    assert text.count("V @ z") == 1
    assert text.count("V.T @") == 1
