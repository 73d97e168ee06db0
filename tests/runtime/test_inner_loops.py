"""Speed, guarded on noisy machines: by what the inner loops do, not by how long they take.

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
from symcell.runtime.toolchain import find_compiler
from symcell.schedule.tiles import _ROWS
from tests.runtime.assembly import Work, arithmetic, assemble, inner_loops

REGISTERS = {"avx512": 32, "avx2": 16, "base": 16}
SPILLS = {
    "gcc": {("base", 3, 4), ("base", 4, 3)},  # seen with 12.2: without FMA a product needs a register of its own
    "clang": {("base", 3, 4), ("base", 4, 3), ("avx2", 4, 3)},  # seen with 22.1
}
"""Known: (instruction set, R, N) that keep one of their twelve sums in memory. Nothing else may."""

x86 = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"), reason="the reader knows the assembly of x86-64 only")


# --- tiles -----------------------------------------------------------------------------------------------


def compiler():
    return "clang" if "clang" in find_compiler().version_text else "gcc"


def faults(text, isa, limits):
    """What is wrong with the tiles of a kernel; `limits` has the most rows of a tile for each number of vectors."""
    loops = inner_loops(text)
    return [fault for vectors, limit in limits.items() for fault in _faults(loops, isa, vectors, limit)]


def _faults(loops, isa, vectors, limit):
    name = f"tile_{vectors}_{isa}_f32"
    loops = [loop for loop in loops if re.match(rf"{name}\b", loop.function)]
    sizes = {rows * vectors: rows for rows in range(1, limit + 1)}
    for products, rows in sizes.items():
        if products not in [loop.work.products for loop in loops]:
            yield f"{name}, R = {rows}: expected a loop over k of {products} products, found none"
    for loop in loops:
        rows = sizes.get(loop.work.products)
        if rows is None:
            yield f"{name}: expected products {list(sizes)}, for R = 1 to {limit}; found {loop.work} in {loop}"
        elif not fits(loop.work, allowed := most(isa, rows, vectors)):
            yield f"{name}, R = {rows}: expected at most {allowed}; found {loop.work} in {loop}"


def most(isa, rows, vectors):
    spilled = (isa, rows, vectors) in SPILLS[compiler()]
    return Work(rows * vectors, rows * vectors, vectors + spilled, rows, int(spilled))


def fits(work, allowed):
    return work.sums == allowed.sums and all(
        getattr(work, name) <= getattr(allowed, name) for name in ("loads", "broadcasts", "stores"))


def header(cell):
    return stages(cell).source.files[f"{cell}.h"]


@x86
@pytest.mark.parametrize("isa", REGISTERS)
@pytest.mark.parametrize("cell", ["lstm", "mgu"])
def test_each_tile_multiplies_from_registers(cell, isa, tmp_path):
    found = faults(assemble(cell, isa, tmp_path, header(cell)), isa, _ROWS[REGISTERS[isa]])
    assert not found, "\n".join(found)


TILES = """
static void SC(tiles_forward)(void *call) {
    const struct {int R, G, operands; ptrdiff_t width, row; struct sc_operand *operand; real *panel; vec *sums;}
        *c = call;
    SC(panel_tile)(c->R, c->G, c->width, c->operand, c->operands, c->row, c->panel, c->sums);
}
static void SC(tiles_backward)(void *call) { (void)call; }
"""  # the tiles and nothing else, which compiles faster than a cell

PIN = '__asm__("" : "+v"(x))', "(void)(x)"
TALL = "SC_LIMIT_4 (SC_REGS == 32 ? 6 : 3)", "SC_LIMIT_4 (SC_REGS == 32 ? 8 : 5)"
PLANTED = {
    "panels not pinned": ("avx512", PIN, {}, r"tile_3_avx512_f32, R = 3: .* 3 loads, .*; found .* 9 loads"),
    "a tile too tall": ("avx2", TALL, {4: 5}, r"tile_4_avx2_f32, R = 5: .* 0 stores; found .* [1-9]\d* stores"),
    "a tile too tall for 32 registers": (
        "avx512", TALL, {4: 8}, r"tile_4_avx512_f32, R = 8: .* 0 stores; found .* [1-9]\d* stores"),
    "a tile that the scheduler does not know": (
        "avx2", TALL, {}, r"tile_4_avx2_f32: expected products \[4, 8, 12\], .* found 16 products"),
    "a tile that the scheduler knows only": (
        "avx512", TALL[:1] * 2, {4: 7}, r"tile_4_avx512_f32, R = 7: expected a loop over k of 28 products, found none"),
    "the larger side held": (
        "avx2", ("if (R < N)", "if (R >= N)"), {}, r"tile_4_avx2_f32, R = 3: .* 0 stores; found .* [1-9]\d* stores"),
    "a row read twice": (
        "avx2", ("vbroadcast(from[i] + k);\n                    for", "vbroadcast(from[i] + k) + vbroadcast(from[i] + "
                 "k + 1);\n                    for"), {}, r"tile_2_avx2_f32, R = 6: .* 6 broadcasts, .*; found"),
}


@x86
@pytest.mark.parametrize("name", PLANTED)
def test_a_slower_tile_is_reported(name, tmp_path):
    if name == "panels not pinned" and compiler() == "clang":
        pytest.skip("planted against GCC, whose surplus loads the pin prevents")
    isa, (right, wrong), limits, message = PLANTED[name]
    tiles = shutil.copytree(INCLUDE, tmp_path / "include") / "symcell" / "tiles.h"
    assert right in tiles.read_text(), "no error was planted"
    tiles.write_text(tiles.read_text().replace(right, wrong))
    text = assemble("tiles", isa, tmp_path, TILES, include=tmp_path / "include")
    found = faults(text, isa, {**_ROWS[REGISTERS[isa]], **limits})
    assert any(re.match(message, fault) for fault in found), "\n".join(found)


@x86
def test_a_compilation_with_less_optimization_is_reported(tmp_path):
    if compiler() == "clang":
        pytest.skip("clang unrolls the tiles with -O1 too")
    found = faults(assemble("tiles", "avx2", tmp_path, TILES, ["-O1"]), "avx2", _ROWS[16])
    assert any(re.match("tile_3_avx2_f32, R = 4: expected a loop over k of 12 products", fault) for fault in found)
    assert any(re.search(r"found .* [1-9]\d* stores", fault) for fault in found)


# --- functions -------------------------------------------------------------------------------------------

CALLS = "".join(f"""
__attribute__((noinline)) static void SC(one_{name})(real *p) {{ vstore(p, v{name}(vload(p))); }}"""
                for name in ("exp", "tanh", "sigmoid")) + """
