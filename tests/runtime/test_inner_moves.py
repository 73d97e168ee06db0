"""Speed of what moves numbers: the loops that pack weights and take fingerprints, as the C compiler writes them.

Packing turns squares of 16 bytes in registers: a turn of its loop reads four vectors, in pieces, and writes four. A
fingerprint stays in registers while the array goes by, in four chains that do not wait for one another.
"""

import platform
import re
import shutil

import pytest

from symcell.runtime.fingerprint import INCLUDE
from tests.runtime.assembly import Work, assemble, loops_with

BYTES = {"avx512": 64, "avx2": 32}  # of a vector
pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="the reader knows the assembly of x86-64 only")

MOVES = """
#include "symcell/fingerprint.h"
static void SC(moves_forward)(void *call) { SC(sc_fingerprint)(call); }
static void SC(moves_backward)(void *call) {
    const struct {real *panel; const real *matrix; int G, g; ptrdiff_t width, before, block, K, lanes;} *c = call;
    SC(pack)(c->panel, c->width, c->G, c->g, c->before, c->matrix, c->block, c->K);
    SC(pack_transposed)(c->panel, c->width, c->G, c->g, c->before, c->matrix, c->block, c->K, c->lanes);
}
"""


def faults(isa, folder, include=INCLUDE):
    """What is wrong with the loops that move numbers."""
    text, rows = assemble("moves", isa, folder, MOVES, include=include), 4 * 64 // BYTES[isa]
    # On avx2 whole vectors and ends of rows may share a loop, and the state of a fingerprint fills all registers. A few
    # pointers of rows may lie in memory, and some compilers read them as vectors.
    both, spilled, pointers = (2, 4, 2) if isa == "avx2" else (1, 0, 2)
    return [
        *wrong(loops_with(text, f"pack_{isa}_f32", "vunpck|vshuf"),
               Work(0, 0, BYTES[isa] // 4 + pointers, 0, 4 * both)),
        *wrong(loops_with(text, f"pack_transposed_{isa}_f32", r"v\w*mov\w+\s.*\([^()]*\)(\s*\{[^}]*\})*$"),
               Work(0, 0, both, 0, both)),
        *wrong(loops_with(text, f"(moves_forward|sc_fingerprint)_{isa}_f32", r"v\w+\s+\$13,|vprol"),
               Work(0, 0, rows + spilled, 0, spilled), rows)]


def wrong(loops, most, least=0):
    """Loops that move more than that; one has to be there, and has to load `least`, beside which others may be."""
    fit = [all(getattr(loop.work, name) <= limit for name, limit in vars(most).items()) and loop.work.loads >= least
           for loop in loops]
    missing = [] if any(fit) else [f"expected a loop of at most {most}; found {', '.join(map(str, loops)) or 'none'}"]
    return missing + [f"expected at most {most}; found {loop.work} in {loop}"
                      for loop, right in zip(loops, fit, strict=True) if not right and least == 0]


@pytest.mark.parametrize("isa", BYTES)
def test_numbers_are_moved_in_whole_vectors(isa, tmp_path):
    found = faults(isa, tmp_path)
    assert not found, "\n".join(found)


PLANTED = {  # where, what, instead of it, and what has to be reported
    "stored number by number": (
        "packing.h", "    vput(to, SC_LOW_PAIRS(low_ab, low_cd), count);",
        "    const vec first_row = SC_LOW_PAIRS(low_ab, low_cd);\n"
        "    for (int l = 0; l < VL; ++l) ((volatile real *)to)[l] = first_row[l];",
        "4 stores; found .* stores in pack_"),
    "read number by number": (
        "packing.h", "const vec a = SC(pieces)(row, first), b",
        "vec a; for (int l = 0; l < VL; ++l) a[l] = row[l / 4 * 4][first + l % 4];\n const vec b",
        "0 broadcasts, 4 stores; found .* [1-9]\\d* broadcasts"),
    "a transposed row moved number by number": (
        "packing.h", "vput(to + k * step + g * width + l, vget(matrix + k * lanes + block + l, width - l), width - l);",
        "for (ptrdiff_t j = l; j < width; ++j)\n"
        "    *(volatile real *)(to + k * step + g * width + j) = matrix[k * lanes + block + j];",
        "1 loads, .*; found"),
    "one chain": ("fingerprint.h", "enum { SC(prints) = 4 }", "enum { SC(prints) = 1 }", "4 loads, 0 .*; found"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_more_moves_are_reported(name, tmp_path):
    file, right, instead, message = PLANTED[name]
    header = shutil.copytree(INCLUDE, tmp_path / "include") / "symcell" / file
    assert right in header.read_text(), "no error was planted"
    header.write_text(header.read_text().replace(right, instead))
    found = faults("avx512", tmp_path, tmp_path / "include")
    assert any(re.search(message, fault) for fault in found), "\n".join(found)
