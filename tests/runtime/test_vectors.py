"""The vector type: arithmetic, lanes, and loads and stores of a part of a vector."""

import ctypes
import math
import mmap

import numpy as np
import pytest

from tests.runtime.vectors import UNARY, compiled, pointer

inf, nan = math.inf, math.nan


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("functions"))


def test_a_lane_does_not_depend_on_its_neighbours(kinds):
    for kind in kinds:
        x = np.linspace(-9, 9, 5 * kind.lanes + 3).astype(kind.dtype)
        for name in UNARY:
            if name not in ("log", "log1p", "sqrt"):
                alone = np.concatenate([kind.map(name, x[i : i + 1]) for i in range(x.size)])
                np.testing.assert_array_equal(kind.map(name, x), alone)


def test_arithmetic(kinds):
    for kind in kinds:
        a = np.array([1, nan, 2, nan, -inf, 5, -3, 7], kind.dtype)
        b = np.array([nan, 1, 3, nan, inf, 4, -3, -8], kind.dtype)
        a, b = np.resize(a, kind.lanes), np.resize(b, kind.lanes)
        np.testing.assert_array_equal(kind.binary("max", a, b), np.maximum(a, b))
        np.testing.assert_array_equal(kind.binary("min", a, b), np.minimum(a, b))
        np.testing.assert_array_equal(kind.binary("select", a, b), np.where(a > b, a, b[0]))
        x = np.arange(1, kind.lanes + 1).astype(kind.dtype)
        total = kind.symbol("test_sum")
        total.restype = ctypes.c_float if kind.suffix == "f32" else ctypes.c_double
        assert total(pointer(x)) == x.sum()


def test_fma_rounds_once_except_in_base(kinds):
    for kind in kinds:
        eps = float(np.finfo(kind.dtype).eps)
        got = kind.binary("fma", 1 + eps, 1 - eps)  # 1 - eps^2, less 1
        assert (got == (0 if kind.variant == "base" else -eps * eps)).all()


def test_part_load_stops_at_a_page_that_cannot_be_read(kinds):
    libc = ctypes.CDLL(None, use_errno=True)
    size = mmap.PAGESIZE
    area = mmap.mmap(-1, 2 * size)
    start = ctypes.addressof(ctypes.c_char.from_buffer(area))
    assert libc.mprotect(ctypes.c_void_p(start + size), ctypes.c_size_t(size), 0) == 0
    try:
        for kind in kinds:
            for n in range(1, kind.lanes):
                bytes_used = n * kind.dtype.itemsize
                tail = np.frombuffer(area, kind.dtype, n, size - bytes_used)
                tail[:] = np.arange(1, n + 1)
                y = np.full(kind.lanes, nan, kind.dtype)
                kind.symbol("test_load_part")(pointer(tail), pointer(y), ctypes.c_long(n))
                np.testing.assert_array_equal(y, np.r_[tail, np.zeros(kind.lanes - n)])
                kind.symbol("test_store_part")(pointer(y), pointer(tail), ctypes.c_long(n))
                np.testing.assert_array_equal(tail, np.arange(1, n + 1))
    finally:
        libc.mprotect(ctypes.c_void_p(start + size), ctypes.c_size_t(size), 3)


def test_part_store_leaves_the_rest(kinds):
    for kind in kinds:
        x = np.arange(1, kind.lanes + 1).astype(kind.dtype)
        for n in range(1, kind.lanes):
            y = np.full(kind.lanes + 2, -7, kind.dtype)
            kind.symbol("test_store_part")(pointer(x), pointer(y[1:]), ctypes.c_long(n))
            np.testing.assert_array_equal(y, np.r_[-7, x[:n], np.full(kind.lanes - n + 1, -7)])
