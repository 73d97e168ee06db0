"""One stage as the templates see it: names, pointers and lines of C."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy

from symcell.declare.functions import CONDITIONS
from symcell.declare.symbols import ROW
from symcell.graph.ir import PASSED, Reduce
from symcell.graph.names import dim_of
from symcell.render import reduction
from symcell.render.c_expression import c_expression
from symcell.render.identifiers import Identifiers
from symcell.render.sizes import extent, factor, short, size
from symcell.render.text import plain
from symcell.schedule.program import Buffer, Panel, Pass, Place, Stage
from symcell.schedule.tiles import block_vectors, tile_rows


@dataclass(frozen=True)
class BegunView:
    """The sums of a panel's first operands, `known` of them, for all steps of a chunk."""

    function: str
    field: str
    known: int
    K: str  # of all operands
    pointers: tuple[str, ...]
    comment: str


@dataclass(frozen=True)
class PanelView:
    """A packed product: `index` numbers it within its stage."""

    index: int
    function: str
    field: str
    gates: int
    block: str  # numbers in front of a lane's block, for each lane
    operands: tuple[str, ...]
    in_blocks: bool  # whether some matrix is 0 outside of blocks along its diagonal
    packs: tuple[str, ...]  # calls that fill a block
    comment: str
    begun: BegunView | None


@dataclass(frozen=True)
class StageView:
    """Everything a template writes of a stage, in the order in which it stands there."""

    function: str
    comment: tuple[str, ...]
    dim: str
    lanes: str
    height: str  # rows to go through, of so many lanes
    shared: str  # by threads: rows or lanes
    pointers: tuple[str, ...]
    block: str  # lanes of a block, by the number of registers
    rows: str  # R likewise
    panels: tuple[PanelView, ...]
    starts: tuple[str, ...]  # of a row, where there are no panels
    loads: tuple[str, ...]
    body: tuple[str, ...]
    stores: tuple[str, ...]
    ends: tuple[str, ...]  # of a row
    indices: tuple[str, ...]


class _Names:
    """C texts for the values of one pass."""

    def __init__(self, p: Pass, names: Identifiers, stage: Stage, many: bool = False) -> None:
        """`many`: the rows of several steps follow each other."""
        self.p, self.names, self.many = p, names, many
        # Numbers of neighbouring rows are neighbours in memory, but those that each step reads again.
        self.by_steps = stage.dim == ROW and any(self.is_again(name) for name in stage.reads if name in p.places)

    def is_again(self, name: str) -> bool:
        """Whether each of several steps reads the same rows of it."""
        return self.many and self.p.buffer(self.place(name).buffer).train == "sequence"

    def place(self, name: str) -> Place:
        return self.p.places[name]

    def width(self, name: str) -> str:
        return extent(self.p.buffer(self.place(name).buffer).width)

    def pointer(self, name: str) -> str:
        place = self.place(name)
        field = f"m_{self.names(place.buffer)}"
        step = "t + 1" if place.shift else "t"
        text = f"SC(slot)(&c->{field}, {step}, &c->span)"
        if place.before:
            text += f" + {extent(place.before)}"
        return f"real *const m_{self.names(name)} = {text};"

    def index(self, name: str) -> tuple[str, str]:
        """Return the variable that indexes a value's rows, and its definition."""
        width, again = self.p.buffer(self.place(name).buffer).width, self.is_again(name)
        variable = ("again_" if again else "at_") + short(width)
        if self.by_steps:  # then `row` is a step of these
            return variable, f"const ptrdiff_t {variable} = {'' if again else 'row * c->span.rows + '}lane;"
        count = "(row + i) % c->span.rows" if again else "(row + i)"
        return variable, f"const ptrdiff_t {variable} = {count} * {factor(width)} + lane;"


