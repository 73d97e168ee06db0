"""Kernels whose matrices, vectors and scalars are computed once per call: every way of calling them."""

import numpy as np
import pytest

import symcell
from symcell import zoo
from tests.render.cells import Derived, Reduced
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
from tests.runtime.test_checkpoint import Checkpointed


class Ours(symcell.Cell):
    """Names that symcell gives to sizes, indices and patterns."""

    x = symcell.Input()
    h, size, index = symcell.State(), symcell.State("H"), symcell.State("H")
    W, blocks, identity = symcell.Matrix(h, x), symcell.Matrix(h, h), symcell.Matrix(h, h)
    P = identity - blocks.T + symcell.Identity(h)
    u = W @ x
    h.next = symcell.tanh(P @ h + u) / symcell.reduce_mean(u**2 + 1)
    size.next = size / 2 + symcell.reduce_mean(h) * h
    index.next = index / 2 + size


CELLS = (Derived, Reduced, Ours, "antisymmetric", "fastgrnn_lowrank")
SIZES = {"R": 2, "S": 3, "P": 2}
SHAPES = [(4, 3, 3, 5), (1, 1, 1, 1), (3, 2, 5, 17), (2, 5, 8, 32), (0, 2, 3, 4), (2, 0, 3, 4)]


def data_of(cell, dtype, T=6, B=3, I=3, H=5, seed=0):
    dims = (zoo.find(cell) if isinstance(cell, str) else cell).spec.dims
    return draw(cell, dtype, T, B, I, H, seed, **{dim: size for dim, size in SIZES.items() if dim in dims})


each_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: getattr(cell, "__name__", cell))


@each_cell
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_kernel_is_the_interpreter(cell, dtype):
    for shape in SHAPES:
        check(cell, kernel_of(cell, dtype), data_of(cell, dtype, *shape), str(shape))


@each_cell
def test_checkpoints_and_threads_change_nothing(cell):
    kernel, data = symcell.compile(cell, "float64"), data_of(cell, "float64", T=9, B=4)
    plain = results(kernel, data)
    found = results(Checkpointed(kernel, 4), data)
    assert_same_bits(per_row(found), per_row(plain))
    assert_near(found, plain, "float64")
    kernel.threads = 3
    assert_same_bits(results(kernel, data), plain)


def test_a_constant_in_a_matrix_is_per_call_with_prepared_parameters_too():
    """Its matrix is packed by prepare with the declared value; another one must not meet that."""
    kernel, data = kernel_of("antisymmetric", "float64"), data_of("antisymmetric", "float64")
    ready = kernel.prepare(data.params)
    default, _ = kernel.infer(data.x, data.params, data.state)
    other, _ = kernel.infer(data.x, data.params, data.state, constants={"gamma": 2.0})
    assert np.abs(default - other).max() > 1e-3
    for constants, expected in ((None, default), ({"gamma": 2.0}, other), (None, default), ({}, default)):
        y, _ = kernel.infer(data.x, ready, data.state, constants=constants)
        assert_same_bits({"y": y}, {"y": expected})


@each_cell
def test_prepared_parameters_are_a_copy(cell):
    kernel, data = kernel_of(cell, "float32"), data_of(cell, "float32")
    params = {name: np.array(array) for name, array in data.params.items()}
    ready = kernel.prepare(params)
    expected, _ = kernel.infer(data.x, params, data.state)
    for array in params.values():
        array[...] = np.nan
    y, _ = kernel.infer(data.x, ready, data.state)
    assert_same_bits({"y": y}, {"y": expected})


def test_a_run_keeps_what_it_derived():
    """A later call with other parameters does not reach an earlier run; changed parameters are refused by name."""
    kernel, data = kernel_of(Derived, "float64"), data_of(Derived, "float64")
    run = kernel.forward(data.x, data.params, data.state)
    expected = kernel.backward(run, data.dy)
    kernel.forward(data.x, {name: 2 * array for name, array in data.params.items()}, data.state)
    assert_same_bits(kernel.backward(run, data.dy).params, expected.params)
    data.params["U"][0, 0] += 1
    with pytest.raises(ValueError, match=r"U changed since the forward pass"):
        kernel.backward(run, data.dy)


def test_gradients_are_parameters_only_and_own_their_memory():
    kernel, data = kernel_of(Derived, "float32"), data_of(Derived, "float32")
    grads = kernel.backward(kernel.forward(data.x, data.params, data.state), data.dy).params
    assert list(grads) == [p.name for p in Derived.spec.parameters]
    for name, array in grads.items():
        assert array.dtype == np.float32
        assert array.shape == data.params[name].shape
        assert array.flags.c_contiguous
        assert array.flags.writeable


def test_derived_quantities_are_no_steps():
    kernel, data = kernel_of(Derived, "float32"), data_of(Derived, "float32")
    assert set(kernel.forward(data.x, data.params, record=["f"]).record) == {"f"}
    with pytest.raises(ValueError, match="quantity that changes from step to step called 'r'"):
        kernel.forward(data.x, data.params, record=["r"])


def test_nan_and_overflow_pass_in_silence():
    kernel, data = kernel_of(Derived, "float32"), data_of(Derived, "float32")
    params = {**data.params, "tau": np.full(5, -1000, np.float32)}
    run = kernel.forward(data.x, params)
    assert not np.isfinite(run.y).all()
    kernel.backward(run, data.dy)


def test_a_derived_value_is_rounded_once():
    """In float32 the matrix is that of float64, rounded: kernels of both agree to the last bit of A."""
    params = {name: np.array(a, np.float32) for name, a in data_of("antisymmetric", "float32").params.items()}
    constants = {"epsilon": np.float32(0.1), "gamma": np.float32(0.3)}
    module = kernel_of("antisymmetric", "float32")._passes.module
    A = module.derive({**params, **{k: np.asarray(v) for k, v in constants.items()}}, np.dtype("float32"))["A"]
    U = params["U"].astype(np.float64)
    np.testing.assert_array_equal(A, (U - U.T - np.float64(np.float32(0.3)) * np.eye(5)).astype(np.float32))


def test_a_wrong_chain_rule_is_found(monkeypatch):
    """Planted: the generated function forgets the transpose."""
    kernel, data = symcell.compile("antisymmetric", "float64"), data_of("antisymmetric", "float64")
    expected = results(reference_of("antisymmetric"), data)
    assert_near(results(kernel, data), expected, "float64")

    def wrong(params, found, dtype):
        found["U"] = found.pop("d_A")

    monkeypatch.setattr(kernel._passes.module, "chain_rule", wrong)
    with pytest.raises(AssertionError, match="d U"):
        assert_near(results(kernel, data), expected, "float64")
