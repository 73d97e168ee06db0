"""Which kernels there are, and what a kernel says of itself."""

import sys

import numpy as np
import pytest

import symcell
from tests.runtime.calls.given import OTHER, says
from tests.runtime.cells import Mixed, reference_of


@pytest.mark.parametrize("dtype", ["float16", "int32", "complex64", "", None, np.float16])
def test_kernels_compute_in_two_precisions(dtype):
    with pytest.raises(ValueError, match=says("dtype=", "float32 or float64")):
        symcell.compile("lstm", dtype)


def test_a_dtype_may_be_numpys():
    assert symcell.compile("lstm", np.dtype(OTHER)).dtype == OTHER


def test_an_unknown_cell_gets_a_suggestion():
    with pytest.raises(symcell.CellError, match=says("lstn", "lstm")):
        symcell.compile("lstn")
    for value in (3, None, Mixed.spec, symcell.Cell, object):
        with pytest.raises(symcell.CellError, match="expected a Cell class"):
            symcell.compile(value)


def test_an_unknown_instruction_set_is_an_error(monkeypatch):
    monkeypatch.setenv("SYMCELL_ISA", "mmx")
    for cell in ("lstm", Mixed):
        with pytest.raises(ValueError, match=says("SYMCELL_ISA='mmx'", "is not an instruction set", "base")):
            symcell.compile(cell)


def test_a_kernel_says_what_it_is(kernel, data):
    assert repr(kernel) == f"<symcell kernel mixed, float32, {kernel.isa}>"
    assert kernel.name == "mixed"
    assert kernel.dtype == np.float32
    text = kernel.explain()
    for part in (kernel.isa, "stage", "gemm", "tape", "panel"):
        assert part in text
    assert "tape" not in repr(kernel.forward(data.x, data.params))


def test_the_reference_refuses_what_a_kernel_refuses(data):
    reference, exact = reference_of(Mixed), data.astype(OTHER)
    with pytest.raises(TypeError, match=says("Mixed: x is float32")):
        reference.forward(data.x, exact.params)
    with pytest.raises(ValueError, match=says("params lacks")):
        reference.forward(exact.x, {})
    with pytest.raises(ValueError, match=says("record", "'ff'", "'f'?")):
        reference.forward(exact.x, exact.params, record=["ff"])
    run = reference.forward(exact.x, exact.params)
    with pytest.raises(ValueError, match="run of another kernel"):
        reference_of("lstm").backward(run, exact.dy)
    assert sys.getsizeof(reference.explain()) > 100


def test_the_same_kernel_in_another_precision(kernel, data):
    single, double = kernel.astype("float32"), kernel.astype("float64")
    assert (single.dtype, double.dtype, single.path) == (np.float32, np.float64, kernel.path)
    with pytest.raises(ValueError, match="float32 or float64"):
        kernel.astype("float16")
