"""Speed of sums over all steps (outer.h), guarded by counting what they do while they run.

Of some hundred rows at a time, the left factor's columns are turned once, for the total and all products; a right
factor is read where it is, in panels as wide as tiles allow, of which the last one is packed, once, if it ends within
a vector; what is there already is added to once.
"""

import shutil
from dataclasses import replace

import pytest

from symcell.runtime.fingerprint import INCLUDE
from symcell.schedule.tiles import _ROWS
from tests.runtime.counted import VL, Counts, Moves, counted

STEPS, COLUMNS, RIGHTS = 384, 459, (40, 6)  # rows and columns of the left factor that fit the memory to work in
SIZES = [(2 * STEPS + 5, 37), (5, 900), (STEPS, 16), (2, 37)]  # rows, columns of the left factor
MAIN = """
    const long rows = number[0], M = number[1], K[] = {40, 6}, blocks = number[2] ? number[2] : 1;
    struct sc_factor factors[2];
    for (int k = 0; k < 2; ++k)
        factors[k] = (struct sc_factor){{calloc(rows * K[k] + 64, sizeof(float)), rows, K[k], K[k]},
                                        calloc(M * K[k], sizeof(float)), M, blocks};
    struct sc_outer c = {.team = {NULL, 1, 0, 0}, .left = {calloc(rows * M, sizeof(float)), rows, M, M},
                         .factors = factors, .count = 2, .total = calloc(M, sizeof(float)),
                         .work = malloc(SC_OUTER_BYTES)};
    SC(sc_outer)(&c);
"""


def up(count, size):
    return -(-count // size)


def sums(folder, include=INCLUDE):
    run = counted(folder, '#include "symcell/outer.h"', MAIN, include)
    return lambda *sizes: replace(run(*sizes), astray=0)  # nothing here is one step ahead


def expected(rows, M):
    return few(rows, M) if rows <= 2 else many(rows, M)


def few(rows, M):
    """Each right factor's vectors are loaded once, four at a time, for all rows of the result."""
    vectors, fours = sum(up(K, VL) for K in RIGHTS), sum(4 * up(K, 4 * VL) for K in RIGHTS)
    moves = Moves(rows * M * fours, rows * (vectors + up(M, VL)), M * vectors + up(M, VL), rows * M * fours)
    return Counts(Moves(0, 0, 0, 0), Moves(0, 0, 0, 0), moves, 0, 0, 0, 0)


def many(rows, M):
    panels = [width for K in RIGHTS for width in even(up(K, VL), 4)]  # in vectors
    vectors, blocks = sum(panels), even(M, COLUMNS)
    loads = rows * sum(N * up(count, _ROWS[16][N]) for count in blocks for N in panels)
    parts = [min(STEPS, rows - first) for first in range(0, rows, STEPS)]
    turned = sum(VL * up(steps, VL) * up(count, VL) for steps in parts for count in blocks)
    ragged = [even(up(K, VL), 4)[-1] for K in RIGHTS if K % VL]
    totals = sum(up(count, VL) for count in blocks)  # vectors of them
    packed = turned + rows * sum(ragged) * len(blocks) + VL * totals * len(parts)
    again = M * vectors * (len(parts) - 1)
    read = again + M * sum(up(steps, VL) for steps in parts) + totals * (VL * len(parts) + len(parts) - 1)
    return Counts(
        tiles=Moves(rows * M * vectors, loads, 0, rows * M * len(panels)), packing=Moves(0, packed, packed, 0),
        elsewhere=Moves(0, read, (M * vectors + M + totals) * len(parts), 0),
        packs=len(blocks) * sum(up(steps, VL) + len(ragged) for steps in parts) + totals * len(parts),
        turns=len(panels) * len(parts) * len(blocks), fetched=again, astray=0)


def even(count, most):
    """Parts of at most so many, about equally large: the larger ones first."""
    parts = up(count, most)
    return [count // parts + (k < count % parts) for k in range(parts)]


def test_sums_do_no_more_than_they_must(tmp_path):
    run = sums(tmp_path)
    for sizes in SIZES:
        assert run(*sizes) == expected(*sizes), sizes


def within(rows, M, blocks):
    """Products of a result that is 0 outside of blocks along its diagonal: of tiles that are in some of them."""
    kept = 0
    for K in RIGHTS:
        column = 0
        for N in even(up(K, VL), 4):
            row, width = 0, min(N * VL, K - column)
            for R in even(M, _ROWS[16][N]):
                own = {m * blocks // M for m in (row, row + R - 1)}
                kept += R * N if own & {k * blocks // K for k in range(column, column + width)} else 0
                row += R
            column += width
    return rows * kept


@pytest.mark.parametrize("planted", [False, True])
def test_tiles_that_hold_zeros_only_are_left_out(planted, tmp_path):
    include = shutil.copytree(INCLUDE, tmp_path / "include")
    header, sizes = include / "symcell" / "outer.h", (20, 64, 4)
    text = header.read_text()
    assert "if (!SC(outer_meets)" in text
    header.write_text(text.replace("if (!SC(outer_meets)", "if (0 && !SC(outer_meets)") if planted else text)
    products = sums(tmp_path, include)(*sizes).tiles.products
    assert products == (expected(*sizes[:2]).tiles.products if planted else within(*sizes))
    assert within(*sizes) < 0.7 * expected(*sizes[:2]).tiles.products


PLANTED = {  # where, what, instead of it, the sizes, and what has to be reported
    "panels of one vector": (
        "outer.h", "SC(tile_rows)(SC(vectors)(right->columns - column), 4) * VL", "VL", SIZES[0],
        {"tiles", "packing", "turns"}),
    "few rows at a time": ("memory.h", "SC_OUTER_STEPS = 384", "SC_OUTER_STEPS = 96", SIZES[0],
                           {"packing", "packs", "elsewhere", "turns", "fetched"}),
    "few columns at a time": ("memory.h", "720 * 1024", "360 * 1024", SIZES[1],
                              {"tiles", "packing", "packs", "elsewhere", "turns"}),
    "results not fetched": ("outer.h", "i < R && add; ++i", "0; ++i", SIZES[0], {"fetched"}),
    "results read for nothing": ("outer.h", "if (add) vaccumulate", "if (1) vaccumulate", SIZES[0], {"elsewhere"}),
    "packed though it need not be": ("outer.h", "if (!whole) SC(pack", "SC(pack", SIZES[0], {"packing", "packs"}),
    "columns turned for each factor": (
        "outer.h", "for (ptrdiff_t k = 0; k < steps; k += VL)\n                SC(pack",
        "for (int again = 0; again < c->count; ++again) for (ptrdiff_t k = 0; k < steps; k += VL)\n    SC(pack",
        SIZES[0], {"packing", "packs"}),
    "two rows turned": ("outer.h", "c->left.rows <= 2", "c->left.rows <= 0", SIZES[3],
                        {"tiles", "packing", "elsewhere", "packs", "turns"}),
    "the right factor loaded for each row of the result": (
        "outer.h", "numbers[k * N + v], sum)", "numbers[k * N + v] + vload((const real *)right->base + n), sum)",
        SIZES[3], {"elsewhere"}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_more_work_is_reported(name, tmp_path):
    file, right, wrong, sizes, reported = PLANTED[name]
    include = shutil.copytree(INCLUDE, tmp_path / "include")
    header = include / "symcell" / file
    assert right in header.read_text(), "no error was planted"
    header.write_text(header.read_text().replace(right, wrong))
    found, known = vars(sums(tmp_path, include)(*sizes)), vars(expected(*sizes))
    assert {count for count in found if found[count] != known[count]} == reported
