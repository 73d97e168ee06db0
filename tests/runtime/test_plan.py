"""Memory of a pass: where buffers lie, what refuses a table that does not fit, what may be used again."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

import symcell
from symcell import Cell, Input, Matrix, State, Vector, tanh
from symcell.runtime import memory, native
from symcell.runtime.arguments import Arguments
from symcell.runtime.plan import SCRATCH, TAPE, Planner
from tests.runtime.cells import QUICK, Mixed, draw, kernel_of

CELLS = (*QUICK, "lstm", "gru")
LINE = memory.LINE // 4  # numbers


def plans(cell, mode="train", T=5, B=3):
    """The plans of both passes, and a dict of all dimensions' sizes."""
    passes = kernel_of(cell, "float32")._passes
    key = (T, B, *range(7, 7 + len(passes._meta["dims"])))
    return passes.plan("forward", key, mode), passes.plan("backward", key)


def overlapping(plan):
    """Pairs of buffers that share a number, and buffers that begin in the middle of a line."""
    extents = [(place.array, place.start, place.start + int(np.prod(place.shape)), name)
               for name, place in plan.places.items()]
    return [(a, b) for (k, low, high, a), (j, first, last, b) in itertools.combinations(extents, 2)
            if k == j and low < last and first < high] + [name for _, start, _, name in extents if start % LINE]


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: getattr(cell, "__name__", cell))
def test_no_two_buffers_overlap_and_each_begins_a_line(cell, mode):
    for plan in plans(cell, mode):
        assert not overlapping(plan)
        for place in plan.places.values():  # and each ends before its array does
            for wanted in plan.makes[place.array - len(plan.given):][:place.array >= len(plan.given)]:
                assert place.start + np.prod(place.shape) <= np.prod(wanted.shape), wanted.purpose


def test_an_overlap_would_be_found(monkeypatch):
    monkeypatch.setattr(Planner, "_whole_lines", lambda self, count: count - 1)
    meta = kernel_of("lstm", "float32")._meta
    sizes = {"T": 5, "B": 3, "I": 7, "H": 9, ".chunk": 5}
    assert overlapping(Planner(meta, "forward", np.dtype("float32")).plan(sizes, "train", ()))


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: getattr(cell, "__name__", cell))
def test_backward_looks_for_a_value_where_forward_put_it(cell):
    forward, backward = plans(cell)
    held = dict(forward.held)
    taped = [name for name, place in backward.places.items() if backward.given[place.array:place.array + 1] == (TAPE,)]
    for name in taped:
        ours, theirs = forward.places[name], backward.places[name]
        assert ours.array == held[TAPE]
        assert ours[1:] == theirs[1:]
    assert len(taped) > 1 or cell not in ("lstm", "gru")


def test_who_keeps_a_result_does_not_keep_the_tape():
    kernel, data = symcell.compile("lstm"), draw("lstm", "float32", T=4, B=3, I=5, H=7)
    run = kernel.forward(data.x, data.params)
    assert {TAPE, "h", "x"} == set(run.tape.arrays)
    grads = kernel.backward(run, data.dy)
    y, state = kernel.infer(data.x, data.params)
    results = [run.y, *run.state.values(), grads.x, *grads.state.values(), y, *state.values()]
    blocks = [array for kept in (TAPE, SCRATCH) for way in ("forward", "backward")
              for array in kernel._passes.pool._kept.get(f"{way} {kept}", ())]
    assert len(blocks) >= 3
    for a, b in itertools.combinations([*results, *blocks], 2):
        assert not np.shares_memory(a, b)


def test_a_kept_result_does_not_keep_scratch_from_the_next_call():
    kernel, data = symcell.compile("lstm"), draw("lstm", "float32", T=4, B=3, I=5, H=7)
    kept = [kernel.infer(data.x, data.params) for _ in range(3)]
    assert len(kernel._passes.pool._kept[f"forward {SCRATCH}"]) == 1
    assert len({y.ctypes.data for y, _ in kept}) == 3
    runs = [kernel.forward(data.x, data.params) for _ in range(2)]
    assert len({run.tape.arrays[TAPE].ctypes.data for run in runs}) == 2
    address = {run.tape.arrays[TAPE].ctypes.data for run in runs}
    del runs
    assert kernel.forward(data.x, data.params).tape.arrays[TAPE].ctypes.data in address


