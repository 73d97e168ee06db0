"""Checkpoints: the same results from less memory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.runtime.cells import (
    QUICK,
    Late,
    Stack,
    Swap,
    assert_near,
    assert_same_bits,
    draw,
    kernel_of,
    per_row,
    results,
)

CELLS = (*QUICK, Late, Stack, Swap, "lstm", "gru")


class Checkpointed:
    """A kernel whose forward keeps checkpoints."""

    def __init__(self, kernel, every):
        self.kernel, self.every, self.backward = kernel, every, kernel.backward

    def forward(self, *args, **named):
        return self.kernel.forward(*args, **named, checkpoint=self.every)


def compare(cell, dtype, every, **sizes):
    kernel = kernel_of(cell, dtype)
    data = draw(cell, dtype, **sizes)
    plain, found = results(kernel, data), results(Checkpointed(kernel, every), data)
    assert_same_bits(per_row(found), per_row(plain))
    assert_near(found, plain, dtype)
    assert_same_bits(results(Checkpointed(kernel, every), data), found)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: getattr(cell, "__name__", cell))
@pytest.mark.parametrize("every", [1, 3, 4, 12, 50])
def test_checkpoints_change_no_result(cell, every):
    compare(cell, "float32", every, T=12, B=3, I=5, H=17)
    compare(cell, "float64", every, T=11, B=2, I=3, H=6)


@settings(max_examples=60, deadline=None)
@given(cell=st.sampled_from(CELLS), T=st.integers(0, 40), B=st.integers(0, 9), I=st.integers(1, 20),
       H=st.integers(1, 40), every=st.integers(1, 45))
def test_checkpoints_change_no_result_at_any_shape(cell, T, B, I, H, every):
    compare(cell, "float64", every, T=T, B=B, I=I, H=H)


@pytest.mark.parametrize("cell", ["lstm", "gru", QUICK[0]], ids=str)
def test_recorded_quantities_are_the_same_and_survive_backward(cell):
    kernel, data = kernel_of(cell, "float32"), draw(cell, "float32", T=10, B=3)
    names = tuple(kernel._meta["named"])
    plain = kernel.forward(data.x, data.params, record=names)
    run = kernel.forward(data.x, data.params, record=names, checkpoint=4)
    assert_same_bits(run.record, plain.record)
    first, again = kernel.backward(run, data.dy), kernel.backward(run, data.dy)
    assert_same_bits(first.params, again.params)
    assert_same_bits(first.state, kernel.backward(plain, data.dy).state)
    assert_same_bits(run.record, plain.record)


def test_a_checkpointed_run_owns_what_it_needs():
    kernel, data = kernel_of("lstm", "float32"), draw("lstm", "float32", T=10, B=3)
    expected = results(Checkpointed(kernel, 4), data)
    run = kernel.forward(data.x, data.params, data.state, checkpoint=4)
    data.x[...] = np.nan
    for array in (*data.state.values(), *run.state.values()):
        array[...] = np.nan
    assert_same_bits({"dx": kernel.backward(run, data.dy, data.dstate).x}, {"dx": expected["dx"]})
    assert not run.y.flags.writeable
    data.params["U_i"][0, 0] += 1
    with pytest.raises(ValueError, match="U_i changed since the forward pass"):
        kernel.backward(run, data.dy)


@pytest.mark.parametrize(("every", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError),
                                              ("3", TypeError)])
def test_a_checkpoint_that_is_no_number_of_steps_is_refused(every, error):
    kernel, data = kernel_of("lstm", "float32"), draw("lstm", "float32")
    with pytest.raises(error, match="LSTM: checkpoint"):
        kernel.forward(data.x, data.params, checkpoint=every)


def test_checkpoints_shrink_the_tape_tenfold():
    kernel, data = kernel_of("lstm", "float32"), draw("lstm", "float32", T=1000, B=2, I=8, H=16)
    given = data.x.nbytes + sum(array.nbytes for array in data.params.values())
    plain = kernel.forward(data.x, data.params)
    run = kernel.forward(data.x, data.params, checkpoint=32)
    stretch = kernel.forward(data.x[:32], data.params)  # what backward holds at a time
    most = run.nbytes - given + stretch.nbytes
    assert 10 * most <= plain.nbytes - given - plain.y.nbytes