def view(module: str, p: Pass, stage: Stage, identifiers: Identifiers, many: bool = False) -> StageView:
    """Return the view of one stage; `many`: it treats the rows of several steps at once."""
    names = _Names(p, identifiers, stage, many)
    in_memory = [name for name in stage.reads if name in p.places]
    reduced = {node.out for node in stage.reductions}
    writes = [name for name in _writes(p, stage) if name not in reduced]
    indexed = [name for name in [*in_memory, *writes] if not _is_broadcast(p, stage, name)]
    operands = [operand for panel in stage.panels for operand in panel.operands]
    pointers = [names.pointer(name) for name in dict.fromkeys([*operands, *in_memory, *writes, *sorted(reduced)])]
    indices = dict(names.index(name) for name in dict.fromkeys(indexed))
    once = _broadcasts(p, stage, names)
    return StageView(
        function=f"{module}_{p.name}_{stage.name}",
        comment=_comment(p, stage),
        dim=str(stage.dim),
        lanes=_lanes(stage, names),
        height=_height(stage, names),
        shared=p.shared(stage),
        pointers=(*pointers, *_parameter_pointers(p, stage, names), *_sizes(p, stage, names)),
        block=_block(stage),
        rows=_by_registers(tile_rows, stage),
        panels=tuple(_panel(module, p, stage, index, names) for index in range(len(stage.panels))),
        starts=() if stage.panels else (*once, *(reduction.start(r, names.names(r.out)) for r in stage.reductions)),
        loads=(*_sums(stage, names), *(once if stage.panels else ()), *_loads(p, stage, names)),
        body=(*(_assign(a.name, a.expression, names) for a in stage.body),
              *(reduction.each(r, names.names(r.out), names.names(r.operand)) for r in stage.reductions)),
        stores=tuple(_store(p, name, names, name in p.ahead(stage)) for name in writes),
        ends=tuple(_store_reduced(p, r, names) for r in stage.reductions),
        indices=tuple(indices.values()),
    )


def _lanes(stage: Stage, names: _Names) -> str:
    if stage.dim == ROW:
        return "c->span.rows" if names.by_steps else "rows"
    return f"c->n_{stage.dim}"


def _height(stage: Stage, names: _Names) -> str:
    if stage.dim == ROW:
        return "(rows ? rows / c->span.rows : 0)" if names.by_steps else "1"  # a batch may have no members
    return "rows"


def _packs(p: Pass, stage: Stage, panel: Panel, names: _Names) -> tuple[str, ...]:
    gates = len(panel.accumulators)
    K = p.inner_dims(panel)
    calls = []
    for gate, (_, terms) in enumerate(panel.accumulators):
        for count, term in enumerate(terms):
            name, end = ("pack_transposed", f", c->n_{stage.dim}") if term.transposed else ("pack", "")
            calls.append(f"SC({name})(panel, width, {gates}, {gate}, {extent(K[:count])}, "
                         f"c->p_{names.names(term.matrix)}, block, {size(K[count])}{end});")
    return tuple(calls)


def _by_registers(shape: Callable[[tuple[Panel, ...], int], int], stage: Stage) -> str:
    many, few = (shape(stage.panels, registers) if stage.panels else 1 for registers in (32, 16))
    return str(many) if many == few else f"SC_REGS == 32 ? {many} : {few}"


def _block(stage: Stage) -> str:
    vectors = _by_registers(block_vectors, stage)
    return "VL" if vectors == "1" else f"{vectors} * VL" if vectors.isdigit() else f"({vectors}) * VL"


def _panel_text(panel: Panel, count: int | None = None) -> str:
    return ", ".join(
        " + ".join(f"{t.matrix}{'^T' if t.transposed else ''} {t.operand}" for t in terms[:count])
        for _, terms in panel.accumulators)


def _comment(p: Pass, stage: Stage) -> tuple[str, ...]:
    sums = {name: " + ".join(f"{t.matrix}{'^T' if t.transposed else ''} {t.operand}" for t in terms)
            for panel in stage.panels for name, terms in panel.accumulators}
    lines = [f"{name} = {text}" for name, text in sums.items()]
    lines += [f"{a.name} = {plain(a.expression)}" for a in stage.body if not a.temporary]
    lines += [str(node) for node in stage.reductions]
    reads = [name for panel in stage.panels for name in panel.operands] + list(stage.reads)
    lines.append(f"reads  {', '.join(dict.fromkeys(reads))}")
    return (*lines, f"writes {', '.join(stage.writes)}")


def _writes(p: Pass, stage: Stage) -> list[str]:
    """Return what the stage stores: always, for the tape only, or on request."""
    made = [a.name for a in stage.body if not a.temporary]
    made += [name for panel in stage.panels for name, _ in panel.accumulators]
    on_request = [n for n in made if n in p.places and _buffer(p, n).train is None]
    return list(dict.fromkeys([*stage.writes, *on_request]))


def _buffer(p: Pass, name: str) -> Buffer:
    return p.buffer(p.places[name].buffer)


def _parameter_pointers(p: Pass, stage: Stage, names: _Names) -> list[str]:
    return [f"const real *const p_{names.names(name)} = c->p_{names.names(name)};"
            for name in _parameters(p, stage)]


def _parameters(p: Pass, stage: Stage) -> list[str]:
    return [name for name in stage.reads if p.graph.value(name).role in PASSED]


