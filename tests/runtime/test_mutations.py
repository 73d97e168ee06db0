"""Planted errors: a wrong schedule or printed expression does not build, or does not pass the kernel's oracle."""

import re
from dataclasses import dataclass, replace

import pytest

from symcell import Cell, Input, Matrix, State, Vector, sigmoid, tanh
from symcell.compiler import stages
from symcell.graph.check import GraphError
from symcell.proof import kernel as oracle
from symcell.render import stage as printed
from symcell.render.source import render
from symcell.runtime.cache import build
from symcell.runtime.errors import BuildError
from symcell.runtime.kernel import Kernel
from symcell.runtime.load import load_extension
from symcell.schedule.memory import check_memory
from symcell.schedule.program import Place, Product
from tests.runtime.cells import RingBatch

pytestmark = pytest.mark.usefixtures("poisoned")


class Planted(Cell):
    """Sums of products, a stage of another size, deltas side by side, a gradient summed row by row."""

    x, h, c = Input(), State(), State("P")
    W, V, U, R, A, Q = Matrix(h, x), Matrix(h, x), Matrix(h, h), Matrix(h, h), Matrix(h, c), Matrix(c, h)
    X, H, C = Matrix(h, x), Matrix(h, h), Matrix(h, c)
    b, p, g = Vector(h), Vector(h), Vector(h)

    f = sigmoid(W @ x + U @ h + A @ c + b)
    k = sigmoid(X @ x + H @ h + C @ c)
    n = tanh(V @ x + R @ (f * h) + p)
    c.next = tanh(Q @ n + 0.5 * c)
    h.next = (1 - f) * n + f * h * g * k


PROGRAM = stages(Planted).program


def outcomes(program):
    """What the oracle says of the kernel of a program, in float64."""
    source = render("planted", Planted.spec, program, "0")
    module = load_extension("planted", build("planted", source.files, ["base"]))
    return oracle.check(Planted.spec, Kernel(module, "float64"))


def passes(program):
    return all(row.passed for row in outcomes(program))


def assert_caught(program):
    """The kernel does not build, its run is refused, or the oracle finds it wrong."""
    try:
        rows = outcomes(program)
    except (BuildError, GraphError, ValueError, KeyError) as error:
        print(f"caught: {type(error).__name__}: {error}")
        return
    assert not all(row.passed for row in rows), "the planted error passed:\n" + "\n".join(map(str, rows))


# --- errors in the schedule ------------------------------------------------------------------------------


@dataclass(frozen=True)
class In:
    """Changes to one pass of PROGRAM."""

    which: str

    @property
    def p(self):
        return getattr(PROGRAM, self.which)

    def with_pass(self, **changes):
        return replace(PROGRAM, **{self.which: replace(self.p, **changes)})

    def each_stage(self, change):
        return self.with_pass(phases=tuple(
            replace(phase, stages=tuple(change(stage) for stage in phase.stages)) for phase in self.p.phases))

    def each_panel(self, change):
        return self.each_stage(lambda stage: replace(stage, panels=tuple(change(panel) for panel in stage.panels)))

    def each_accumulator(self, change):
        return self.each_panel(lambda panel: replace(panel, accumulators=tuple(
            (name, change(name, terms)) for name, terms in panel.accumulators)))

    def loop(self, order):
        """The stages of the loop in another order."""
        return self.with_pass(phases=tuple(
            replace(phase, stages=tuple(phase.stages[k] for k in order(len(phase.stages))))
            if phase.kind == "loop" else phase for phase in self.p.phases))

    def place(self, name, **changes):
        return self.with_pass(places={**self.p.places, name: replace(self.p.places[name], **changes)})

    def buffer(self, name, **changes):
        return self.with_pass(buffers=tuple(
            replace(buffer, **changes) if buffer.name == name else buffer for buffer in self.p.buffers))

    def without_write(self, name):
        return self.each_stage(lambda stage: replace(stage, writes=tuple(n for n in stage.writes if n != name)))

    def product(self, out, change):
        return self.with_pass(products=tuple(
            change(product) if out in sum(product.outs, ()) else product for product in self.p.products))


