"""Which values go to memory, in which buffer, and for how many steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations

from symcell.graph.check import GraphError
from symcell.graph.ir import BatchSum, Graph, MatMul, Outer, Reduce, TimeSum
from symcell.schedule.program import Buffer, Phase, Place, Slots

DELTAS = "all.deltas"  # with a dot no author's name can collide


def wanted(graph: Graph, phases: dict[str, int], saved: Iterable[str]) -> set[str]:
    """Return the values that some other place than their own stage's epilogue reads, known before the cut."""
    names = {*graph.outputs, *saved, *(carry.next for carry in graph.carries)}
    for node in graph.nodes:
        if isinstance(node, (Outer, BatchSum, TimeSum)):
            names |= set(node.reads)
        elif isinstance(node, MatMul):
            names.add(node.operand)
        elif isinstance(node, Reduce):
            names.add(node.out)  # complete only when its stage has seen all components
        names |= {n for n in node.reads if phases.get(n) != phases.get(node.out) and node.out in phases}
    return {name for name in names if name in phases}


def across_stages(phases: Iterable[Phase]) -> set[str]:
    """Return the values that one stage's epilogue computes and another stage reads."""
    made, read = {}, set()
    for phase in phases:
        for stage in phase.stages:
            made.update(dict.fromkeys((a.name for a in stage.body), stage.name))
            made.update(dict.fromkeys((r.out for r in stage.reductions), stage.name))
            made.update(dict.fromkeys((acc for p in stage.panels for acc, _ in p.accumulators), stage.name))
    for phase in phases:
        for stage in phase.stages:
            read |= {name for name in stage.reads if made.get(name, stage.name) != stage.name}
    return read


def lay_out(graph: Graph, phases: dict[str, int], stored: set[str], saved: Iterable[str],
            histories: Mapping[str, str]) -> tuple[tuple[Buffer, ...], dict[str, Place]]:
    """Return the buffers of a pass and the place of every value in them.

    Args:
        stored: values written in both kinds of run.
        saved: values written for the backward pass only.
        histories: saved values that the forward pass keeps as the states of all steps: name -> the state.
    """
    layout = _Layout(graph, phases, stored, set(saved))
    layout.given(histories)
    layout.carries()
    layout.time_sums()
    layout.deltas()
    layout.locals()
    return tuple(layout.buffers), layout.places