def test_a_large_block_of_small_buffers_is_kept(monkeypatch):
    monkeypatch.setattr(memory, "KEEP_BYTES", 1000)
    pool = memory.Pool(np.dtype("float32"))
    for name, largest, kept in (("a", 900, 1), ("b", 1100, 0), ("c", 0, 0)):
        pool.take([memory.Wanted(name, (1000,), "test", False, largest)])
        assert len(pool._kept.get(name, ())) == kept


# --- what the compiled part refuses ------------------------------------------------------------------------


@pytest.fixture
def call():
    """A call of the forward pass of an LSTM that is right, as a function of what is changed."""
    kernel, data = symcell.compile("lstm"), draw("lstm", "float32", T=4, B=3, I=5, H=7)
    passes = kernel._passes
    plan = passes.plan("forward", (4, 3, 5, 7), "infer")
    arrays = [data.x, *passes.pool.take(plan.makes)]

    def run(change=lambda table, arrays: None, table=None, **sizes):
        table = plan.table.copy() if table is None else table
        given = list(arrays)
        change(table, given)
        panels = passes.panels("forward", (4, 3, 5, 7))
        sizes = {**plan.sizes, ".packed": 0, **sizes}
        passes.module.forward(passes.isa, 4, sizes, (table, given), data.params, panels)

    return run


def row(name):
    return list(kernel_of("lstm", "float32")._meta["forward"]["buffers"]).index(name)


def test_a_table_that_does_not_fit_is_refused_before_memory_is_touched(call):
    def put(name, column, value):
        def change(table, arrays):
            table[row(name), column] = value
        return change

    def read_only(table, arrays):
        arrays[1].flags.writeable = False

    call()
    for change, message in (
            (put("h", 1, 8), "h ends at byte 452 of 420"),
            (put("h", 2, 104), "h has 104 numbers, 105 are needed"),
            (put("h", 2, 106), "h ends at byte 424 of 420"),
            (put("h", 1, -1), "h lies in array"),
            (put("h", 0, 9), "h lies in array 9 of"),
            (put("c", 3, 1), "c has 42 numbers, 105 are needed"),  # all steps in place of two
            (lambda table, arrays: arrays.extend(arrays * 9), "30 arrays for 12 buffers"),
            (lambda table, arrays: arrays.__setitem__(0, arrays[0][:3]), "x ends at byte 240 of 180"),
            (lambda table, arrays: arrays.__setitem__(0, arrays[0].T), "not C-contiguous"),
            (read_only, "is read-only")):
        with pytest.raises(ValueError, match=message):
            call(change)
    with pytest.raises(ValueError, match="the table of places has"):
        call(table=np.zeros((2, 4), np.int64))


def test_states_are_copied_where_they_fit():
    slots, array = np.array([[0, 1, 2]], np.int64), np.arange(4, dtype=np.float32)
    native.enter(slots, [array], ("h",), {"h": np.array([7, 8], np.float32)}, 4)
    assert array.tolist() == [0, 7, 8, 3]
    assert native.leave(slots, [array], {"h": (1, 2)}, array.dtype)["h"].tolist() == [[7, 8]]
    native.enter(slots, [array], ("h",), {}, 4)
    assert array.tolist() == [0, 0, 0, 3]
    for bad in ([0, -1, 2], [0, 1, -2], [0, 1 << 60, 2]):
        with pytest.raises(ValueError, match="impossible sizes"):
            native.enter(np.array([bad], np.int64), [array], ("h",), {}, 4)
        with pytest.raises(ValueError, match="impossible sizes"):
            native.leave(np.array([bad], np.int64), [array], {"h": (1, 2)}, array.dtype)
    wrong = np.array([[0, 3, 2]], np.int64)
    for refused in (lambda: native.enter(wrong, [array], ("h",), {}, 4),
                    lambda: native.leave(wrong, [array], {"h": (1, 2)}, array.dtype),
                    lambda: native.enter(slots, [array], ("h",), {"h": np.ones(1, np.float32)}, 4),
                    lambda: native.leave(slots, [array], {"h": (1, 1)}, array.dtype),
                    lambda: native.enter(slots, [array], ("h", "c"), {}, 4)):
        with pytest.raises(ValueError, match=r"has .* bytes"):
            refused()
    assert array.tolist() == [0, 0, 0, 3]


