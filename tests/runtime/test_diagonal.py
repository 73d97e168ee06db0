"""Matrices that are 0 outside of blocks along their diagonal: products leave the zeros out, and find the same.

The oracle is the interpreter, which multiplies with all zeros.
"""

import numpy as np
import pytest

import symcell
from symcell.compiler import stages
from symcell.proof import kernel as oracle
from symcell.render.source import render
from symcell.runtime import memory, threads
from symcell.runtime.cache import build
from symcell.runtime.cpu import supported_isas
from symcell.runtime.kernel import Kernel
from symcell.runtime.load import load_extension
from symcell.zoo.exponential import slstm
from tests.declare.text import declare
from tests.runtime.cells import assert_same_bits, check, draw, results
from tests.runtime.counted import counted_pass
from tests.runtime.marks import in_both

BLOCKS = declare("""
x, h, c = Input(), State(), State("P")
W, V, U, R, S, D = Matrix(h, x), Matrix(h, x), Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h)
Q, A, M = Matrix(c, h), Matrix(h, c), Matrix(h, h, learned=False)
b = Vector(h)
own = M * BlockDiagonal(S, 3)
z = sigmoid(BlockDiagonal(W, 3) @ x + BlockDiagonal(U, 4) @ h + b)
n = tanh(V @ x + 0.5 * BlockDiagonal(U, 4).T @ h)
k = sigmoid(BlockDiagonal(W, 3) @ x + own @ h + A @ c)
c.next = tanh(BlockDiagonal(Q, 2) @ (n * k) + 0.5 * c)
h.next = (1 - z) * n + z * h + 0.1 * BlockDiagonal(D, 1000) @ n + 0.1 * R @ k
""", name="Blocks")
HEADS = declare("""
x, h = Input(), State()
W, V, U, R = Matrix(h, x), Matrix(h, x), Matrix(h, h), Matrix(h, h)
z = sigmoid(W @ x + BlockDiagonal(U, 3) @ h)
n = tanh(V @ x + BlockDiagonal(R, 3) @ h)
h.next = (1 - z) * n + z * h
""", name="Heads")
REUSED = declare("""
x, h = Input(), State()
W, V, U, S, R = Matrix(h, x), Matrix(h, x), Matrix(h, h), Matrix(h, h), Matrix(h, h)
b = Vector(h)
A, B = U - U.T, BlockDiagonal(R, 3)
z = sigmoid(W @ x + BlockDiagonal(U, 4) @ h + A @ h + A @ b)
n = tanh(V @ x + U @ h + U @ b)
k = sigmoid(BlockDiagonal(S, 4) @ h + S @ b + B @ h + (B * S) @ h + B @ b)
h.next = (1 - z) * n + z * h * k
""", name="Reused")
SHAPES = ((5, 9, 13, 17), (2, 4, 50, 130), (2, 6, 2, 1), (4, 1, 40, 66))


@in_both
def test_kernels_find_what_the_interpreter_finds(dtype, monkeypatch):
    """And the same bits, wherever sums begin, and whoever shares rows or lanes."""
    for name in ("MIN_ROWS", "MIN_WORK", "MIN_WEIGHTS"):
        monkeypatch.setattr(threads, name, 1)
    for isa in supported_isas():
        monkeypatch.setenv("SYMCELL_ISA", isa)
        for shape in SHAPES:
            data, found = draw(BLOCKS, dtype, *shape, P=7), []
            for rows, count in ((1, 1), (1000, 1), (1, 3), (1000, 2)):
                monkeypatch.setattr(memory, "STEP_ROWS", rows)
                kernel = symcell.compile(BLOCKS, dtype)  # one that has worked out nothing yet
                kernel.threads = count
                found.append(results(kernel, data))
            check(BLOCKS, kernel, data)
            for other in found[1:]:
                assert_same_bits(found[0], other)


@in_both
def test_matrices_that_are_read_once_per_call_too(dtype):
    """Whole and in blocks, in steps and once: no gradient loses what another one leaves out."""
    check(REUSED, symcell.compile(REUSED, dtype), draw(REUSED, dtype, T=5, B=3, I=4, H=17))


def test_what_is_outside_of_blocks_as_wide_as_tiles_is_not_read():
    """NaN there reaches neither results nor gradients, which are zeros there."""
    kernel, data = symcell.compile(HEADS, "float64"), draw(HEADS, "float64", T=5, B=3, I=4, H=96)
    expected, block = results(kernel, data), np.arange(96) // 32
    for name in ("U", "R"):
        data.params[name][block[:, None] != block] = np.nan
    assert_same_bits(results(kernel, data), expected)
    for name in ("U", "R"):
        assert np.array_equal(expected[f"d {name}"] != 0, block[:, None] == block)


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_zeros_are_not_multiplied(way, tmp_path):
    """Half of the products are with the input, or give its gradient; of the others a fourth is left with four heads."""
    found = {}
    for count in (1, 4):
        (tmp_path / str(count)).mkdir()
        found[count] = counted_pass(tmp_path / str(count), slstm(count), way)(4, 6, 64, 0).tiles
    assert found[4].products * 8 == found[1].products * 5
    assert found[4].broadcasts * 8 == found[1].broadcasts * 5


PLANTED = {
    "too many blocks in a product": ("h", "c->n_H, c->n_H, 3}", "c->n_H, c->n_H, 4}"),
    "too many blocks in a gradient": ("pyx", "'blocks': (3, 1)", "'blocks': (6, 1)"),
    "blocks of other lanes": ("h", "lanes, block, width);", "lanes, 0, width);"),
}


@pytest.mark.parametrize("name", [None, *PLANTED])
def test_planted_errors_are_found(name):
    files = render("planted", HEADS.spec, stages(HEADS).program, "0").files
    if name:
        kind, right, wrong = PLANTED[name]
        assert right in files[f"planted.{kind}"], "no error was planted"
        files = {**files, f"planted.{kind}": files[f"planted.{kind}"].replace(right, wrong)}
    module = load_extension("planted", build("planted", files, ["base"]))
    assert all(row.passed for row in oracle.check(HEADS.spec, Kernel(module, "float64"))) == (name is None)
