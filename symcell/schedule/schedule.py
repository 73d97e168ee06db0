"""Graphs -> Program."""

from __future__ import annotations

import dataclasses

from symcell.graph.ir import Graph
from symcell.schedule.begun import join
from symcell.schedule.gradients import products
from symcell.schedule.memory import across_stages, begun, check_memory, lay_out, wanted
from symcell.schedule.place import WHOLE, last_phase, place
from symcell.schedule.program import Pass, Phase, Program, Tape
from symcell.schedule.stages import cut
from symcell.schedule.sums import summed_in_loop


def schedule(forward: Graph, tape: Tape) -> Program:
    """Decide where and when everything runs. The backward graph is the tape's: it starts with recomputations."""
    state_of = {name: carry.previous for carry in forward.carries for name in (carry.previous, carry.next)}
    histories = {value.name: state_of[value.name] for value in tape.backward.with_role("saved")
                 if value.name in state_of}
    return Program(
        forward.name,
        _pass("forward", forward, {*tape.saved, *histories.values()}, {}),
        _pass("backward", summed_in_loop(tape.backward), set(), histories),
        tape,
    )


def _pass(name: str, graph: Graph, saved: set[str], histories: dict[str, str]) -> Pass:
    phases = join(graph, place(graph), saved)
    needed = wanted(graph, phases, saved)
    crossing = across_stages(_cut_all(graph, phases, needed, set()))  # what the cut itself sends through memory
    cuts = _cut_all(graph, phases, needed, crossing & set(phases))
    needed |= crossing & set(phases)
    stored = needed - (saved - _read_in_pass(cuts))
    buffers, places = lay_out(graph, phases, stored, saved, histories)
    buffers += begun(cuts)
    check_memory(cuts, buffers, places)
    return Pass(name, graph, cuts, buffers, places, products(graph, buffers, places))  # type: ignore[arg-type]


def _cut_all(graph: Graph, phases: dict[str, int], needed: set[str], crossing: set[str]) -> tuple[Phase, ...]:
    last = last_phase(graph, phases)
    names = {number: ("before" if number == 0 else "after" if number == last else "between")
             if number % 2 == 0 else "step" for number in range(last + 1)}
    if last > 2:
        names = {number: f"{name}_{number // 2}" for number, name in names.items()}
    if set(phases.values()) & {WHOLE, last + 2}:
        names = {WHOLE: "first", **names, last + 2: "last"}
    cuts = {number: cut(graph, phases, number, needed, crossing, name) for number, name in names.items()}
    return tuple(dataclasses.replace(phase, kind="whole") if number in (WHOLE, last + 2) else phase
                 for number, phase in cuts.items() if phase.stages or number not in (WHOLE, last + 2))


def _read_in_pass(cuts: tuple[Phase, ...]) -> set[str]:
    """Return what some stage reads from memory, as an operand of a product or in an epilogue."""
    stages = [stage for phase in cuts for stage in phase.stages]
    return {name for s in stages for name in (*s.reads, *(o for p in s.panels for o in p.operands))}
