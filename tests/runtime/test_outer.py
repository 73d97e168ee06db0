"""Sums over all steps (outer.h): every instruction set that this machine has, sizes around each of its borders."""


import numpy as np
import pytest

from symcell.runtime import cpu, native

in_both = pytest.mark.parametrize("dtype", ["float32", "float64"])

ISAS = cpu.supported_isas()
STEPS = 384  # of SC_OUTER_STEPS
SHAPES = [(N, M, K) for N in (0, 1, 2, 3, STEPS - 1, STEPS, STEPS + 1, 3 * STEPS + 5)
          for M, K in ((1, 1), (7, 70), (37, 16))]
SHAPES += [(50, 900, 3), (5, 3, 129), (17, 6, 64), (STEPS + 1, 401, 65)]


def factor(rng, rows, columns, dtype, more=3):
    """Columns in the middle of longer rows."""
    return rng.standard_normal((rows, columns + 2 * more)).astype(dtype)[:, more : more + columns]


def factors(*columns, parts=None):
    """The table of factors that are columns of longer rows, and the arrays of these rows."""
    arrays = [array if array.base is None else array.base for array in columns]
    starts = [(column.ctypes.data - array.ctypes.data) // array.itemsize
              for column, array in zip(columns, arrays, strict=True)]
    parts = parts or [1] * len(columns)
    table = [(k, starts[k], *array.shape, arrays[k].shape[1], parts[k]) for k, array in enumerate(columns)]
    return np.array(table, np.int64), arrays


def summed(isa, left, rights, total=True, threads=1, parts=None):
    """What `over_all_steps` finds, in arrays that end in numbers it must leave alone."""
    M = left.shape[1]
    outs = [np.full(M * right.shape[1] + 1, 7, left.dtype) for right in rights]
    sums = np.full(M + 1, 7, left.dtype)
    work = np.full(threads * native.WORK_BYTES // left.itemsize + 1, 7, left.dtype)
    table, arrays = factors(left, *rights, parts=parts)
    for _ in range(3):  # others may come the first time, or later
        native.over_all_steps(
            isa, left.itemsize, table, arrays, [*outs, *[sums] * total], total, work, threads)
    assert all(array[-1] == 7 for array in (*outs, sums, work))
    return [out[:-1].reshape(M, -1) for out in outs], sums[:-1]


@in_both
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("N", "M", "K"), SHAPES)
def test_products_and_sums(isa, N, M, K, dtype):
    rng = np.random.default_rng(N + M + K)
    left, rights = factor(rng, N, M, dtype), [factor(rng, N, K, dtype), factor(rng, N, 5, dtype)]
    outs, sums = summed(isa, left, rights)
    bound = 4 * np.sqrt(N + 1) * np.finfo(dtype).eps
    for out, right in zip(outs, rights, strict=True):
        size = np.abs(left.astype(np.float64)).T @ np.abs(right.astype(np.float64)) + 1e-30
        assert (np.abs(out - left.astype(np.float64).T @ right) <= bound * size).all()
    assert (np.abs(sums - left.astype(np.float64).sum(axis=0)) <= bound * (np.abs(left).sum(axis=0) + 1e-30)).all()


@in_both
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("N", [1, 700])
def test_parts_find_the_same_bits(isa, N, dtype):
    rng = np.random.default_rng(0)
    left, right = factor(rng, N, 413, dtype), factor(rng, N, 37, dtype)
    [whole], sums = summed(isa, left, [right])
    for threads in (2, 3, 16):
        [out], again = summed(isa, left, [right], threads=threads)
        assert np.array_equal(out, whole)
        assert np.array_equal(again, sums)


BLOCKS = [(96, 1, 96, 4), (40, 3, 24, 4), (13, 2, 130, 5), (130, 2, 7, 3), (6, 4, 5, 9), (400, 2, 64, 64)]