def _panel(module: str, p: Pass, stage: Stage, index: int, names: _Names) -> PanelView:
    panel = stage.panels[index]
    terms = panel.accumulators[0][1]
    K = p.inner_dims(panel)
    operands = tuple(f"{{m_{names.names(t.operand)}, {names.width(t.operand)}, {size(k)}"
                     f"{f', {t.blocks}' if t.blocks > 1 else ''}}}" for t, k in zip(terms, K, strict=True))
    gates = len(panel.accumulators)
    return PanelView(
        index=index,
        function=f"{module}_{p.name}_panel_{panel.name}",
        field=f"panel_{panel.name}",
        gates=gates,
        block=f"{factor(K)} * {gates}" if gates > 1 else factor(K),
        operands=operands,
        in_blocks=max(panel.blocks) > 1,
        packs=_packs(p, stage, panel, names),
        comment=_panel_text(panel),
        begun=_begun(module, p, panel, names) if panel.known else None)


def _begun(module: str, p: Pass, panel: Panel, names: _Names) -> BegunView:
    return BegunView(
        function=f"{module}_{p.name}_begin_{panel.name}",
        field=f"m_{names.names(panel.sums)}",
        known=panel.known,
        K=extent(p.inner_dims(panel)),
        pointers=tuple(map(names.pointer, dict.fromkeys(panel.operands[: panel.known]))),
        comment=_panel_text(panel, panel.known))


def _sums(stage: Stage, names: _Names) -> list[str]:
    lines = []
    for index, panel in enumerate(stage.panels):
        gates = len(panel.accumulators)
        for gate, (name, _) in enumerate(panel.accumulators):
            place = f"(i * {gates} + {gate})" if gates > 1 else "i"
            lines.append(f"const vec v_{names.names(name)} = sums_{index}[{place} * vectors + v];")
    return lines


def _is_broadcast(p: Pass, stage: Stage, name: str) -> bool:
    """Whether a value in memory is a number per row that meets all lanes of a vector."""
    return stage.dim != ROW and p.graph.value(name).dims == (ROW,)


def _broadcasts(p: Pass, stage: Stage, names: _Names) -> list[str]:
    lines = []
    for name in stage.reads:
        if name in p.places and _is_broadcast(p, stage, name):
            variable, row = names.names(name), "(row + i) % c->span.rows" if names.is_again(name) else "row + i"
            lines.append(f"const vec v_{variable} = vbroadcast(m_{variable} + {row});")
    return lines


def _sizes(p: Pass, stage: Stage, names: _Names) -> list[str]:
    sizes = [name for name in stage.reads if p.graph.value(name).role == "size"]
    return [f"const vec v_{names.names(name)} = vfill((double){size(dim_of(name))});" for name in sizes]


def _loads(p: Pass, stage: Stage, names: _Names) -> list[str]:
    lines = []
    for name in stage.reads:
        variable, role = names.names(name), p.graph.value(name).role
        if role == "size" or (name in p.places and _is_broadcast(p, stage, name)):
            continue
        if role == "index":
            lines.append(f"const vec v_{variable} = vindex(lane);")
        elif name in p.places:
            lines.append(f"const vec v_{variable} = vget(m_{variable} + {names.index(name)[0]}, n);")
        elif p.graph.value(name).dims:
            lines.append(f"const vec v_{variable} = vget(p_{variable} + lane, n);")
        else:
            lines.append(f"const vec v_{variable} = vbroadcast(p_{variable});")
    return lines


def _assign(name: str, expression: sympy.Expr, names: _Names) -> str:
    def c_name(symbol: str) -> str:
        return f"v_{names.names(symbol)}"

    kind = "ivec" if isinstance(expression, CONDITIONS) else "vec"
    return f"const {kind} {c_name(name)} = {c_expression(expression, c_name)};"


def _store(p: Pass, name: str, names: _Names, ahead: bool) -> str:
    buffer = p.buffer(p.places[name].buffer)
    variable, at = names.names(name), names.index(name)[0]
    always = buffer.train is not None and (p.name == "backward" or buffer.infer is not None)
    guard = "" if always else f"if (m_{variable}) "
    if ahead:
        return f"{guard}vput_ahead(m_{variable} + {at}, v_{variable}, n, c->m_{names.names(buffer.name)}.ahead);"
    call = "vaccumulate" if buffer.accumulates else "vput"
    return f"{guard}{call}(m_{variable} + {at}, v_{variable}, n);"


def _store_reduced(p: Pass, node: Reduce, names: _Names) -> str:
    buffer = p.buffer(p.places[node.out].buffer)
    out = names.names(node.out)
    always = buffer.train is not None and (p.name == "backward" or buffer.infer is not None)
    guard = "" if always else f"if (m_{out}) "
    return f"{guard}m_{out}[row] {'+=' if buffer.accumulates else '='} {reduction.result(node, out)};"
