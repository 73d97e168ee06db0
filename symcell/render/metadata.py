"""What a generated module says of itself: all that the runtime needs, so that it needs no graph."""

from __future__ import annotations

import pprint
from typing import Any

from symcell.declare.spec import CellSpec
from symcell.render.gradients import sums
from symcell.schedule.program import Pass, Program


def metadata(name: str, spec: CellSpec, program: Program) -> dict[str, Any]:
    """Return the metadata as plain data: strings, numbers, tuples, dicts."""
    graph = program.forward.graph
    state_of = {carry.next: carry.previous for carry in graph.carries}
    backward = program.backward.graph
    return {
        "name": name,
        "cell": spec.name,
        "dims": spec.dims,
        "inputs": dict(spec.inputs),
        "states": dict(spec.states),
        "params": {p.name: {"dims": p.dims, "init": p.init} for p in spec.parameters},
        "fixed": tuple(p.name for p in spec.parameters if not p.learned),
        "whole": spec.whole,
        "constants": dict(spec.constants),
        "output": {"name": spec.output, "dim": graph.value(spec.output).dims[0],
                   "buffer": state_of.get(spec.output, spec.output), "is_state": spec.output in state_of},
        "named": {v.name: {"dims": v.dims, "buffer": program.forward.places[v.name].buffer,
                           "shift": program.forward.places[v.name].shift}
                  for v in graph.values if v.role in ("local", "carry") and v.name in program.forward.places
                  and not v.anonymous and not v.whole},
        "forward": _pass(program.forward),
        "backward": _pass(program.backward),
        "seed": backward.adjoints[f"{spec.output}.out"],
        "sums": sums(program.backward),
        "dx": {name: backward.adjoints[name] for name, _ in spec.inputs},
        "dstate": {name: backward.adjoints[name] for name, _ in spec.states},
    }


def _pass(p: Pass) -> dict[str, Any]:
    return {
        "buffers": {b.name: {"width": b.width, "train": b.train, "infer": b.infer, "zero": b.accumulates,
                             "given": b.given, "begun": b.begun}
                    for b in p.buffers},
        "chunk_width": _chunk_width(p),
        "begun_width": _begun_width(p),
        "panels": {
            panel.name: {
                "gates": len(panel.accumulators),
                "lanes": p.lanes(panel),
                "K": p.inner_dims(panel),
            }
            for panel in p.panels
        },
    }


def _chunk_width(p: Pass) -> tuple[str, ...]:
    """Return the dimensions of what batch phases and loops hand to each other: it should stay in cache."""
    batch = [stage for phase in p.phases if phase.kind == "batch" for stage in phase.stages]
    names = {name for stage in batch for name in (*stage.writes, *stage.reads)}
    names |= {operand for stage in batch for panel in stage.panels for operand in panel.operands}
    chunked = [name for name in sorted(names & set(p.places)) if p.buffer(p.places[name].buffer).train != "sequence"]
    return tuple(p.places[name].dim for name in chunked)


def _begun_width(p: Pass) -> tuple[str, ...]:
    """Return the dimensions that chunks have besides where sums are begun before the steps."""
    operands = dict.fromkeys(operand for panel in p.panels for operand in panel.operands[: panel.known])
    return (*(p.places[name].dim for name in operands), *(dim for b in p.buffers if b.begun for dim in b.width))


def literal(data: dict[str, Any]) -> str:
    """Return the data as a Python literal, laid out for reading."""
    return pprint.pformat(data, width=110, sort_dicts=False)
