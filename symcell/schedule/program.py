"""The Program: what the renderer turns into text, word for word. Frozen, and printed for people.

A pass (forward or backward) is a list of phases that run in turn on each chunk of time steps: `batch` phases
treat all steps of the chunk at once (one by one where a thread has rows of its own, which are no neighbours from
step to step), `loop` phases go step by step. A phase is a list of stages; a stage is a set of panel products whose
fused elementwise epilogue computes vectors of one dimension.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import sympy

from symcell.graph.ir import Graph, Reduce
from symcell.schedule.tiles import block_vectors, tile_rows

Slots = Literal["all", "history", "ring", "chunk", "step", "sequence"]  # how many time steps a buffer holds:
#              T      T + 1      2       chunk    1       one for all


@dataclass(frozen=True)
class Buffer:
    """Memory for vectors side by side: one row per member of the batch and per slot.

    `train` and `infer` say how many steps are held in a run with and without a tape; None: not stored (unless
    the caller asks to record it). An accumulating buffer adds what each step writes. One for sums that are `begun`
    before the steps is kept only where they are.
    """

    name: str
    columns: tuple[tuple[str, str], ...]  # (value, dimension), from left to right
    train: Slots | None
    infer: Slots | None
    why: str
    accumulates: bool = False
    given: bool = False  # it comes from outside: an input, or what the forward pass has left
    begun: bool = False

    @property
    def width(self) -> tuple[str, ...]:
        """The dimensions that add up to the length of a row."""
        return tuple(dim for _, dim in self.columns)


@dataclass(frozen=True)
class Place:
    """Where a value lives: a buffer, the columns left of it, and 1 for the slot after the step's own."""

    buffer: str
    before: tuple[str, ...]
    dim: str
    shift: int


@dataclass(frozen=True)
class Term:
    """matrix @ operand, or its transpose. Outside of so many `blocks` along its diagonal the matrix is 0."""

    matrix: str
    transposed: bool
    operand: str
    blocks: int = 1


@dataclass(frozen=True)
class Panel:
    """Products that read the same operands, with matrices of the same blocks.

    Its accumulators share the loads of the operands; the terms of one accumulator are summed in it (their K is
    concatenated). The first `known` operands of one in a loop are known before the loop.
    """

    name: str
    accumulators: tuple[tuple[str, tuple[Term, ...]], ...]
    known: int = 0

    @property
    def sums(self) -> str:
        """The name of the buffer of sums that are begun before the steps."""
        return f"{self.name}.begun"

    @property
    def operands(self) -> tuple[str, ...]:
        """The vectors multiplied, in the order of K."""
        return tuple(term.operand for term in self.accumulators[0][1])

    @property
    def blocks(self) -> tuple[int, ...]:
        """For each operand, the blocks of the matrices that multiply it: they are all alike."""
        return tuple(term.blocks for term in self.accumulators[0][1])


@dataclass(frozen=True)
class Assign:
    """One line of an epilogue; a temporary is a common subexpression and has a numbered name."""

    name: str
    expression: sympy.Expr
    temporary: bool = False


@dataclass(frozen=True)
class Stage:
    """Panels and the elementwise epilogue in which their sums end, for vectors of one dimension.

    A stage with reductions has no panels: it treats row after row, and each reduction is complete at the end of a row.
    """

    name: str
    dim: str
    panels: tuple[Panel, ...]
    body: tuple[Assign, ...]
    reads: tuple[str, ...]  # values loaded from memory, parameters and constants included
    writes: tuple[str, ...]  # values stored
    reductions: tuple[Reduce, ...] = ()


@dataclass(frozen=True)
class Phase:
    """Stages that run together: on all rows of a chunk ("batch"), step by step ("loop"), or for a "whole" sequence."""

    kind: Literal["batch", "loop", "whole"]
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class RowSum:
    """A bias's gradient: the sum of the rows of a value; over its components too where out is a scalar."""

    out: str
    operand: str
    scalar: bool


