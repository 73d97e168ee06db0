"""The zoo against PyTorch and JAX in float64: outputs, final states, all gradients of a random loss."""

import jax
import numpy as np
import pytest
import torch

from symcell import zoo
from tests.oracle import Results, Sample, assert_alive, assert_close, run
from tests.zoo.differentiate import differentiate, leaf, leaves
from tests.zoo.table import TABLE
from tests.zoo.torch_cells import TORCH_CELLS
from tests.zoo.torch_extended import EXTENDED

AUTOGRAD = TORCH_CELLS | EXTENDED
TOLERANCE = 1e-11
SHAPES = [
    {"T": 6, "B": 3, "I": 5, "H": 4, "O": 2},
    {"T": 1, "B": 1, "I": 2, "H": 3, "O": 1},
    {"T": 20, "B": 2, "I": 1, "H": 7, "O": 3},
]
each_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "-".join(map(str, shape.values())))


def assert_agrees(name, sample, framework):
    results = run(zoo.find(name), sample)
    assert_alive(results)
    assert_close(results, framework(name, sample), TOLERANCE)


# --- torch.nn: weights stacked (G*H, I), gates in the order given; two biases, which are added up ---

TORCH_NN = {
    "rnn": (torch.nn.RNN, [""], {"nonlinearity": "tanh"}),
    "rnn_relu": (torch.nn.RNN, [""], {"nonlinearity": "relu"}),
    "lstm": (torch.nn.LSTM, ["_i", "_f", "_g", "_o"], {}),
    "lstm_nobias": (torch.nn.LSTM, ["_i", "_f", "_g", "_o"], {"bias": False}),
    "gru": (torch.nn.GRU, ["_r", "_z", "_n"], {}),
    "gru_nobias": (torch.nn.GRU, ["_r", "_z", "_n"], {"bias": False}),
}


def run_torch_nn(name: str, sample: Sample) -> Results:
    make, gates, options = TORCH_NN[name]
    layer = make(sample.sizes["I"], sample.sizes["H"], dtype=torch.float64, **options)
    x, params, state = leaf(sample.x), leaves(sample.params), leaves(sample.state)
    weights = {"weight_ih_l0": torch.cat([params[f"W{k}"] for k in gates]),
               "weight_hh_l0": torch.cat([params[f"U{k}"] for k in gates])}
    if options.get("bias", True):
        zero = torch.zeros(sample.sizes["H"], dtype=torch.float64)
        weights["bias_ih_l0"] = torch.cat([params[f"b{k}"] for k in gates])
        # The second bias adds nothing but in the GRU, where r scales c_n.
        weights["bias_hh_l0"] = torch.cat([params.get("c_n", zero) if k == "_n" else zero for k in gates])
    initial = tuple(value[None] for value in state.values())
    y, final = torch.func.functional_call(layer, weights, (x, initial if len(initial) > 1 else initial[0]))
    final = final if isinstance(final, tuple) else (final,)
    return differentiate(sample, x, params, state, y, {k: v[0] for k, v in zip(state, final, strict=True)})


@each_shape
@pytest.mark.parametrize("name", TORCH_NN)
def test_against_torch_nn(name, shape):
    assert_agrees(name, Sample.draw(zoo.find(name), seed=2, **shape), run_torch_nn)


# --- torch.autograd of the equations, for the rest ---


def run_torch_cell(name: str, sample: Sample) -> Results:
    several = isinstance(sample.x, dict)
    x, params, state = (leaves if several else leaf)(sample.x), leaves(sample.params), leaves(sample.state)
    values, outputs = tuple(state.values()), []
    for t in range(sample.sizes["T"]):
        x_t = {name: array[t] for name, array in x.items()} if several else x[t]
        y, *values = AUTOGRAD[name](params, x_t, *values)
        outputs.append(y)
    final = dict(zip(state, values, strict=True))
    return differentiate(sample, x, params, state, torch.stack(outputs), final)


@each_shape
@pytest.mark.parametrize("name", AUTOGRAD)
def test_against_torch_autograd(name, shape):
    assert_agrees(name, Sample.draw(zoo.find(name), seed=3, **shape), run_torch_cell)


def test_every_cell_of_the_zoo_is_compared():
    """With torch.nn, with its equations in PyTorch, or with a package that does not deviate from its paper."""
    packaged = {row.name for row in TABLE if row.package and not row.package.cell}
    assert {*TORCH_NN, *AUTOGRAD} | packaged == set(zoo.names())


# --- jax.grad of lax.scan ---


def jax_lstm(p, s, x):
    i, f, o = (jax.nn.sigmoid(p[f"W_{k}"] @ x + p[f"U_{k}"] @ s["h"] + p[f"b_{k}"]) for k in "ifo")
    g = jax.numpy.tanh(p["W_g"] @ x + p["U_g"] @ s["h"] + p["b_g"])
    c = f * s["c"] + i * g
    return {"h": o * jax.numpy.tanh(c), "c": c}


def jax_gru(p, s, x):
    h = s["h"]
    r, z = (jax.nn.sigmoid(p[f"W_{k}"] @ x + p[f"U_{k}"] @ h + p[f"b_{k}"]) for k in "rz")
    n = jax.numpy.tanh(p["W_n"] @ x + p["b_n"] + r * (p["U_n"] @ h + p["c_n"]))
    return {"h": (1 - z) * n + z * h}


def jax_mgu(p, s, x):
    h = s["h"]
    f = jax.nn.sigmoid(p["W_f"] @ x + p["U_f"] @ h + p["b_f"])
    n = jax.numpy.tanh(p["W_n"] @ x + p["U_n"] @ (f * h) + p["b_n"])
    return {"h": (1 - f) * h + f * n}


JAX_CELLS = {"lstm": jax_lstm, "gru": jax_gru, "mgu": jax_mgu}


def run_jax(name: str, sample: Sample) -> Results:
    def one_row(params, x, state):
        def step(carry, x_t):
            carry = JAX_CELLS[name](params, carry, x_t)
            return carry, carry["h"]

        return jax.lax.scan(step, state, x)

    def loss(x, params, state):
        final, y = jax.vmap(one_row, in_axes=(None, 1, 0), out_axes=(0, 1))(params, x, state)
        value = (y * sample.dy).sum() + sum((final[k] * sample.dstate[k]).sum() for k in final)
        return value, (y, final)

    with jax.enable_x64(True):
        differentiated = jax.jit(jax.grad(loss, argnums=(0, 1, 2), has_aux=True))
        (dx, dparams, dstate), (y, final) = differentiated(sample.x, sample.params, sample.state)
        assert dx.dtype == np.float64
        return Results(*jax.tree.map(np.asarray, (y, final, dx, dparams, dstate)))


@each_shape
@pytest.mark.parametrize("name", JAX_CELLS)
def test_against_jax(name, shape):
    assert_agrees(name, Sample.draw(zoo.find(name), seed=4, **shape), run_jax)
