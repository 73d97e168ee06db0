"""Everything in one cell, through every way that a cell goes: proofs, PyTorch, kernels, documents, the peers."""

import numpy as np
import pytest
import torch

import symcell
from symcell import Cell
from symcell.compiler import stages
from symcell.graph.adjoint import adjoint
from symcell.graph.lower import lower
from symcell.proof import kernel, numeric, symbolic
from tests.oracle import Sample, assert_alive, assert_close, run
from tests.runtime.cells import assert_near, assert_same_bits, check, draw, kernel_of, per_row, results
from tests.runtime.test_checkpoint import Checkpointed
from tests.together import BY_HAND, CELLS, Together
from tests.zoo.differentiate import differentiate, leaves

each_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)


@each_cell
def test_every_gradient_is_that_of_50_digits_and_of_differences(cell):
    rows = [*symbolic.check(cell.spec), *numeric.check(cell.spec)]
    assert all(row.passed for row in rows), rows


@each_cell
@pytest.mark.parametrize("sizes", [(5, 3, 4, 6, 2), (1, 1, 1, 1, 1), (3, 2, 2, 9, 5)], ids=str)
def test_it_is_what_pytorch_makes_of_it(cell, sizes):
    sample = Sample.draw(cell, **dict(zip("TBIHZ", sizes, strict=True)), seed=3)
    x, params, state = leaves(sample.x), leaves(sample.params), leaves(sample.state)
    for name in (p.name for p in cell.spec.parameters if not p.learned):
        params[name].requires_grad_(False)
    h, outputs = state["h"], []
    for x_t in x["x"]:
        y, h = BY_HAND[cell](params, x_t, h, *(x[name] for name in cell.spec.whole))
        outputs.append(y)
    learned = {name: tensor for name, tensor in params.items() if tensor.requires_grad}
    expected = differentiate(sample, x, learned, state, torch.stack(outputs), {"h": h})
    ours = run(cell, sample)
    assert_close(ours, expected, 1e-9)
    if sizes[3] > 1:
        assert_alive(ours)


SHAPES = [(4, 3, 3, 5, 2), (1, 1, 1, 1, 1), (3, 2, 5, 17, 4), (6, 5, 8, 32, 3), (0, 2, 3, 4, 2), (2, 0, 3, 4, 2)]


def data_of(cell, dtype, T=6, B=3, I=3, H=5, Z=2, seed=0):
    return draw(cell, dtype, T, B, I, H, seed, **({"Z": Z} if "Z" in cell.spec.dims else {}))


@each_cell
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_kernel_is_the_interpreter(cell, dtype):
    for shape in SHAPES:
        check(cell, kernel_of(cell, dtype), data_of(cell, dtype, *shape), str(shape))
    rows = kernel.check(cell.spec, kernel_of(cell, dtype))
    assert all(row.passed for row in rows), rows


@each_cell
def test_chunks_checkpoints_and_threads_change_nothing(cell):
    made, data = symcell.compile(cell, "float64"), data_of(cell, "float64", T=9, B=4)
    plain = results(made, data)
    for chunk in (1, 2, 4, 100):
        made.chunk = chunk
        assert_same_bits(results(made, data), plain)
    made.chunk = None
    found = results(Checkpointed(made, 4), data)
    assert_same_bits(per_row({k: v for k, v in found.items() if k not in WHOLE}),
                     per_row({k: v for k, v in plain.items() if k not in WHOLE}))
    assert_near(found, plain, "float64")
    made.threads = 3
    assert_same_bits(results(made, data), plain)


WHOLE = {"dx z", "dx r"}  # gradients of inputs of the whole sequence are summed by stretches


def test_a_changed_parameter_is_refused_and_a_derived_one_belongs_to_the_run():
    made, data = kernel_of(Together, "float64"), data_of(Together, "float64")
    params = {name: array.copy() for name, array in data.params.items()}
    first = made.forward(data.x, params, data.state)
    second = made.forward(data.x, params, data.state)
    assert first.tape.params["A"] is not second.tape.params["A"]
    grads = made.backward(first, data.dy)
    np.testing.assert_array_equal(made.backward(second, data.dy).params["U"], grads.params["U"])
    for name in ("U", "M", "alpha"):
        params[name][...] += 1
        with pytest.raises(ValueError, match=f": {name} changed since the forward pass"):
            made.backward(first, data.dy)
        params[name][...] = data.params[name]
    assert first.nbytes > made.forward(data.x, params, data.state).tape.params["A"].nbytes


@each_cell
def test_its_document_makes_the_same_cell(cell):
    text = cell.to_json()
    back = Cell.from_json(text)
    assert back.to_json() == text
    old, new = stages(cell), stages(back)
    assert (str(new.forward), str(new.backward)) == (str(old.forward), str(old.backward))
    assert new.source.files == old.source.files


@each_cell
def test_its_adjoint_has_an_adjoint(cell):
    backward = adjoint(lower(cell.spec))
    assert len(adjoint(backward).nodes) > len(backward.nodes)