class _Layout:
    def __init__(self, graph: Graph, phases: dict[str, int], stored: set[str], saved: set[str]) -> None:
        self.graph, self.phases, self.stored, self.saved = graph, phases, stored, saved
        self.buffers: list[Buffer] = []
        self.places: dict[str, Place] = {}
        self.accumulated = [n.operand for n in graph.nodes if isinstance(n, BatchSum)]
        self.outer = {name for n in graph.nodes if isinstance(n, Outer) for name in n.reads}

    def add(self, name: str, values: list[str], train: Slots | None, infer: Slots | None, why: str,
            accumulates: bool = False, given: bool = False) -> None:
        columns = tuple((value, self.graph.value(value).dims[0]) for value in values)
        self.buffers.append(Buffer(name, columns, train, infer, why, accumulates, given))
        for index, (value, dim) in enumerate(columns):
            self.places[value] = Place(name, tuple(d for _, d in columns[:index]), dim, 0)

    def given(self, histories: Mapping[str, str]) -> None:
        """Enter what comes from outside: inputs, and what the forward pass has left."""
        for value in self.graph.with_role("input", "saved"):
            state = histories.get(value.name)
            if state is None:
                slots: Slots = "sequence" if value.whole else "all"
                self.add(value.name, [value.name], slots, slots, "given", given=True)
                continue
            if state not in {buffer.name for buffer in self.buffers}:
                columns = ((state, value.dims[0]),)
                self.buffers.append(Buffer(state, columns, "history", "history", "given", given=True))
            self.places[value.name] = Place(state, (), value.dims[0], int(value.name != state))

    def carries(self) -> None:
        """Enter the carries: a ring of two slots, or all steps where something besides the next step reads them."""
        for carry in self.graph.carries:
            base, later = (carry.next, carry.previous) if self.graph.reverse else (carry.previous, carry.next)
            read = self._read_elsewhere(carry.previous) or self._read_elsewhere(carry.next)
            output = carry.next in self.graph.outputs
            # Written by another phase than the loop that reads it, a whole chunk of it exists at once.
            apart = self.phases[carry.next] != self.phases[carry.previous]
            infer: Slots = "history" if read or output or apart else "ring"
            train: Slots = "history" if infer == "history" or base in self.saved else "ring"
            why = "carry, and the result" if output else "carry, and kept for the backward pass" \
                if base in self.saved else "carry"
            self.add(base, [base], train, infer, why)
            self.places[later] = Place(base, (), self.places[base].dim, 1)

    def time_sums(self) -> None:
        """Enter the sums over time: each step adds its operand to one row per member of the batch."""
        for node in self.graph.time_sums:
            self.add(node.out, [node.operand], "sequence", None, "summed over time, row by row", accumulates=True)
            self.places[node.out] = self.places[node.operand]

    def deltas(self) -> None:
        """Put the vectors that weight gradients multiply side by side: those that meet the same ones are read once."""
        names = [n for n in self.stored if n in self.outer and n not in self.places]
        names = [v.name for v in self.graph.values if v.name in names and not v.whole]
        if names:
            self.add(DELTAS if len(names) > 1 else names[0], self._side_by_side(names), "all", None,
                     "side by side, so that the gradients of parameters read them once")

    def locals(self) -> None:
        """Enter every other value that is stored, or that a caller can ask to record."""
        for value in self.graph.with_role("local"):
            name = value.name
            if name in self.places or not value.dims:
                continue
            if value.whole:
                self._add_whole(name)
            elif name in self.graph.outputs:
                self.add(name, [name], "all", "all", "the result")
            elif name in self.stored:
                slots: Slots = "chunk" if self._crosses_phase(name) else "step"
                self._add_stored(name, slots)
            elif name in self.saved:
                self.add(name, [name], "all", None, "tape")
            elif not self.graph.reverse and not value.anonymous:
                self.add(name, [name], None, None, "on request")

    def _add_whole(self, name: str) -> None:
        if name in self.graph.outputs or name in self.stored:
            self.add(name, [name], "sequence", "sequence", "one for all steps")
        elif name in self.saved:
            self.add(name, [name], "sequence", None, "tape, one for all steps")

    def _add_stored(self, name: str, slots: Slots) -> None:
        only_summed = name in self.accumulated and all(
            isinstance(reader, BatchSum) for reader in self.graph.consumers(name))
        if name in self.saved:
            self.add(name, [name], "all", slots, "tape, and read by a later stage")
        elif only_summed and self.phases[name] % 2:
            self.add(name, [name], "step", None, "summed over time, row by row", accumulates=True)
        elif name in self.accumulated:
            self.add(name, [name], "all", None, "summed after the loop")
        else:
            why = {"chunk": "read by another phase", "step": "read by a later stage of the step"}[slots]
            self.add(name, [name], slots, slots, why)

    def _crosses_phase(self, name: str) -> bool:
        own = self.phases[name]
        return own % 2 == 0 or any(self.phases.get(n.out, own) != own for n in self.graph.consumers(name))

    def _read_elsewhere(self, name: str) -> bool:
        own = self.phases.get(name)
        readers = self.graph.consumers(name)
        return any(isinstance(n, (Outer, BatchSum)) or self.phases.get(n.out) != own for n in readers)

    def _side_by_side(self, names: list[str]) -> list[str]:
        """Order the columns so that those that meet one right operand are neighbours, if that can be had."""
        groups: dict[str, set[str]] = {}
        for node in self.graph.nodes:
            if isinstance(node, Outer):
                for name, other in ((node.left, node.right), (node.right, node.left)):
                    if name in names:
                        groups.setdefault(other, set()).add(name)
        if len(names) > 7:  # the search below would take long, and runs of neighbours are found anyway
            return names

        def breaks(order: Iterable[str]) -> int:
            return sum(runs(list(order), group) for group in groups.values())

        return list(min(permutations(names), key=breaks))


def begun(phases: Iterable[Phase]) -> tuple[Buffer, ...]:
    """Return memory for the sums of a chunk's steps that are begun before these."""
    panels = [(panel, stage.dim) for phase in phases for stage in phase.stages for panel in stage.panels if panel.known]
    return tuple(Buffer(panel.sums, tuple((name, dim) for name, _ in panel.accumulators), "chunk", "chunk",
                        "begun before the steps, if not in them", begun=True) for panel, dim in panels)


def runs(order: Iterable[str], group: set[str]) -> int:
    """Count the runs of neighbours into which the members of a group fall."""
    inside = [name in group for name in order]
    return sum(now and not before for before, now in zip([False, *inside], inside, strict=False))


def check_memory(phases: Sequence[Phase], buffers: Iterable[Buffer], places: Mapping[str, Place]) -> None:
    """Require that buffers of one or two slots are touched by one loop only: elsewhere a whole chunk meets them."""
    short = {buffer.name for buffer in buffers if {buffer.train, buffer.infer} & {"ring", "step"}}
    touched: dict[str, set[int]] = {}
    for number, phase in enumerate(phases):
        for stage in phase.stages:
            early = [operand for panel in stage.panels for operand in panel.operands[: panel.known]]
            late = [operand for panel in stage.panels for operand in panel.operands]
            for names, when in ((early, number - 1), ([*stage.reads, *stage.writes, *late], number)):
                for name in names:
                    if name in places and places[name].buffer in short:
                        touched.setdefault(places[name].buffer, set()).add(when)
    loops = {number for number, phase in enumerate(phases) if phase.kind == "loop"}
    for name, numbers in touched.items():
        if len(numbers) > 1 or not numbers <= loops:
            raise GraphError(f"the buffer {name} holds few steps and is touched by phases {sorted(numbers)}")