FORWARD, BACKWARD = In("forward"), In("backward")


def transposed(where, matrix):
    return where.each_accumulator(lambda _, terms: tuple(
        replace(term, transposed=not term.transposed) if term.matrix == matrix else term for term in terms))


def exchanged(where, one, other):
    names = {one: other, other: one}
    return where.each_accumulator(lambda _, terms: tuple(
        replace(term, matrix=names.get(term.matrix, term.matrix)) for term in terms))


def ring_in_both(name):
    forward, backward = FORWARD.buffer(name, train="ring", infer="ring"), BACKWARD.buffer(name, train="ring")
    return replace(forward, backward=backward.backward)


def chunk_in_both(name):
    forward, backward = FORWARD.buffer(name, train="chunk"), BACKWARD.buffer(name, train="chunk")
    return replace(forward, backward=backward.backward)


def swapped(first):
    def order(count):
        indices = list(range(count))
        indices[first : first + 2] = indices[first + 1], indices[first]
        return indices

    return order


QUICK = {
    "a transposed flag": lambda: transposed(BACKWARD, "U"),
    "a term of an accumulator lost": lambda: FORWARD.each_accumulator(
        lambda name, terms: terms[:1] if name in ("a_f.sum", "a_k.sum") else terms),
    "two columns of the deltas in one place": lambda: BACKWARD.place("d_a_f", before=("P",)),
    "the new state read where the old one is meant": lambda: BACKWARD.place("c", shift=1),
    "a write lost": lambda: FORWARD.without_write("f_h"),
}
MORE = {
    "a transposed flag, forward": lambda: transposed(FORWARD, "R"),
    "a transposed flag of a matrix that is not square": lambda: transposed(FORWARD, "A"),
    "a term of dx lost": lambda: BACKWARD.each_accumulator(lambda _, terms: terms[:1]),
    "matrices exchanged": lambda: exchanged(FORWARD, "W", "V"),
    "matrices exchanged, backward": lambda: exchanged(BACKWARD, "U", "R"),
    "accumulators exchanged": lambda: FORWARD.each_panel(lambda panel: replace(panel, accumulators=tuple(zip(
        (name for name, _ in panel.accumulators), (terms for _, terms in panel.accumulators[::-1]), strict=True)))),
    "the old state read where the new one is meant": lambda: BACKWARD.place("c.next", shift=0),
    "the next step's state, forward": lambda: FORWARD.place("h", shift=1),
    "the adjoint of this step for the later one": lambda: BACKWARD.place("d_h.later", shift=0),
    "the first column for all": lambda: BACKWARD.place("d_a_n", before=()),
    "a value in another one's buffer": lambda: FORWARD.with_pass(
        places={**FORWARD.p.places, "n": Place("f", (), "H", 0)}),
    "two slots for a state that is kept": lambda: FORWARD.buffer("c", train="ring"),
    "two slots for a state that is kept, in both passes": lambda: ring_in_both("c"),
    "two slots for the output": lambda: ring_in_both("h"),
    "the state's write lost": lambda: FORWARD.without_write("c.next"),
    "a delta's write lost": lambda: BACKWARD.without_write("d_a_n"),
    "the write of dx lost": lambda: BACKWARD.without_write("d_x"),
    "stages swapped": lambda: FORWARD.loop(swapped(0)),
    "the last stages swapped": lambda: FORWARD.loop(swapped(1)),
    "stages swapped, backward": lambda: BACKWARD.loop(swapped(1)),
    "stages in reverse": lambda: BACKWARD.loop(lambda count: reversed(range(count))),
    "a stage lost": lambda: BACKWARD.loop(lambda count: range(count - 1)),
    "phases in reverse": lambda: BACKWARD.with_pass(phases=BACKWARD.p.phases[::-1]),
    "time in the wrong direction": lambda: BACKWARD.with_pass(graph=replace(BACKWARD.p.graph, reverse=False)),
    "factors of a product swapped": lambda: BACKWARD.product(
        "d_Q", lambda product: Product(product.rights, product.lefts, product.outs, product.blocks)),
    "rows of a product swapped": lambda: BACKWARD.product(
        "d_W", lambda product: replace(product, outs=tuple(outs[::-1] for outs in product.outs))),
    "products of a value swapped": lambda: BACKWARD.product(
        "d_W", lambda product: replace(product, outs=product.outs[::-1])),
    "a product lost": lambda: BACKWARD.with_pass(products=BACKWARD.p.products[1:]),
    "a sum lost": lambda: BACKWARD.product("d_W", lambda product: replace(product, sums=())),
    "a sum of another value": lambda: BACKWARD.product("d_W", lambda product: replace(
        product, sums=tuple(replace(total, operand="d_a_k") for total in product.sums))),
    "a sum of the last step only": lambda: BACKWARD.with_pass(
        buffers=tuple(replace(buffer, accumulates=False) for buffer in BACKWARD.p.buffers)),
    "lines of an epilogue in reverse": lambda: FORWARD.each_stage(
        lambda stage: replace(stage, body=stage.body[::-1])),
    "a line of an epilogue lost": lambda: BACKWARD.each_stage(lambda stage: replace(stage, body=stage.body[1:])),
}
MUTANTS = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE)]


