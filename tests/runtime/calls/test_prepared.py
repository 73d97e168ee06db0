"""Parameters prepared once for many calls."""

import numpy as np
import pytest

from tests.runtime.calls.given import FLOAT, OTHER, says
from tests.runtime.cells import Mixed, assert_same_bits, draw, kernel_of


@pytest.mark.parametrize("cell", [Mixed, "lstm"], ids=str)
def test_prepared_parameters_are_a_copy(cell):
    kernel, data = kernel_of(cell, FLOAT), draw(cell, FLOAT)
    params = {name: array.copy() for name, array in data.params.items()}
    ready = kernel.prepare(params)
    expected, _ = kernel.infer(data.x, data.params, data.state)
    for array in params.values():
        array[...] = np.nan
    for B in (2, 1):  # and they serve any number of calls
        y, _ = kernel.infer(data.x[:, :B], ready, {name: array[:B] for name, array in data.state.items()})
        assert_same_bits({"y": y}, {"y": expected[:, :B]})


def test_parameters_prepared_for_another_kernel_are_refused(kernel, lstm, data, lstm_data):
    with pytest.raises(ValueError, match=says("LSTM: these parameters were prepared for another kernel")):
        lstm.infer(lstm_data.x, kernel.prepare(data.params))
    with pytest.raises(ValueError, match="prepared for another kernel"):
        kernel_of(Mixed, OTHER).infer(data.x.astype(OTHER), kernel.prepare(data.params))
    with pytest.raises(ValueError, match=says("x has shape", "F=3 on axis 2")):
        kernel.infer(np.zeros((2, 2, 4), FLOAT), kernel.prepare(data.params))
    with pytest.raises(TypeError, match=says("params must be a dict", "got Ready")):
        kernel.forward(data.x, kernel.prepare(data.params))