@dataclass(frozen=True)
class Product:
    """Gradients from one pass over all steps: rows(left)^T rows(right) of weights, and sums of rows(left).

    The lefts lie side by side, and are read once. Where nothing is multiplied, there are sums only.
    """

    lefts: tuple[str, ...]
    rights: tuple[str, ...]
    outs: tuple[tuple[str, ...], ...]  # per right, a parameter's adjoint for each left
    blocks: tuple[int, ...]  # per right, outside of how many blocks along the diagonal each of these is 0
    sums: tuple[RowSum, ...] = ()  # of one of the lefts each


@dataclass(frozen=True)
class Pass:
    """One direction of the program."""

    name: Literal["forward", "backward"]
    graph: Graph
    phases: tuple[Phase, ...]
    buffers: tuple[Buffer, ...]
    places: dict[str, Place]
    products: tuple[Product, ...] = ()

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All stages, in order."""
        return tuple(stage for phase in self.phases for stage in phase.stages)

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All panels, in order."""
        return tuple(panel for stage in self.stages for panel in stage.panels)

    def lanes(self, panel: Panel) -> str:
        """Return the dimension of a panel's sums."""
        return next(stage.dim for stage in self.stages if panel in stage.panels)

    def inner_dims(self, panel: Panel) -> tuple[str, ...]:
        """Return the dimensions over which a panel sums, one per operand: together its K."""
        shapes = [(self.graph.value(term.matrix).dims, term.transposed) for term in panel.accumulators[0][1]]
        return tuple(dims[0] if transposed else dims[1] for dims, transposed in shapes)

    def shared(self, stage: Stage) -> Literal["rows", "lanes"]:
        """Return what threads share of a stage that they do together.

        Rows, where those of many steps are treated at once, or where a reduction needs the whole of each; else lanes,
        so that each thread reads its part of the weights only, whatever the batch.
        """
        many = any(phase.kind == "batch" and stage in phase.stages for phase in self.phases)
        return "rows" if many or stage.reductions else "lanes"

    def ahead(self, stage: Stage) -> tuple[str, ...]:
        """Return what a stage with products writes, in the loop, into memory of all steps.

        Tile by tile, its rows are written in an order that processors do not foresee: each would wait for its line of
        the cache, unless that is asked for one step ahead.
        """
        looped = any(phase.kind == "loop" and stage in phase.stages for phase in self.phases)
        return tuple(name for name in stage.writes if looped and stage.panels and name in self.places
                     and self.buffer(self.places[name].buffer).train in ("all", "history"))

    def _once(self, role: str, when: str) -> list[str]:
        nodes = [f"    {node}" for node in self.graph.once if self.graph.value(node.out).role == role]
        return [f"  once per call, {when}:", *nodes] if nodes else []

    def buffer(self, name: str) -> Buffer:
        """Return the buffer of this name."""
        return next(buffer for buffer in self.buffers if buffer.name == name)

    def __str__(self) -> str:
        lines = [f"{self.name} pass, chunk by chunk{', last first' if self.graph.reverse else ''}"]
        lines += self._once("derived" if self.name == "forward" else "", "before the first step")
        for phase in self.phases:
            when = "before" if phase is self.phases[0] else "after"
            what = {"batch": "all steps of the chunk at once", "loop": "for each step",
                    "whole": f"for the whole sequence, {when} its steps"}[phase.kind]
            lines.append(f"  {what}:" if phase.stages else f"  {what}: nothing")
            for stage in phase.stages:
                lines += [f"    {line}" for line in _describe(stage)]
                if self.ahead(stage):
                    lines.append(f"      ahead  {', '.join(self.ahead(stage))}")
        if self.products:
            lines.append("  once, over all steps:")
        for product in self.products:
            lefts = " | ".join(product.lefts)
            lines.append(f"    {lefts}: read once, for all that follows with {'them' if product.lefts[1:] else 'it'}")
            for right, outs, blocks in zip(product.rights, product.outs, product.blocks, strict=True):
                kept = f", within {blocks} blocks along the diagonal of each" if blocks > 1 else ""
                lines.append(f"    gemm  [{' | '.join(outs)}] = [{lefts}]^T {right}{kept}")
            lines += [f"    sum   {total.out} += {total.operand}" for total in product.sums]
        lines += self._once("total", "after the last step")
        lines.append("  memory:")
        for buffer in self.buffers:
            kept = f"{buffer.train or '-'}" + (f" / {buffer.infer or '-'}" if self.name == "forward" else "")
            names = " | ".join(value for value, _ in buffer.columns)
            lines.append(f"    {names:<24} ({' + '.join(buffer.width)})  {kept:<14} {buffer.why}")
        return "\n".join(lines)


