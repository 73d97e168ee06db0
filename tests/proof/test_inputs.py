"""Several inputs through all layers: sizes of their own, one only multiplied with the state, one not used."""

import warnings

import numpy as np
import pytest

import symcell
from symcell import Cell, Input, Matrix, State, UnusedParameterWarning, Vector, sigmoid, tanh
from symcell.proof import frameworks, handwritten, kernel, numeric, symbolic


class Three(Cell):
    """x and z of two sizes; e has the state's and meets no matrix."""

    h = State()
    x, z, e = Input(), Input("F"), Input(h)
    W, V, U, b = Matrix(h, x), Matrix(h, z), Matrix(h, h), Vector(h)
    g = sigmoid(W @ x + V @ z + b)
    h.next = g * h + (1 - g) * tanh(U @ h) * e


with warnings.catch_warnings():
    warnings.simplefilter("ignore", UnusedParameterWarning)

    class Unused(Cell):
        """Nothing depends on z."""

        h = State()
        x, z = Input(), Input("F")
        W = Matrix(h, x)
        h.next = tanh(W @ x + h)


CHECKS = [symbolic.check, numeric.check, handwritten.check, frameworks.check_torch, frameworks.check_jax]


@pytest.mark.parametrize("check", CHECKS)
def test_the_oracles_hold(check):
    rows = check(Three.spec)
    assert rows
    assert all(row.passed for row in rows), rows


def test_the_declaration_keeps_names_sizes_and_order():
    assert Three.spec.inputs == (("x", "I"), ("z", "F"), ("e", "H"))


def test_the_derivation_names_them_all():
    assert "reads the inputs $x_t$, $z_t$ and $e_t$" in symcell.derive(Three).markdown()


def data(**changed):
    random = np.random.default_rng(0)
    return {name: random.normal(size=(4, 2, size)) for name, size in (("x", 2), ("z", 4), ("e", 3))} | changed


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_kernel_is_right(dtype):
    rows = kernel.check(Three.spec, symcell.compile(Three, dtype))
    assert all(row.passed for row in rows), rows


def test_an_unused_input_is_still_asked_for_and_has_gradient_zero():
    cell = symcell.reference(Unused)
    params = cell.init_params(seed=0, I=2, H=3, F=4)
    run = cell.forward({name: data()[name] for name in "xz"}, params)
    grads = cell.backward(run, np.ones((4, 2, 3)))
    assert grads.x["z"].shape == (4, 2, 4)
    assert not grads.x["z"].any()
    assert grads.x["x"].any()


@pytest.mark.parametrize(("x", "error", "message"), [
    (data()["x"], TypeError, r'x must be a dict \{"x": array, "z": array, "e": array\}, got ndarray'),
    ({"x": data()["x"]}, ValueError, "x lacks z, e"),
    (data(q=data()["x"]), ValueError, "there is no input 'q'; expected x, z, e"),
    (data(z=data()["z"][:1]), ValueError, r'x\["z"\] has shape \(1, 2, 4\); expected \(T, B, F\) with T=4'),
    (data(e=data()["z"]), ValueError, r'x\["e"\] has shape \(4, 2, 4\); expected \(T, B, H\) with H=3'),
])
def test_what_is_no_set_of_inputs_is_refused(x, error, message):
    cell = symcell.reference(Three)
    with pytest.raises(error, match=f"Three: .*{message}"):
        cell.forward(x, cell.init_params(seed=0, I=2, H=3, F=4))
