"""Placement: one rule for both passes (and for any graph).

Phases are numbered: 2k is the batch phase before loop k, 2k + 1 is loop k, the last phase is a batch phase. There is
one loop per strongly connected component of the carries, unless no product would stand between two of them.

- A MatMul or Reduce leaves the loop whenever the carries allow: to the last phase if no carry needs it, else to the
  first batch phase after its operand. Products that a loop's sums can begin with come back (symcell/schedule/begun.py).
- A Map stays in a loop and fuses there; it leaves it only with the MatMul or Reduce that it feeds, or when what it
  reads comes after the loop.
- What is one for the whole sequence is computed before the first batch phase, or after the last one if it needs a sum
  over time. Such a sum is added up in a loop, as a carry is, and thereby always in one order.
"""

from __future__ import annotations

from collections.abc import Iterable

from symcell.graph.ir import Computed, Graph, Map, MatMul, Reduce

WHOLE = -2  # the phase before all steps; the one after them is the last phase plus 2


def place(graph: Graph) -> dict[str, int]:
    """Return the phase of every value computed at each step; `carry` values get their loop's phase too."""
    loops = _components(graph)
    phases = _phases(graph, loops)
    k = 0
    while k + 1 < len(loops):  # a batch phase without products between two loops: one loop does
        if any(isinstance(node, MatMul) and phases[node.out] == 2 * k + 2 for node in graph.nodes):
            k += 1
        else:
            loops[k : k + 2] = [loops[k] | loops[k + 1]]
            phases = _phases(graph, loops)
    return phases


def last_phase(graph: Graph, phases: dict[str, int]) -> int:
    """Return the number of the last batch phase."""
    return max(phases[name] for name in _accumulating(graph)) + 1


def _accumulating(graph: Graph) -> dict[str, str]:
    """Return what a step hands to the next one: carries, and sums over time; with the value that the step computes."""
    return {**{carry.previous: carry.next for carry in graph.carries},
            **{node.out: node.operand for node in graph.time_sums}}


def _reads(graph: Graph, names: Iterable[str]) -> set[str]:
    """Return everything that the named values depend on within the step, themselves included."""
    found, todo = set(names), list(names)
    while todo:
        node = graph.producer(todo.pop())
        for name in node.reads if node else ():
            if name not in found:
                found.add(name)
                todo.append(name)
    return found


def _components(graph: Graph) -> list[set[str]]:
    """Return the strongly connected components of carries (their `previous`) and sums over time, sources first."""
    computed = _accumulating(graph)
    names = list(computed)
    needs = {name: _reads(graph, [computed[name]]) & set(names) for name in names}
    for via in names:  # transitive closure: there are few carries
        for name in names:
            if via in needs[name]:
                needs[name] |= needs[via]
    components: list[set[str]] = []
    for name in sorted(names, key=lambda n: (len(needs[n] - {n}), names.index(n))):
        mutual = {other for other in needs[name] if name in needs[other]} | {name}
        if mutual not in components:
            components.append(mutual)
    return components


def _phases(graph: Graph, loops: list[set[str]]) -> dict[str, int]:
    phase = {name: 2 * k + 1 for k, loop in enumerate(loops) for name in loop}
    end = 2 * len(loops)
    latest: dict[str, int] = {}
    for previous, computed in _accumulating(graph).items():
        for name in _reads(graph, [computed]):
            latest[name] = min(latest.get(name, end), phase[previous])
    computing = [node for node in graph.nodes if isinstance(node, Computed) and graph.value(node.out).dims]
    stepwise = [node for node in computing if not graph.is_whole(node.out)]
    summed = {node.operand for node in graph.time_sums}
    for node in stepwise:
        ready = max((phase.get(name, 0) for name in node.reads), default=0)
        needed, leaves = latest.get(node.out, end), isinstance(node, (MatMul, Reduce))
        if leaves and needed == end:
            phase[node.out] = end  # no carry needs it: it must not stand between two loops
        else:
            phase[node.out] = ready + (leaves and ready % 2 == 1 and ready < needed)
    for number in range(0, end, 2):
        feeds = _reads(graph, [node.operand for node in stepwise
                               if isinstance(node, (MatMul, Reduce)) and phase[node.out] == number])
        for node in stepwise:
            # A number per row is no memory traffic.
            fuses = isinstance(node, Map) and (graph.value(node.out).is_vector or node.out in summed)
            if fuses and phase[node.out] == number and node.out not in feeds:
                phase[node.out] = number + 1
    phase |= {n.out: end + 2 if n.out in graph.late else WHOLE for n in computing if graph.is_whole(n.out)}
    return phase
