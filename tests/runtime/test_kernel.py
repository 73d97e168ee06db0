"""Compiled kernels against the float64 interpreter: sizes, instruction sets, records."""

import functools
import itertools

import numpy as np
import pytest

import symcell
from symcell.compiler import stages
from symcell.declare.functions import FUNCTIONS
from symcell.runtime.cpu import supported_isas
from symcell.zoo import PREBUILT
from tests.runtime.cells import (
    MORE,
    QUICK,
    Gates,
    Levels,
    Math,
    Memory,
    Mixed,
    assert_near,
    assert_same_bits,
    check,
    draw,
    kernel_of,
    reference_of,
    results,
)
from tests.runtime.marks import by_name, in_both

# (T, B, I, H): every size that fills no vector, one vector, a vector and one lane more, several tiles
SHAPES = (
    (3, 2, 13, 5), (1, 1, 1, 1), (2, 7, 13, 16), (37, 9, 1, 17), (3, 33, 13, 50), (37, 33, 1, 5), (37, 1, 13, 1),
    (2, 1, 1, 50), (1, 33, 13, 1), (1, 7, 1, 17), (2, 9, 13, 50), (3, 1, 1, 16),
)
GRID = tuple(itertools.product((1, 2, 3, 37), (1, 2, 7, 9, 33), (1, 13), (1, 5, 16, 17, 50)))
NOTHING = ((0, 3), (4, 0), (0, 0))  # (T, B)


def check_all(cell, dtype, shapes):
    kernel = kernel_of(cell, dtype)
    for T, B, I, H in shapes:
        check(cell, kernel, draw(cell, dtype, T, B, I, H), f"T={T} B={B} I={I} H={H}:")


# --- values ----------------------------------------------------------------------------------------------


@in_both
@pytest.mark.parametrize("cell", QUICK, **by_name)
def test_a_kernel_computes_what_the_equations_say(cell, dtype):
    check_all(cell, dtype, SHAPES)


@pytest.mark.slow
@in_both
@pytest.mark.parametrize("cell", [*QUICK, *MORE], **by_name)
def test_a_kernel_is_right_at_every_combination_of_sizes(cell, dtype):
    check_all(cell, dtype, GRID)


@in_both
@pytest.mark.parametrize("P", [1, 16, 50])
def test_dimensions_are_independent_of_each_other(dtype, P):
    kernel = kernel_of(Mixed, dtype)
    for O, H in ((1, 50), (17, 1), (16, 5)):
        check(Mixed, kernel, draw(Mixed, dtype, T=5, B=7, I=3, H=H, P=P, O=O), f"P={P} O={O} H={H}:")


@in_both
@pytest.mark.parametrize("isa", supported_isas())
@pytest.mark.parametrize("name", sorted(PREBUILT))
def test_prebuilt_kernels_are_right_on_every_instruction_set(name, isa, dtype, monkeypatch):
    monkeypatch.setenv("SYMCELL_ISA", isa)
    kernel = symcell.compile(name, dtype)
    assert kernel.isa == isa
    for T, B, I, H in SHAPES[:6]:
        check(name, kernel, draw(name, dtype, T, B, I, H), f"T={T} B={B} I={I} H={H}:")


@pytest.mark.slow
@in_both
@pytest.mark.parametrize("isa", supported_isas())
@pytest.mark.parametrize("cell", QUICK, **by_name)
def test_kernels_compiled_for_another_instruction_set_are_right(cell, isa, dtype, monkeypatch):
    monkeypatch.setenv("SYMCELL_ISA", isa)
    kernel = symcell.compile(cell, dtype)
    assert kernel.isa == isa
    for T, B, I, H in SHAPES:
        check(cell, kernel, draw(cell, dtype, T, B, I, H), f"T={T} B={B} I={I} H={H}:")


def test_long_sequences_stay_right():
    check_all(Mixed, "float32", [(300, 3, 5, 9)])


# --- nothing to do -----------------------------------------------------------------------------------------


@in_both
@pytest.mark.parametrize("cell", [*QUICK, "lstm"], **by_name)
@pytest.mark.parametrize(("T", "B"), NOTHING)
def test_no_steps_or_no_rows(cell, dtype, T, B):
    kernel, data = kernel_of(cell, dtype), draw(cell, dtype, T=T, B=B)
    check(cell, kernel, data)
    found = results(kernel, data)
    assert found["y"].shape == (T, B, data.dy.shape[2])
    assert found["dx"].shape == data.x.shape
    for name, array in data.state.items():
        assert np.array_equal(found[f"state {name}"], array)
        assert np.array_equal(found[f"dstate {name}"], data.dstate[name])
    for name, array in data.params.items():
        assert found[f"d {name}"].shape == array.shape
        assert not found[f"d {name}"].any(), f"d {name}"
    run = kernel.forward(data.x, data.params, record=list(kernel._meta["named"]))
    assert {array.shape[:2] for array in run.record.values()} == {(T, B)}


# --- record ------------------------------------------------------------------------------------------------


@in_both
@pytest.mark.parametrize("cell", [*QUICK, "gru"], **by_name)
def test_every_named_quantity_can_be_recorded(cell, dtype):
    kernel, reference = kernel_of(cell, dtype), reference_of(cell)
    named = list(kernel._meta["named"])
    assert set(kernel._meta["states"]) < set(named)
    data = draw(cell, dtype, T=5, B=7, I=3, H=17)
    exact = data.astype("float64")
    run = functools.partial(kernel.forward, data.x, data.params, data.state, constants=data.constants)
    plain, all_of_them = run(), run(record=named)
    expected = reference.forward(exact.x, exact.params, exact.state, constants=exact.constants, record=named)
    assert_near(all_of_them.record, expected.record, dtype)
    assert plain.record == {}
    for name in named:  # alone, it has no company in memory
        assert_same_bits(run(record=name).record, {name: all_of_them.record[name]})
    assert_same_bits({"y": all_of_them.y, **all_of_them.state}, {"y": plain.y, **plain.state})
    ours, theirs = kernel.backward(all_of_them, data.dy), kernel.backward(plain, data.dy)
    assert_same_bits({"dx": ours.x, **ours.params}, {"dx": theirs.x, **theirs.params})


def test_what_the_cells_cover():
    """Without this the names above could promise too much."""
    programs = {cell: stages(cell).program for cell in QUICK}
    assert max(len(stage.panels) for stage in programs[Gates].forward.stages) > 1
    assert sum(phase.kind == "loop" and bool(phase.stages) for phase in programs[Levels].forward.phases) > 1
    assert not programs[Memory].forward.panels
    assert Math.spec.dims == ("chunk", "self")
    used = " ".join(str(equation.expression) for cell in QUICK for equation in cell.spec.equations)
    ours = [name for name, function in FUNCTIONS.items() if not function.row.body]  # other tests register their own
    assert not [name for name in ours if f"{name}(" not in used and name not in ("step", "abs")]
