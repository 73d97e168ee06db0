"""Speed of calls, guarded by counting: memory of earlier calls, how weights are packed, fingerprints, chunks."""

import tracemalloc

import pytest

import symcell
from symcell.bench.rows import SHAPES
from symcell.runtime import memory, native, passes
from symcell.zoo import PREBUILT
from tests.runtime.cells import draw

# --- memory ------------------------------------------------------------------------------------------------


class Forgetful(memory.Pool):
    """Keeps one array per purpose, which in a training loop the run of the last step still holds."""

    def take(self, wanted):
        found = super().take(wanted)
        self._kept = {purpose: arrays[-1:] for purpose, arrays in self._kept.items()}
        return found


def training(kernel, data):
    """A loop that holds the run of a step until the next one's is there."""
    run = None
    while True:
        run = kernel.forward(data.x, data.params)
        yield kernel.backward(run, data.dy)


def inference(kernel, data):
    result = None
    while True:
        result = kernel.infer(data.x, data.params)
        yield result


def fresh(kernel, loop):
    """The most memory that later turns of a loop take beyond that of earlier ones, in times what y takes."""
    data = draw("lstm", "float32", T=200, B=8, I=32, H=64)
    turns = loop(kernel, data)
    for _ in range(4):
        result = next(turns)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(3):
        result = next(turns)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result
    return (most - before) / data.dy.nbytes


@pytest.mark.parametrize("loop", [training, inference])
def test_memory_of_earlier_calls_is_enough(loop):
    assert fresh(symcell.compile("lstm"), loop) < 0.2  # states, and Python's own


@pytest.mark.parametrize("loop", [training, inference])
def test_fresh_memory_is_reported(loop, monkeypatch):
    kernel = symcell.compile("lstm")
    kernel._passes.pool = Forgetful(kernel.dtype)
    assert fresh(kernel, loop) > 0.9
    monkeypatch.setattr(memory, "KEEP_BYTES", -1)
    assert fresh(symcell.compile("lstm"), loop) > 0.9


# --- what a call asks for ----------------------------------------------------------------------------------


class Asked:
    """A module of a kernel, noting how the panels of each pass are to be packed."""

    def __init__(self, kernel):
        self.module, self.how = kernel._passes.module, []
        kernel._passes.module = self

    def __getattr__(self, name):
        return getattr(self.module, name)

    def forward(self, isa, itemsize, sizes, *rest):
        self.how.append(("forward", sizes[".packed"]))
        self.module.forward(isa, itemsize, sizes, *rest)

    def backward(self, isa, itemsize, sizes, *rest):
        self.how.append(("backward", sizes[".packed"]))
        self.module.backward(isa, itemsize, sizes, *rest)


def packings():
    """How a single step, two steps, and prepared weights are packed."""
    kernel = symcell.compile("lstm")
    kernel.threads = 1
    asked = Asked(kernel)
    for T in (1, 2):
        data = draw("lstm", "float32", T=T, B=1, I=8, H=8)
        kernel.backward(kernel.forward(data.x, data.params), data.dy)
        kernel.infer(data.x, data.params)
    ready = kernel.prepare(data.params)
    for _ in range(2):
        kernel.infer(data.x, ready)
    return asked.how


FIRST, PACKED, AS_USED = range(3)  # as in symcell/memory.h
PACKINGS = [*((way, how) for how in (AS_USED, FIRST) for way in ("forward", "backward", "forward")),
            ("forward", FIRST), *[("forward", PACKED)] * 2]


def test_weights_are_packed_once_or_as_they_are_used():
    assert packings() == PACKINGS


@pytest.mark.parametrize(("name", "value"), [("PACK_AS_USED", FIRST), ("PACKED", FIRST)])
def test_more_packing_is_reported(name, value, monkeypatch):
    monkeypatch.setattr(passes, name, value)
    assert packings() != PACKINGS


def fingerprinted(monkeypatch, kernel):
    """How many arrays are read for fingerprints by a forward and a backward pass, by inference, raw and prepared."""
    read, whole = [], native.fingerprints
    data = draw("lstm", "float32", T=3, B=2, I=5, H=7)
    ready, run = kernel.prepare(data.params), kernel.forward(data.x, data.params)

    def count(call, *args):
        read.clear()
        call(*args)
        return len(read)

    with monkeypatch.context() as patch:
        patch.setattr(native, "fingerprints", lambda isa, arrays: (read.extend(arrays), whole(isa, arrays))[1])
        return [count(kernel.forward, data.x, data.params), count(kernel.backward, run, data.dy),
                count(kernel.infer, data.x, data.params), count(kernel.infer, data.x, ready)]


def test_parameters_are_read_once_for_their_fingerprints(monkeypatch):
    kernel = symcell.compile("lstm")
    params = len(kernel._meta["params"])
    assert fingerprinted(monkeypatch, kernel) == [params, params, 0, 0]
    once = passes.Passes.fingerprints
    monkeypatch.setattr(passes.Passes, "fingerprints", lambda self, arrays: (once(self, arrays), once(self, arrays))[1])
    assert fingerprinted(monkeypatch, kernel) == [2 * params, 2 * params, 0, 0]


# --- chunks ------------------------------------------------------------------------------------------------

HALF_A_CACHE = 512 * 1024  # bytes
ROWS = 128  # that a product needs to be worth its weights


def chunks(cell, mode):
    """What is wrong with the chunks of the forward pass at the shapes of the benchmark: too long or too short."""
    kernel = symcell.compile(cell)
    found = []
    for T, B, I, H in SHAPES:
        plan = kernel._passes.plan("forward", (T, B, I, H), mode)
        handed = [place.shape for place in plan.places.values() if place.kind == "chunk"]
        steps, step = plan.sizes[".chunk"], 4 * B * (I + sum(width for _, _, width in handed))
        fewest = min(T, -(-ROWS // B))
        found += [f"{cell} {(T, B, I, H)}: a chunk holds {slots} steps of {steps}" for slots, _, _ in handed
                  if slots != steps]
        if not handed:  # nothing is done for several steps at once
            found += [f"{cell} {(T, B, I, H)}: chunks of {steps} steps for nothing"] * (steps < T)
            continue
        if steps > fewest and steps * step > HALF_A_CACHE:
            found.append(f"{cell} {(T, B, I, H)}: too long, {steps} steps are {steps * step} bytes")
        if steps < T and (steps < fewest or (steps + 1) * step <= HALF_A_CACHE):
            found.append(f"{cell} {(T, B, I, H)}: too short, {steps} steps are {steps * step} bytes")
    return found


@pytest.mark.parametrize("mode", ["train", "infer"])
@pytest.mark.parametrize("cell", PREBUILT)
def test_a_chunk_stays_in_the_cache_and_is_worth_its_weights(cell, mode):
    assert not chunks(cell, mode)


@pytest.mark.parametrize(("name", "value", "fault"), [
    ("CHUNK_BYTES", 2 * HALF_A_CACHE, "too long"), ("CHUNK_BYTES", HALF_A_CACHE // 2, "too short"),
    ("CHUNK_ROWS", 2 * ROWS, "too long"), ("CHUNK_ROWS", ROWS // 2, "too short")])
def test_other_chunks_are_reported(name, value, fault, monkeypatch):
    monkeypatch.setattr(memory, name, value)
    assert any(fault in line for line in chunks("gru", "train"))


def test_chunks_that_nothing_needs_are_reported(monkeypatch):
    monkeypatch.setattr(memory, "chunk_steps", lambda dims, sizes, itemsize: 1)
    assert any("for nothing" in line for line in chunks("lstm", "infer"))
