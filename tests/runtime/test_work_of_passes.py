"""Speed, guarded by counting what a pass does while it runs: each number follows from the sizes and the tiles.

A weight is packed once, in whole vectors, or just before its only use and then always in one place; a tile is as tall
as registers allow; steps go to and fro over the panels; what the next step writes is fetched ahead.
"""

import shutil

import pytest

from symcell.compiler import stages
from symcell.runtime.fingerprint import INCLUDE
from symcell.schedule.tiles import _ROWS
from tests.runtime.counted import VL, Counts, Moves, counted_pass

FIRST, PACKED, AS_USED = range(3)  # as in symcell/memory.h
SIZES = [(5, 3, 16, FIRST), (4, 7, 50, FIRST), (5, 7, 16, PACKED), (1, 3, 50, AS_USED)]  # T, B, N, what panels hold
GATES = {"lstm": 4, "gru": 3}


def up(count, size):
    return -(-count // size)


BEGUN = (1, 0, 1)  # one part, by lanes: sums are begun before the steps


def expected(cell, way, T, B, N, packed, *how):
    """What a pass does: a product of the input or of dx for all rows at once, and one in each step, or both in one."""
    G, forward = GATES[cell], way == "forward"
    begun, joined = how == BEGUN, cell == "lstm" and forward and how != BEGUN
    block = VL if forward else 2 * VL
    accumulators, K = (G, N) if forward else (1, G * N)  # backward sums its products in one
    widths = [min(block, N - lane) for lane in range(0, N, block)]
    vectors = sum(up(accumulators * width, VL) for width in widths)  # the ends of all accumulators share a vector
    spread = sum(accumulators * up(width, VL) for width in widths if accumulators > 1 and width % VL)
    limit = _ROWS[16][up(accumulators * block, VL)]
    tall, rows = (2 * T * up(B, limit) if joined else up(T * B, limit) + T * up(B, limit)), 2 * T * B
    handed = T * B * vectors if begun else 0  # from what begins to the steps
    packed_vectors = 2 * G * up(N, VL) * (VL * up(N, VL) if forward else N)  # rows are turned in squares
    moves = epilogues(cell, way, T * B * up(N, VL))
    packing = 0 if packed == PACKED else packed_vectors
    packs = 0 if packed == PACKED else 2 * G * len(widths)
    return Counts(
        tiles=Moves(rows * K * vectors, tall * K * vectors + (T * B if begun or joined else rows) * spread + handed,
                    handed, rows * K * len(widths)),
        packing=Moves(0, packing, packing, 0), elsewhere=moves, packs=packs,
        turns=(1 if packed == AS_USED else 1 + T * (len(widths) - 1)) if joined or begun else
        2 if packed == AS_USED else len(widths) + 1 + T * (len(widths) - 1),
        fetched=T * B * up(N, VL) * ahead(cell, way), astray=0)


def epilogues(cell, way, count):
    """Moves of `count` vectors through all stages, as the schedule has them."""
    found = getattr(stages(cell).program, way).stages
    reads, writes = sum(len(stage.reads) for stage in found), sum(len(stage.writes) for stage in found)
    return Moves(0, count * reads, count * writes, 0)


def ahead(cell, way):
    p = getattr(stages(cell).program, way)
    return sum(len(p.ahead(stage)) for stage in p.stages)


@pytest.mark.parametrize("way", ["forward", "backward"])
@pytest.mark.parametrize("cell", GATES)
def test_a_pass_does_no_more_than_it_must(cell, way, tmp_path):
    run = counted_pass(tmp_path, cell, way)
    for sizes in SIZES:
        assert run(*sizes) == expected(cell, way, *sizes), sizes


def test_sums_that_are_begun_before_the_steps_take_the_same_products(tmp_path):
    run = counted_pass(tmp_path, "lstm", "forward")
    for sizes in SIZES[:3]:  # those of a single step are begun in it
        found = run(*sizes, *BEGUN)
        assert found == expected("lstm", "forward", *sizes, *BEGUN), sizes
        assert found.tiles.products == run(*sizes).tiles.products


def shared(found):
    """What does not depend on how many threads there are."""
    return {"products": found.tiles.products, "packs": found.packs, "packing": found.packing,
            "elsewhere": found.elsewhere, "fetched": found.fetched}


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_threads_share_the_work_of_one(way, tmp_path):
    run, sizes = counted_pass(tmp_path, "lstm", way), SIZES[1]
    for parts, by_rows in ((2, 0), (3, 0), (3, 1)):
        assert shared(run(*sizes, parts, by_rows)) == shared(expected("lstm", way, *sizes)), (parts, by_rows)


# --- planted: where, what, instead of it, the sizes, and what has to be reported ----------------------------

PLANTED = {
    "weights packed in each step": (
        "lstm.h", "block, c->span.packed == SC_PACK_AS_USED)", "block, 1)", SIZES[0], {"packs", "packing"}),
    "weights packed though they are": (
        "lstm.h", "if (span->packed == SC_PACK_FIRST)", "if (span->packed <= SC_PACKED)", SIZES[2],
        {"packs", "packing"}),
    "a single step's weights packed side by side": (
        "lstm.h", "SC_PACK_AS_USED ? 0 : block", "SC_PACK_AS_USED ? block : block", SIZES[3], {"turns"}),
    "round and round": ("lstm.h", "(t & 1 ? ", "(0 ? ", SIZES[0], {"turns"}),
    "low tiles": ("lstm.h", "SC_REGS == 32 ? 6 : 3", "2", SIZES[0], {"tiles"}),
    "ends of rows apart": ("panels.h", "SC(panel_sums)(R, G * width, NULL",
                           "SC(panel_sums)(R, G * SC(vectors)(width) * VL, NULL", SIZES[1], {"tiles"}),
    "begun, and again in the steps": ("panels.h", "if (begun == NULL)", "if (1)", (*SIZES[0], *BEGUN), {"tiles"}),
    "begun row by row": ("panels.h", "R = SC(tile_rows)(rows.past - row, limit)", "R = 1",
                         (*SIZES[0], *BEGUN), {"tiles"}),
    "packed number by number": (
        "packing.h", "k < K && K >= S; k += S", "k < 0; k += S", SIZES[0], {"packing"}),
    "a weight read twice": (
        "packing.h", "a = SC(pieces)(row, first)", "a = SC(pieces)(row, first) + SC(pieces)(row, first)", SIZES[0],
        {"packing"}),
    "nothing fetched": ("tiles.h", "    __builtin_prefetch((const char *)p + ahead", "    (void)(p + ahead", SIZES[0],
                        {"fetched"}),
    "fetched what was just written": ("tiles.h", "p + ahead * ", "p + 0 * ", SIZES[0], {"astray"}),
    "fetched by some only": ("lstm.h", "vput_ahead(m_i + at_H, v_i, n, c->m_i.ahead)", "vput(m_i + at_H, v_i, n)",
                             SIZES[0], {"fetched"}),
    "a load too many": ("lstm.h", "v_c * v_f", "vget(m_c + at_H, n) * v_f", SIZES[0], {"elsewhere"}),
}


def test_all_that_is_counted_is_planted():
    assert set().union(*(plant[-1] for plant in PLANTED.values())) == set(Counts.__annotations__)


@pytest.mark.parametrize(("way", "right", "wrong", "by_rows", "reported"), [
    ("forward", "b = sc_share(&span->team, part, c->n_H, VL)", "b = sc_all(c->n_H, VL)", 0, {"packs", "packing"}),
    ("forward", "blocks = sc_share(&c->span.team, part, lanes, BLOCK)", "blocks = sc_all(lanes, BLOCK)", 0,
     {"products", "elsewhere", "fetched"}),
    ("forward", "sc_narrow(&own.span, part);", "(void)part; own.span.team = (struct sc_team){NULL, 1, 0, 0};", 1,
     {"products", "elsewhere", "fetched"}),
    ("backward", "steps * span->rows", "(end - t) * span->rows", 1, {"products", "elsewhere"}),
], ids=["each packs all", "each takes all lanes", "each takes all rows", "each takes all rows after the loop"])
def test_work_that_each_thread_does_is_reported(way, right, wrong, by_rows, reported, tmp_path):
    header = stages("lstm").source.files["lstm.h"]
    assert right in header, "no error was planted"
    found = shared(counted_pass(tmp_path, "lstm", way, header.replace(right, wrong))(*SIZES[1], 3, by_rows))
    known = shared(expected("lstm", way, *SIZES[1]))
    assert {count for count in found if found[count] != known[count]} == reported


@pytest.mark.parametrize("name", PLANTED)
def test_more_work_is_reported(name, tmp_path):
    file, right, wrong, sizes, reported = PLANTED[name]
    include, header = shutil.copytree(INCLUDE, tmp_path / "include"), stages("lstm").source.files["lstm.h"]
    other = include / "symcell" / file
    assert right in (header if file == "lstm.h" else other.read_text()), "no error was planted"
    if file == "lstm.h":
        header = header.replace(right, wrong)
    else:
        other.write_text(other.read_text().replace(right, wrong))
    found = vars(counted_pass(tmp_path, "lstm", "forward", header, include)(*sizes))
    right = vars(expected("lstm", "forward", *sizes))
    assert {count for count in found if found[count] != right[count]} == reported
