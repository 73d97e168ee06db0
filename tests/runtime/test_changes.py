"""A fingerprint tells whether parameters have changed between forward and backward."""

import numpy as np
import pytest

from symcell.runtime import native
from symcell.runtime.cpu import supported_isas
from tests.runtime.cells import draw, kernel_of

LENGTHS = [0, 1, 7, 8, 9, 16, 17, 31, 64, 100, 1000]


def prints(*arrays, isa="base"):
    return native.fingerprints(isa, arrays)


@pytest.mark.parametrize("length", LENGTHS)
def test_every_bit_counts(length):
    bits = np.random.default_rng(length).integers(0, 2**32, length, np.uint32)
    found = {prints(bits)[0]}
    for entry in range(length):
        for bit in (0, 13, 31):
            bits[entry] ^= np.uint32(1 << bit)
            found.add(prints(bits)[0])
            bits[entry] ^= np.uint32(1 << bit)
    assert len(found) == 1 + 3 * length
    assert prints(bits)[0] in found


def test_the_length_counts():
    assert len(set(prints(*(np.zeros(length, np.float32) for length in LENGTHS)))) == len(LENGTHS)


@pytest.mark.parametrize("weights", [np.eye(64, dtype="f"), np.arange(64 * 64, dtype="f").reshape(64, 64)])
def test_the_order_counts(weights):
    """Rows that change places, as hidden units do: also those of a matrix of few different numbers."""
    before, = prints(weights)
    for a in range(0, 64, 3):
        for b in range(a + 1, 64):
            weights[[a, b]] = weights[[b, a]]
            assert prints(weights)[0] != before, f"rows {a} and {b}"
            weights[[a, b]] = weights[[b, a]]
    assert prints(weights)[0] == before


CHANGES = {
    "negated": np.negative,
    "doubled": lambda w: 2 * w,
    "upside down": lambda w: w[::-1],
    "transposed": lambda w: w.T,
    "shifted": lambda w: w + 1,
    "rolled": lambda w: np.roll(w, 16, 0),
    "zero": lambda w: 0 * w,
}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_is_done_to_all_counts(name):
    weights = np.random.default_rng(0).normal(size=(32, 32)).astype("f")
    assert len(set(prints(weights, np.ascontiguousarray(CHANGES[name](weights))))) == 2


def test_all_variants_find_the_same_number():
    arrays = [np.random.default_rng(0).normal(size=length).astype("f") for length in LENGTHS]
    assert len({tuple(prints(*arrays, isa=isa)) for isa in supported_isas()}) == 1


def test_another_isa_is_refused():
    with pytest.raises(ValueError, match="no code for z80"):
        prints(isa="z80")


@pytest.mark.parametrize("layout", ["as it is", "strided", "read-only"])
def test_one_changed_weight_is_refused(layout):
    kernel, data = kernel_of("lstm", "float32"), draw("lstm", "float32")
    weights = data.params["U_f"]
    if layout == "strided":
        weights = np.repeat(weights, 2, axis=1)[:, ::2]
    data.params["U_f"] = weights.view()
    data.params["U_f"].flags.writeable = layout != "read-only"
    run = kernel.forward(data.x, data.params)
    kernel.backward(run, data.dy)
    weights[2, 3] = np.nextafter(weights[2, 3], np.float32(2))
    with pytest.raises(ValueError, match="U_f changed since the forward pass"):
        kernel.backward(run, data.dy)
    weights[2, 3] = np.nextafter(weights[2, 3], np.float32(-2))
    kernel.backward(run, data.dy)


def test_a_run_holds_no_copy_of_the_parameters():
    kernel, data = kernel_of("lstm", "float32"), draw("lstm", "float32", I=64, H=64)
    held = kernel.forward(data.x, data.params).nbytes
    strided = {name: np.asfortranarray(array) for name, array in data.params.items()}
    copies = sum(array.nbytes for array in strided.values() if not array.flags.c_contiguous)
    assert copies > 0
    assert kernel.forward(data.x, strided).nbytes == held + copies