def _describe(stage: Stage) -> list[str]:
    lines = [f"stage {stage.name} ({stage.dim})"]
    for panel in stage.panels:
        for name, terms in panel.accumulators:
            sums = " + ".join(f"{t.matrix}{'.T' if t.transposed else ''} @ {t.operand}" for t in terms)
            lines.append(f"  panel {name} = {sums}")
        lines += [f"  blocks with {operand}: {blocks} along the diagonal, zeros outside left out"
                  for operand, blocks in zip(panel.operands, panel.blocks, strict=True) if blocks > 1]
        if panel.known:
            lines.append(f"  begun  with {', '.join(panel.operands[: panel.known])}")
    if stage.panels:
        shapes = [f"{tile_rows(stage.panels, count)} x {block_vectors(stage.panels, count)} with {count} registers"
                  for count in (32, 16)]
        lines.append(f"  tiles  {', '.join(shapes)}")
    lines += [f"  {assign.name} = {assign.expression}" for assign in stage.body]
    lines += [f"  reduce {reduction}" for reduction in stage.reductions]
    return [*lines, f"  writes {', '.join(stage.writes)}"]


@dataclass(frozen=True)
class Kept:
    """One line of the tape: a forward value that the backward pass reads."""

    name: str
    dim: str
    how: Literal["input", "state", "saved", "recomputed"]
    why: str
    whole: bool = False  # one row for the whole sequence


@dataclass(frozen=True)
class Tape:
    """What the forward pass leaves for the backward pass. `backward` starts with the recomputations."""

    kept: tuple[Kept, ...]
    backward: Graph

    @property
    def saved(self) -> tuple[str, ...]:
        """Values written to memory only because the backward pass needs them."""
        return tuple(kept.name for kept in self.kept if kept.how == "saved")

    def __str__(self) -> str:
        lines = ["tape, per step and member of the batch, in float32 (float64: twice as much)"]
        rows: dict[str, str] = {}  # a state and its next value lie in one history
        for kept in self.kept:
            stored = kept.how != "recomputed"
            size = f"4*{kept.dim} bytes" if stored else "-"
            lines.append(f"  {kept.name:<12} {kept.how:<11} {size:<12} {kept.why}")
            if stored and not kept.whole:
                rows[kept.name.removesuffix(".next")] = kept.dim
        count = Counter(rows.values())
        total = " + ".join(f"{4 * number}*{dim}" for dim, number in count.items())
        return "\n".join([*lines, f"  together {total or 0} bytes"])


REASONS = """reasons
  tiles    rows x vectors of lanes of each accumulator: as many sums as registers hold, less a few for operands
  begun    in the tile of the step; or, with the same bits, for all steps of a chunk at once, where a step has few rows
           or the weights leave the cache, so that those for what is known before are read once for all these steps
  ahead    is asked for one step before it is written: tile by tile, in an order that no processor foresees
  chunk    as many steps as fill half of a cache (kernel.chunk): what a phase hands on is then still there
  threads  share the rows of the batch, each its own from the first step to the last, and the columns of parameter
           gradients (kernel.threads); where rows are few, or the weights leave the cache, they share the lanes of each
           stage of a loop, of which each thread then reads a part of the weights, the rows of a stage that reduces
           them, and those of what is done for all steps at once. No sum is split
  packing  before the first step; of a single step block by block, just before each is used
  order    blocks of lanes upwards in one step, downwards in the next, which begins with what is in the cache"""


@dataclass(frozen=True)
class Program:
    """Both passes and the tape between them."""

    name: str
    forward: Pass
    backward: Pass
    tape: Tape

    def __str__(self) -> str:
        return "\n\n".join([str(self.forward), str(self.tape), str(self.backward), REASONS])


