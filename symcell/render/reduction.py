"""Reductions as lines of C: s_m collects in the lanes of a vector what becomes the number m at the end of a row."""

from __future__ import annotations

from dataclasses import dataclass

from symcell.graph.ir import Reduce


@dataclass(frozen=True)
class _Lines:
    """C before the first lane, for each vector of lanes, and the number at the end; {s} the result, {v} the operand."""

    start: str
    each: str
    result: str


_SUM = _Lines("vec s_{s} = vfill(0.0);", "s_{s} = s_{s} + vkeep(v_{v}, n, 0.0);", "vsum(s_{s})")
_MAX = _Lines("vec s_{s} = vfill(-INFINITY);", "s_{s} = vmax(s_{s}, vkeep(v_{v}, n, -INFINITY));", "vlargest(s_{s})")
_LINES = {
    "sum": _SUM,
    "mean": _Lines(_SUM.start, _SUM.each, _SUM.result + " / (real)lanes"),
    "max": _MAX,
    "shift": _MAX,
    "argmax": _Lines("vec s_{s} = vfill(-INFINITY), k_{s} = vindex(0);",
                     "vfirst(&s_{s}, &k_{s}, vkeep(v_{v}, n, -INFINITY), lane);", "vfirst_lane(s_{s}, k_{s})"),
}


def start(node: Reduce, out: str) -> str:
    """Return the line before the lanes of a row; `out` is the C name of the result."""
    return _LINES[node.kind].start.format(s=out)


def each(node: Reduce, out: str, operand: str) -> str:
    """Return the line that takes in one vector of lanes."""
    return _LINES[node.kind].each.format(s=out, v=operand)


def result(node: Reduce, out: str) -> str:
    """Return the number at the end of the row."""
    return _LINES[node.kind].result.format(s=out)
