"""What compiled C does, counted while it runs: products and moves of vectors, what it packs and what it fetches ahead.

    a region of C --a C compiler--> program, with each move and product counted --run--> Counts

Counted is what the text asks for, on `base`, which every machine runs, in float32: the numbers depend neither on the
compiler nor on the processor. What a compiler makes of the inner loops is read from its assembly (assembly.py).
"""

import json
import re
import subprocess
from dataclasses import dataclass

from symcell.compiler import stages
from symcell.runtime.fingerprint import INCLUDE
from symcell.runtime.toolchain import find_compiler

VL = 4  # numbers of a vector
FLAGS = ("-O0", "-std=c11", "-ffp-contract=off", "-w")

_UNIT = r"""
#include <stdio.h>
#include <stdlib.h>
#include "symcell/isa.h"
#include "symcell/team.h"
#define SC_VARIANT_BASE 1
#define SC_DOUBLE 0
#include "symcell/begin.h"

enum { ELSEWHERE, TILES, PACKING } where; /* what the program is at */
static struct { long products, loads, stores, broadcasts; } seen[3];
static long packs, turns, fetched, astray, ahead; /* ahead: bytes from where a step stores to where the next one does */
static const void *stored, *taken;

static void fetch(const void *p) {
    ++fetched;
    astray += (const char *)p - (const char *)stored != ahead;
}
#define __builtin_prefetch(p, write) fetch(p)
#undef vload
#undef vload_part
#undef vstore
#undef vstore_part
#undef vfma
#undef vbroadcast
#define vload(p) (++seen[where].loads, SC(vload)(p))
#define vload_part(p, n) (++seen[where].loads, SC(vload_part)(p, n))
#define vstore(p, x) (++seen[where].stores, stored = (p), SC(vstore)(p, x))
#define vstore_part(p, x, n) (++seen[where].stores, stored = (p), SC(vstore_part)(p, x, n))
#define vfma(x, y, z) (++seen[where].products, SC(vfma)(x, y, z))
#define vbroadcast(p) (++seen[where].broadcasts, SC(vbroadcast)(p))
#include "symcell/panels.h"
#define TILE(call) (where = TILES, call, (void)(where = ELSEWHERE))
#define STEP(panel, call) (turns += (const void *)(panel) != taken, taken = (panel), TILE(call))
#define panel_tile_base_f32(R, G, width, operand, operands, row, panel, sums) \
    STEP(panel, panel_tile_base_f32(R, G, width, operand, operands, row, panel, sums))
#define panel_tile_on_base_f32(R, G, width, operand, operands, row, panel, ...) \
    STEP(panel, panel_tile_on_base_f32(R, G, width, operand, operands, row, panel, __VA_ARGS__))
#define panel_sums_base_f32(R, count, begun, operand, operands, row, panel, ...) \
    STEP(panel, panel_sums_base_f32(R, count, begun, operand, operands, row, panel, __VA_ARGS__))
#define begin_panel_base_f32(...) TILE(begin_panel_base_f32(__VA_ARGS__))
#define PACKED(call) (++packs, where = PACKING, call, (void)(where = ELSEWHERE))
#define pack_base_f32(...) PACKED(pack_base_f32(__VA_ARGS__))
#define pack_rows_base_f32(...) PACKED(pack_rows_base_f32(__VA_ARGS__))
#define pack_transposed_base_f32(...) PACKED(pack_transposed_base_f32(__VA_ARGS__))
@REGION@

int main(int count, char **arguments) {
    long number[8] = {0};
    for (int k = 1; k < count; ++k) number[k - 1] = atol(arguments[k]);
@MAIN@
    const char *const kinds[] = {"elsewhere", "tiles", "packing"};
    for (int k = 0; k < 3; ++k)
        printf("%s\"%s\": [%ld, %ld, %ld, %ld]", k ? ", " : "{", kinds[k], seen[k].products, seen[k].loads,
               seen[k].stores, seen[k].broadcasts);
    printf(", \"packs\": %ld, \"turns\": %ld, \"fetched\": %ld, \"astray\": %ld}\n", packs, turns, fetched, astray);
    return 0;
}
"""