@in_both
@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("height", "vectors", "K", "blocks"), BLOCKS)
def test_blocks_along_the_diagonal_of_each_product(isa, height, vectors, K, blocks, dtype):
    """The same bits as of the whole products, and zeros outside, whoever shares the columns."""
    rng = np.random.default_rng(height)
    rows, columns = np.arange(height) * blocks // height, np.arange(K) * blocks // K
    kept = np.tile(rows[:, None] == columns, (vectors, 1))
    assert 0 < kept.sum() < kept.size
    for N in (0, 1, 2, 5, STEPS + 3):
        left, right = factor(rng, N, height * vectors, dtype), factor(rng, N, K, dtype)
        [whole, beside], total = summed(isa, left, [right, right])
        for threads in (1, 2, 5):
            [within, other], sums = summed(isa, left, [right, right], threads=threads, parts=(vectors, blocks, 1))
            assert np.array_equal(within, np.where(kept, whole, 0))
            assert not np.signbit(within[~kept]).any()
            assert np.array_equal(other, beside)
            assert np.array_equal(sums, total)


def test_rows_follow_one_another_in_a_fixed_order():
    """A sum of rows is not the sum of the same rows in another order: the bits above could not differ otherwise."""
    rng = np.random.default_rng(1)
    left, right = factor(rng, 700, 5, "float32"), factor(rng, 700, 5, "float32")
    [out], _ = summed(ISAS[0], left, [right])
    [other], _ = summed(ISAS[0], left[::-1].copy(), [right[::-1].copy()])
    assert not np.array_equal(out, other)


def test_what_does_not_fit_is_refused():
    left, right = np.zeros((4, 3), np.float32), np.zeros((4, 2), np.float32)
    out, work = np.zeros((3, 2), np.float32), np.zeros(native.WORK_BYTES // 4, np.float32)

    def call(factor=1, threads=1, outs=(out,), total=False, work=work, arrays=None, left_parts=1, **columns):
        table, found = factors(left, right, parts=(left_parts, 1))
        for name, value in columns.items():
            table[factor, ("array", "start", "rows", "columns", "stride", "parts").index(name)] = value
        native.over_all_steps(ISAS[0], 4, table, arrays or found, list(outs), total, work, threads)

    call()
    call(stride=0, columns=0)
    for wrong, message in (
            ({"rows": 3}, "factors of 4 and 3 rows"),
            ({"outs": (out[:2],)}, "a product has 16 bytes, 24 are needed"),
            ({"outs": (out, np.zeros(2, np.float32)), "total": True}, "a sum has 8 bytes, 12 are needed"),
            ({"outs": (), "total": True}, "a sum without a place for it"),
            ({"work": work[1:]}, "work has"),
            ({"threads": 2}, "work has"),
            ({"stride": 1}, "a factor with impossible sizes"),
            ({"start": -1}, "a factor with impossible sizes"),
            ({"stride": 1 << 61}, "a factor with impossible sizes"),
            ({"rows": 1 << 61}, "a factor with impossible sizes"),
            ({"start": 1 << 61}, "a factor with impossible sizes"),
            ({"factor": 0, "rows": -1}, "a factor with impossible sizes"),
            ({"start": 1}, "a factor has 32 bytes, 36 are needed"),
            ({"factor": 0, "rows": 5}, "a factor has 48 bytes, 60 are needed"),
            ({"arrays": [left.T, right]}, "not C-contiguous"),
            ({"parts": 0}, "a factor with impossible sizes"),
            ({"parts": 1 << 61}, "a factor with impossible sizes"),
            ({"parts": 1 << 55}, "blocks in products with 1 vectors, 3 numbers"),
            ({"left_parts": 2, "parts": 2}, "2 blocks in products with 2 vectors, 3 numbers"),
            ({"left_parts": 4, "parts": 2}, "2 blocks in products with 4 vectors, 3 numbers"),
            ({"outs": (out, out)}, "the table of factors has 96 bytes, 144 are needed")):
        with pytest.raises(ValueError, match=message):
            call(**wrong)
    with pytest.raises(IndexError):
        call(array=2)


def test_as_many_factors_as_there_are():
    rng = np.random.default_rng(3)
    left = factor(rng, 7, 5, np.float64)
    rights = [factor(rng, 7, 1 + k % 4, np.float64) for k in range(100)]
    products, total = summed(ISAS[0], left, rights)
    for product, right in zip(products, rights, strict=True):
        np.testing.assert_allclose(product, left.T @ right, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(total, left.sum(0), rtol=1e-12, atol=1e-13)
