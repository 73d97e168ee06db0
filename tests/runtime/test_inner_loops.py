"""The speed of the inner loops, guarded on noisy machines: by what they do, not by how long they take.

A tile of R rows and N vectors has to turn its loop over k with R*N products, R*N sums, N loads of panel vectors, R
broadcasts, and no store. A sum that leaves its register shows as a surplus load and a store. Epilogues are read from
the generated text: how often they evaluate a function, load and store.
"""

import platform
import re
import shutil
from collections import Counter
from dataclasses import replace

import pytest

from symcell.compiler import stages
from symcell.render.source import render
from symcell.runtime.fingerprint import INCLUDE
from symcell.schedule.tiles import _ROWS
from tests.runtime.assembly import Work, assemble, inner_loops

REGISTERS = {"avx512": 32, "avx2": 16, "base": 16}
SPILLS = {("base", 3, 4), ("base", 4, 3)}
"""Known: (instruction set, R, N) that GCC 12 compiles with one of its twelve sums in memory. Without FMA a product
needs a register of its own."""

x86 = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="the reader knows the assembly of x86-64 only")


def faults(text, isa):
    """What is wrong with the tiles of a kernel, each fault with its tile, what was expected, what was found."""
    found = []
    for vectors, limit in _ROWS[REGISTERS[isa]].items():
        name = f"tile_{vectors}_{isa}_f32"
        loops = [loop for loop in inner_loops(text) if re.match(rf"{name}\b", loop.function)]
        for rows in range(1, limit + 1):
            these = [loop for loop in loops if loop.work.products == rows * vectors]
            expected = Work(rows * vectors, rows * vectors, vectors, rows, 0)
            spill = (isa, rows, vectors) in SPILLS
            allowed = replace(expected, loads=vectors + 1, stores=1) if spill else expected
            tile = f"{name}, {rows} rows of {vectors} vectors: expected {allowed}"
            found += [] if these else [f"{tile}; found no loop of so many products"]
            found += [f"{tile}; found {loop.work} in {loop}" for loop in these if exceeds(loop.work, allowed)]
        found += [f"{name}: expected 1 to {limit} rows of {vectors} vectors; found {loop.work} in {loop}"
                  for loop in loops if loop.work.products not in range(vectors, vectors * limit + 1, vectors)]
    return found


def exceeds(work, allowed):
    return work.sums != allowed.sums or any(
        getattr(work, name) > getattr(allowed, name) for name in ("loads", "broadcasts", "stores"))


def header(cell):
    return stages(cell).source.files[f"{cell}.h"]


@x86
@pytest.mark.parametrize("isa", REGISTERS)
@pytest.mark.parametrize("cell", ["lstm", "gru", "mgu"])
def test_each_tile_multiplies_from_registers(cell, isa, tmp_path):
    found = faults(assemble(cell, isa, tmp_path, header(cell)), isa)
    assert not found, "\n".join(found)