def test_impossible_sizes_are_refused_before_memory_is_touched(call):
    for sizes, message in (({"H": -5}, "H = -5: expected a size from 0 to"), ({"I": 1 << 62}, "I = .*: expected"),
                           ({"B": 1 << 62}, "x has 60 numbers"), ({"T": 1 << 62}, "x has 60 numbers"),
                           ({"B": -1}, "impossible sizes"), ({"T": -1}, "impossible sizes"),
                           ({".chunk": 0}, "impossible sizes"), ({".packed": 7}, "impossible sizes")):
        with pytest.raises(ValueError, match=message):
            call(**sizes)


# --- arguments that fit ------------------------------------------------------------------------------------


def test_right_arguments_pass_at_once_and_no_others(monkeypatch):
    kernel, data = symcell.compile(Mixed), draw(Mixed, "float32", T=4, B=3)
    params = {name: np.asarray(array) for name, array in data.params.items()}
    checks = kernel._checks
    right = checks.call(data.x, params, data.state)
    assert list(right.params) == list(kernel._meta["params"])
    slow = []
    for name in ("check_params", "check_inputs", "check_states"):
        whole = getattr(Arguments, name)
        monkeypatch.setattr(Arguments, name, lambda self, *rest, f=whole: (slow.append(f.__name__), f(self, *rest))[1])
    at_once = checks.call(data.x, params, data.state)
    assert checks.prepared(data.x, data.state, at_once.sizes).inputs["x"] is data.x
    assert checks.gradient(data.dy, data.dstate, at_once.sizes)[0] is data.dy
    assert not slow
    assert at_once.sizes == right.sizes
    first = next(iter(params))
    for x, changed, state in (
            (data.x[:, ::2], params, None),  # rare, and right
            ({"x": data.x}, dict(reversed(params.items())), data.state)):
        checks.call(x, changed, state)
    assert set(slow) == {"check_params", "check_inputs", "check_states"}
    for x, changed, state in (
            (data.x.astype("float64"), params, None),
            (data.x[..., :-1].copy(), params, None),
            (data.x, {**params, "more": data.x}, None),
            (data.x, {**params, first: None}, None),
            (data.x, {**params, first: params[first][..., None]}, None),
            (data.x, {name: params[name] for name in list(params)[1:]}, None),
            (data.x, params, {"nobody": data.x}),
            (data.x, params, {"h": None}),
            (None, params, None),
            (data.x, None, None),
            (data.x, params, [])):
        slow.clear()
        with pytest.raises((TypeError, ValueError)):
            checks.call(x, changed, state)
        assert slow


def test_no_two_gradients_share_memory():
    class Biases(Cell):
        """Two biases with one adjoint."""

        x, h = Input(), State()
        W, U, b1, b2 = Matrix(h, x), Matrix(h, h), Vector(h), Vector(h)
        h.next = tanh(W @ x + U @ h + b1 + b2)

    for every in (None, 3):
        kernel, data = symcell.compile(Biases, "float32"), draw(Biases, "float32", T=3, B=2)
        params = kernel.backward(kernel.forward(data.x, data.params, checkpoint=every), data.dy).params
        expected = {name: array.copy() for name, array in params.items()}
        assert np.array_equal(params["b1"], params["b2"])
        for array in params.values():
            array *= 0.5
        for name, array in params.items():
            assert np.array_equal(array, 0.5 * expected[name]), name


def test_a_tracer_that_looks_at_variables_changes_no_count():
    script = """
import sys
def look(frame, event, argument):
    frame.f_locals
    return look
sys.settrace(look)
from symcell.runtime import memory
traced = memory.ARRAY_ALONE, memory.MEMORY_ALONE
sys.settrace(None)
assert traced == memory._alone(), (traced, memory._alone())
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_sizes_that_no_table_can_hold_are_refused():
    kernel = symcell.compile("lstm", "float32")
    params = kernel.init_params(I=1, H=1)
    with pytest.raises(ValueError, match=r"LSTM.* bytes, more than can be addressed"):
        kernel.infer(np.empty((0, 2**60, 1), np.float32), params)
    assert kernel.infer(np.empty((2**40, 0, 1), np.float32), params)[1]["h"].shape == (0, 1)  # at once