@dataclass(frozen=True)
class Moves:
    """Vectors multiplied, loaded and stored, ends of rows among them, and numbers spread over a vector."""

    products: int
    loads: int
    stores: int
    broadcasts: int


@dataclass(frozen=True)
class Counts:
    """What a program did.

    packs: calls that packed a matrix of a block. turns: tiles of a stage that took another block of a panel than the
    one before.
    fetched, astray: lines asked for ahead, and those of them that are not where the next step stores.
    """

    tiles: Moves
    packing: Moves
    elsewhere: Moves
    packs: int
    turns: int
    fetched: int
    astray: int


def counted(folder, region, main, include=INCLUDE):
    """Compile a region and what calls it; return a function of its integers, `number` in `main`, to Counts."""
    unit, program = folder / "counted.c", folder / "counted"
    unit.write_text(_UNIT.replace("@REGION@", region).replace("@MAIN@", main))
    (folder / "immintrin.h").write_text("#include <emmintrin.h>")  # all that base needs, read in a tenth of the time
    command = [*find_compiler().command, *FLAGS, f"-I{folder}", f"-I{include}", str(unit), "-o", str(program)]
    done = subprocess.run([*command, "-lm", "-pthread"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"the compiler refused {unit}:\n{done.stderr}"

    def run(*numbers):
        command = [str(program), *map(str, numbers)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        found = json.loads(done.stdout)
        return Counts(**{name: Moves(*value) if isinstance(value, list) else value for name, value in found.items()})

    return run


def counted_pass(folder, cell, way, header=None, include=INCLUDE):
    """Compile one pass of a cell; return a function of T, B, N (I and H alike) and what panels hold.

    The run keeps a tape, all steps are one chunk, and no value is recorded. Three more numbers: in how many parts each
    stage is cut, all of which one thread does in turn, whether loops share their rows, and whether sums are begun
    before the steps.
    """
    name = stages(cell).source.name
    header = header or stages(cell).source.files[f"{name}.h"]
    (folder / f"{name}.h").write_text(header)
    program = getattr(stages(cell).program, way)
    call = re.search(rf"^struct {name}_{way} {{.*?^}};", header, re.DOTALL | re.MULTILINE)[0]
    main = [f"const long T = number[0], B = number[1], N = number[2], sign = {-1 if program.graph.reverse else 1};",
            f"struct {name}_{way} c = {{.n_I = N, .n_H = N}};",
            "c.span = (struct sc_span){.steps = T, .batch = B, .chunk = T, .rows = B, .packed = number[3]};",
            "const long parts = number[4] ? number[4] : 1;",
            "c.span.team = (struct sc_team){parts > 1 ? calloc(parts, sizeof(struct sc_seat)) : NULL, parts, 0, 0};",
            "c.span.by_rows = number[5];",
            "ahead = sign * B * N * (long)sizeof(float);"]  # of a buffer with one column, as all are that are fetched
    main += [_rows(buffer) for buffer in program.buffers if buffer.train is not None]
    main += [f"c.{field} = calloc(N * N, sizeof(float));" for field in re.findall(r"\*(p_\w+);", call)]
    main += [f"c.{field} = calloc(8 * N * (N + 16), sizeof(float));" for field in re.findall(r"\*(panel_\w+);", call)]
    return counted(folder, f'#include "{name}.h"', "\n".join([*main, f"SC({name}_{way})(&c);"]), include)


def _rows(buffer):
    """Memory of a buffer: T + 1 slots, whatever it holds."""
    name, width = buffer.name.replace(".", "_"), f"{len(buffer.width)} * N"
    ahead = f"sign * B * {width}" if buffer.train in ("all", "history") else "0"
    rows = f"{{calloc((T + 1) * B * {width}, sizeof(float)), {width}, B * {width}, -1, {ahead}, 0}}"
    return f"{'if (number[6]) ' if buffer.begun else ''}c.m_{name} = (struct sc_rows){rows};"
