"""Weights that one step uses once are packed as they are used: the same bits as weights packed before."""

import pytest

from symcell.runtime import passes
from tests.runtime.cells import assert_same_bits, check, draw, kernel_of, results

CELLS = ["rnn", "gru", "lstm", "lstm_peephole", "gru_reset_before"]
SIZES = [(3, 1), (1, 2), (2, 3), (5, 17), (16, 16), (33, 50), (64, 65)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", CELLS[:4])
def test_a_single_step_is_right(cell, dtype):
    for I, H in SIZES:
        check(cell, kernel_of(cell, dtype), draw(cell, dtype, T=1, B=2, I=I, H=H), f"I={I} H={H}")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("B", [1, 5, 9])
def test_a_single_step_has_the_same_bits_either_way(cell, B):
    kernel = kernel_of(cell, "float32")
    for I, H in SIZES:
        data = draw(cell, "float32", T=1, B=B, I=I, H=H)
        found = results(kernel, data)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(passes, "PACK_AS_USED", passes.PACK_FIRST)
            assert_same_bits(found, results(kernel, data))


@pytest.mark.parametrize("cell", CELLS)
def test_the_first_of_two_steps_is_the_single_step(cell):
    kernel = kernel_of(cell, "float32")
    for I, H in SIZES:
        data = draw(cell, "float32", T=2, B=3, I=I, H=H)
        one = kernel.forward(data.x[:1], data.params, data.state)
        two = kernel.forward(data.x, data.params, data.state)
        assert one.y.tobytes() == two.y[:1].tobytes(), f"I={I} H={H}"