def text_of(program):
    return render("planted", Planted.spec, program, "0").files


def test_the_program_without_an_error_passes():
    assert passes(PROGRAM)


@pytest.mark.parametrize("name", MUTANTS)
def test_an_error_in_the_schedule_is_caught(name):
    mutant = {**QUICK, **MORE}[name]()
    try:
        assert text_of(mutant) != text_of(PROGRAM), "no error was planted"
    except (GraphError, KeyError) as error:  # not even printed
        print(f"caught: {type(error).__name__}: {error}")
        return
    assert_caught(mutant)


@pytest.mark.slow
def test_a_tape_that_holds_one_chunk_is_caught():
    mutant = chunk_in_both("f")
    assert text_of(mutant) != text_of(PROGRAM)
    assert_caught(mutant)


def test_two_slots_for_a_state_that_a_whole_chunk_writes_are_refused():
    forward = stages(RingBatch).program.forward
    check_memory(forward.phases, forward.buffers, forward.places)
    buffers = [replace(buffer, infer="ring") if buffer.name == "s" else buffer for buffer in forward.buffers]
    with pytest.raises(GraphError, match="the buffer s holds few steps"):
        check_memory(forward.phases, buffers, forward.places)


# --- errors in printed expressions -----------------------------------------------------------------------

QUICK_PRINTS = {
    "1 - n for 1 - n * n": (r"vfill\(1\.0\) - (v_n) \* \1", r"vfill(1.0) - \1"),
}
MORE_PRINTS = {
    "another function": (r"vsigmoid\(", "vtanh("),
    "minus for plus": (r"_sum \+ v_b", "_sum - v_b"),
    "plus for minus": (r"vfill\(1\.0\) - v_f", "vfill(1.0) + v_f"),
    "a summand lost": (r" \+ v_b\b", ""),
    "a factor lost": (r" \* v_g\b", ""),
    "another number": (r"vfill\(0\.5\)", "vfill(0.50001)"),
    "parentheses lost": (r"\* \((vfill\(1\.0\) - v_n \* v_n)\)", r"* \1"),
    "another variable": (r"\bv_n\b", "v_f"),
}


@pytest.mark.parametrize("name", [*QUICK_PRINTS, *(pytest.param(n, marks=pytest.mark.slow) for n in MORE_PRINTS)])
def test_an_error_in_a_printed_expression_is_caught(name, monkeypatch):
    pattern, wrong = {**QUICK_PRINTS, **MORE_PRINTS}[name]
    right = printed.c_expression
    planted = []

    def c_expression(expression, c_name):
        text = right(expression, c_name)
        changed = re.sub(pattern, wrong, text)
        planted.extend([changed] * (changed != text))
        return changed

    monkeypatch.setattr(printed, "c_expression", c_expression)
    assert_caught(PROGRAM)
    assert planted, "no error was planted"