static void SC(calls_forward)(void *p) { SC(one_exp)(p); SC(one_tanh)(p); SC(one_sigmoid)(p); }
static void SC(calls_backward)(void *p) { (void)p; }
"""
COST = {  # of a vector: products and sums (of which a fused one is both), divisions; base: without FMA
    "avx512": {"exp": (9, 10, 0), "tanh": (12, 14, 1), "sigmoid": (8, 10, 1)},
    "avx2": {"exp": (11, 10, 0), "tanh": (12, 14, 1), "sigmoid": (8, 10, 1)},
    "base": {"exp": (11, 10, 0), "tanh": (13, 14, 1), "sigmoid": (9, 10, 1)},
}


def costs(isa, folder, include=INCLUDE):
    text = assemble("calls", isa, folder, CALLS, include=include)
    return {name: tuple(arithmetic(text, f"one_{name}_{isa}_f32").values()) for name in COST[isa]}


@x86
@pytest.mark.parametrize("isa", REGISTERS)
def test_a_function_costs_what_it_did(isa, tmp_path):
    if compiler() == "clang":
        pytest.skip("counted with GCC, whose choice of instructions is its own")
    assert costs(isa, tmp_path) == COST[isa]


@x86
def test_a_function_that_costs_more_is_reported(tmp_path):
    if compiler() == "clang":
        pytest.skip("counted with GCC, whose choice of instructions is its own")
    header = shutil.copytree(INCLUDE, tmp_path / "include") / "symcell" / "functions.h"
    right = "return s / denominator;"
    assert right in header.read_text()
    header.write_text(header.read_text().replace(right, "return vfill(1) / (denominator / s);"))
    found = costs("avx2", tmp_path, tmp_path / "include")
    assert found == {**COST["avx2"], "sigmoid": (8, 10, 2)}


# --- epilogues -------------------------------------------------------------------------------------------

EPILOGUES = {
    "lstm_forward_step": {"vsigmoid": 3, "vtanh": 2, "vget": 5, "vput_ahead": 6, "vput": 4},  # on request
    "lstm_backward_step_0": {"vtanh": 1, "vget": 9, "vput": 5},
    "lstm_backward_step_1": {"vput": 1},
    "lstm_backward_after": {"vput": 1},
    "gru_forward_before": {"vput": 3},
    "gru_forward_step": {"vsigmoid": 2, "vtanh": 1, "vget": 8, "vput_ahead": 5, "vput": 3},  # on request
    "gru_backward_step_0": {"vget": 8, "vput": 5},
    "gru_backward_step_1": {"vget": 2, "vput": 1},
    "gru_backward_after": {"vput": 1},
}
"""Per vector of a row: evaluations, loads and stores. Another number is another speed, so change it on purpose."""

COUNTED = re.compile(r"\b(vexp|vsigmoid|vtanh|vget|vput|vput_ahead|vaccumulate)\(")


def epilogues(text):
    """How often each stage of a kernel evaluates a function, loads and stores."""
    stage = r"^static void SC\((\w+_(?:forward|backward)_(?!begin_)\w+)\)(.*?)^}$"
    bodies = re.findall(stage, text, re.MULTILINE | re.DOTALL)
    return {name: dict(Counter(COUNTED.findall(body))) for name, body in bodies}


def scheduled(module, program):
    """The loads and stores of each stage, as the schedule has them."""
    return {f"{module}_{p.name}_{stage.name}": transfers(p, stage) for p in (program.forward, program.backward)
            for stage in p.stages}


def transfers(p, stage):
    """Vectors loaded, scalars aside; and stored: always, or only where the caller asks."""
    made = {a.name for a in stage.body if not a.temporary}
    made |= {name for panel in stage.panels for name, _ in panel.accumulators}
    asked = {name for name in made & set(p.places) if p.buffer(p.places[name].buffer).train is None}
    loads = [name for name in stage.reads if name in p.places or p.graph.value(name).dims]
    return len(loads), len(asked.union(stage.writes))


def differences(found, expected):
    """One line for each stage that is not as expected."""
    return [f"{name}: expected {expected.get(name)}, found {found.get(name)}"
            for name in {**expected, **found} if expected.get(name) != found.get(name)]


def moved(counts):
    return counts.get("vget", 0), sum(counts.get(store, 0) for store in ("vput", "vput_ahead", "vaccumulate"))


def epilogues_of(cell, program):
    return epilogues(render(cell, stages(cell).spec, program, "0").files[f"{cell}.h"])


def expected_of(cell):
    return {name: counts for name, counts in EPILOGUES.items() if name.startswith(f"{cell}_")}


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_an_epilogue_does_as_much_as_it_did(cell):
    assert not differences(epilogues(header(cell)), expected_of(cell))


@pytest.mark.parametrize("cell", ["lstm", "gru", "mgu", "lstm_peephole", "rnn"])
def test_an_epilogue_loads_and_stores_what_the_schedule_says(cell):
    found = {name: moved(counts) for name, counts in epilogues(header(cell)).items()}
    assert not differences(found, scheduled(cell, stages(cell).program))


def with_step(change):
    """The program of the LSTM with another stage in its forward loop."""
    program = stages("lstm").program
    phases = [replace(phase, stages=tuple(change(stage) if stage.name == "step" else stage for stage in phase.stages))
              for phase in program.forward.phases]
    return replace(program, forward=replace(program.forward, phases=tuple(phases)))


def assign(stage, name):
    return next(a for a in stage.body if a.name == name)


@pytest.mark.parametrize(("change", "counts"), [
    (lambda stage: replace(stage, reads=(*stage.reads, "h")), "'vget': 6"),
    (lambda stage: replace(stage, writes=(*stage.writes, "c")), "'vput_ahead': 7"),
    (lambda stage: replace(stage, body=(*stage.body, replace(assign(stage, "f"), name="f_again"))), "'vsigmoid': 4"),
    (lambda stage: replace(stage, body=(*stage.body, replace(assign(stage, "g"), name="g_again"))), "'vtanh': 3"),
])
def test_more_work_per_element_is_reported(change, counts):
    fault, = differences(epilogues_of("lstm", with_step(change)), expected_of("lstm"))
    assert re.match(rf"lstm_forward_step: expected .*, found .*{counts}", fault)


def test_a_load_that_is_not_scheduled_is_reported():
    text = header("lstm").replace("v_c * v_f", "vget(m_c + at_H, n) * v_f")
    found = {name: moved(counts) for name, counts in epilogues(text).items()}
    assert differences(found, scheduled("lstm", stages("lstm").program)) == [
        "lstm_forward_step: expected (5, 10), found (6, 10)"]
