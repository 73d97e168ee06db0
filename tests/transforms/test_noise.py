"""Noise: seeded, the same in both precisions, of the sizes of a cell; what is wrong about a call is named."""

import numpy as np
import pytest

from symcell import Cell, draw_noise
from symcell.transforms.dropout import variational_dropout, zoneout

SIZES = {"I": 3, "H": 5}


def test_noise_is_seeded_and_the_same_for_both_precisions():
    cell = variational_dropout(zoneout("lstm", 0.1), 0.2)
    first = draw_noise(cell, 7, T=50, B=20, **SIZES)
    assert {name: (a.shape, a.dtype.name) for name, a in first.items()} == {
        "zone_h": ((50, 20, 5), "float32"), "zone_c": ((50, 20, 5), "float32"),
        "drop_x": ((20, 3), "float32"), "drop_h": ((20, 5), "float32")}
    again, double = draw_noise(cell, 7, T=50, B=20, **SIZES), draw_noise(cell, 7, T=50, B=20, dtype="float64", **SIZES)
    for name, array in first.items():
        assert np.array_equal(array, again[name])
        assert np.array_equal(array, double[name])
        assert array.min() >= 0
        assert array.max() < 1
    assert not np.array_equal(first["zone_h"], first["zone_c"])
    assert not np.array_equal(first["zone_h"], draw_noise(cell, 8, T=50, B=20, **SIZES)["zone_h"])
    assert np.mean(first["zone_h"] < 0.1) == pytest.approx(0.1, abs=0.02)
    generator = np.random.default_rng(7)
    assert np.array_equal(draw_noise(cell, generator, T=50, B=20, **SIZES)["zone_h"], first["zone_h"])
    assert not np.array_equal(draw_noise(cell, generator, T=50, B=20, **SIZES)["zone_h"], first["zone_h"])


def test_a_cell_read_from_its_document_draws_the_same_noise():
    cell = zoneout("gru", 0.1)
    again = Cell.from_json(cell.to_json())
    assert np.array_equal(draw_noise(again, 1, T=2, B=3, **SIZES)["zone_h"],
                          draw_noise(cell, 1, T=2, B=3, **SIZES)["zone_h"])


@pytest.mark.parametrize(("changed", "error", "message"), [
    ({"T": -2}, ValueError, "ZoneoutLSTM: draw_noise: the size T=-2: expected at least 0"),
    ({"B": -1}, ValueError, "the size B=-1: expected at least 0"), ({"H": 0}, ValueError, "the size H=0: expected at"),
    ({"T": 1.5}, TypeError, r"the size T=1\.5: expected an integer\."), ({"T": "4"}, TypeError, "the size T='4'"),
    ({"H": True}, TypeError, "the size H=True: expected an integer"),
    ({"seed": -1}, ValueError, "seed=-1: expected at least 0"),
    ({"seed": "a"}, TypeError, "seed='a': expected an integer or a NumPy Generator"),
    ({"seed": None}, TypeError, "seed=None: expected an integer or"),
    ({"seed": 0.5}, TypeError, "seed=0.5: expected an"),
    ({"dtype": "float16"}, ValueError, "dtype='float16': kernels compute in float32 or float64"),
    ({"dtype": int}, ValueError, "kernels compute in"), ({"dtype": None}, ValueError, "kernels compute in"),
])
def test_wrong_arguments_of_draw_noise_are_refused(changed, error, message):
    with pytest.raises(error, match=message):
        draw_noise(zoneout("lstm", 0.1), **{"seed": 0, "T": 2, "B": 3, "H": 4} | changed)


def test_sizes_of_noise_may_be_numbers_of_numpy_and_none():
    cell = zoneout("lstm", 0.1)
    assert draw_noise(cell, np.int64(1), T=np.int32(0), B=np.int64(3), H=np.int64(4))["zone_h"].shape == (0, 3, 4)


def test_a_missing_size_of_noise_is_named():
    with pytest.raises(TypeError, match="draw_noise needs the size H, such as H=64"):
        draw_noise(zoneout("lstm", 0.1), 0, T=1, B=1, I=3)


@pytest.mark.parametrize(("name", "hint"), [("HH", r" Did you mean 'H'\?"), ("t", ""), ("zone_h", "")])
def test_a_size_of_no_dimension_is_refused(name, hint):
    """A slip for a size that is not needed would else go unnoticed."""
    message = rf"^ZoneoutLSTM: draw_noise: there is no dimension '{name}'; expected I, H\.{hint}$"
    for given in ({"H": 5}, {}):  # it is named before the size that is missing
        with pytest.raises(TypeError, match=message):
            draw_noise(zoneout("lstm", 0.1), 0, T=1, B=1, **given, **{name: 3})
