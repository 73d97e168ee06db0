"""Cut a phase into stages at its matrix products and reductions, and group the products of a stage into panels.

A value's level counts the products and reductions on the longest way to it inside the phase; a stage is one level of
one dimension. Products and what is computed from them have even levels. A reduction needs its whole operand before
anything can use it: its level is the odd one below. Values that are ready before any product wait for the stage that
uses them.
"""

from __future__ import annotations

from collections import defaultdict

import sympy

from symcell.graph.ir import Computed, Graph, Map, MatMul, Node, Reduce
from symcell.graph.ir import symbol as symbol_of
from symcell.graph.once import diagonal_blocks
from symcell.schedule.cse import name_common
from symcell.schedule.program import Assign, Panel, Phase, Stage, Term
from symcell.schedule.summands import is_read_once, sums_of_products
from symcell.schedule.tiles import deal


def cut(graph: Graph, phases: dict[str, int], number: int, wanted: set[str], crossing: set[str],
        prefix: str) -> Phase:
    """Return one phase.

    Args:
        wanted: values that memory receives because something outside the phase's epilogues reads them.
        crossing: values that memory receives because two stages of this phase share them.
    """
    nodes = [node for node in graph.nodes if isinstance(node, Computed) and phases.get(node.out) == number]
    levels = _levels(graph, nodes, wanted)
    looped = {name for name, phase in phases.items() if phase == number}
    known = {node.operand for node in nodes if isinstance(node, MatMul) and number % 2} - looped
    groups: dict[tuple[int, str], list[Computed]] = defaultdict(list)
    for node in nodes:
        lanes = graph.value(node.operand if isinstance(node, Reduce) else node.out)
        groups[levels[node.out], lanes.dims[0]].append(node)
    stages = []
    for count, (level, dim) in enumerate(sorted(groups)):
        name = f"{prefix}_{count}" if len(groups) > 1 else prefix
        stages.append(_stage(graph, groups[level, dim], name, dim, wanted | crossing, known))
    return Phase("loop" if number % 2 else "batch", tuple(stages))


def _levels(graph: Graph, nodes: list[Computed], wanted: set[str]) -> dict[str, int]:
    level: dict[str, int] = {}
    for node in nodes:
        before = max((level.get(name, 0) for name in node.reads), default=0)
        even = before + before % 2
        level[node.out] = even + 2 * isinstance(node, MatMul) if not isinstance(node, Reduce) else even + 1
    inside = {node.out for node in nodes}
    reducing = {(level[node.out], graph.value(node.operand).dims) for node in nodes if isinstance(node, Reduce)}
    for node in reversed(nodes):  # last first, so that a waiting value's readers have settled
        readers = list(graph.consumers(node.out))
        alone = all(reader.out in inside for reader in readers) and readers and node.out not in wanted
        if isinstance(node, MatMul) and alone and len(readers) == 1 and isinstance(readers[0], Map):
            if level[readers[0].out] % 2 == 0:
                # It ends in that reader's stage, where it can share an accumulator with others.
                level[node.out] = max(level[node.out], level[readers[0].out])
        elif isinstance(node, Map) and level[node.out] == 0 and alone and all(isinstance(r, Map) for r in readers):
            level[node.out] = min(level[reader.out] for reader in readers)
        elif isinstance(node, Map) and graph.value(node.out).is_vector:
            level[node.out] = _with_reduction(graph, node, [r for r in readers if r.out in inside], level, reducing)
    return level


def _with_reduction(graph: Graph, node: Map, readers: list[Node], level: dict[str, int],
                    reducing: set[tuple[int, tuple[str, ...]]]) -> int:
    """Return the level of a Map: that of a reduction that follows and fuses with it, where no product stands between.

    What is made of a product of its own stage stays there: the product is in a register, and would go to memory.
    What is made of numbers per row only waits for its first reader: it is not worth memory.
    """
    own = level[node.out]
    after = own + 1 if (own + 1, graph.value(node.out).dims) in reducing else own
    first = min((level[reader.out] for reader in readers), default=after)
    if not any(graph.value(name).is_vector for name in node.reads):
        return first if all(isinstance(reader, Map) for reader in readers) else own
    beside = any(isinstance(graph.producer(name), MatMul) and name in level
                 and (level[name] == own or is_read_once(graph, name)) for name in node.reads)
    return own if beside or first % 2 == 0 else first


def _stage(graph: Graph, nodes: list[Computed], name: str, dim: str, wanted: set[str], known: set[str]) -> Stage:
    matmuls = {node.out: node for node in nodes if isinstance(node, MatMul)}
    maps = {node.out: node.expression for node in nodes if isinstance(node, Map)}
    panels = _panels(graph, matmuls, maps, wanted, known, name)
    reductions = tuple(node for node in nodes if isinstance(node, Reduce))
    body = name_common([*_scalars(graph, maps), *(Assign(out, expression) for out, expression in maps.items())])
    made = {assign.name for assign in body} | {acc for panel in panels for acc, _ in panel.accumulators}
    used = {s.name: None for assign in body for s in sorted(assign.expression.free_symbols, key=str)}
    used |= {reduction.operand: None for reduction in reductions}
    writes = tuple(node.out for node in nodes if node.out in wanted)
    return Stage(name, dim, panels, tuple(body), tuple(n for n in used if n not in made), writes, reductions)


def _scalars(graph: Graph, maps: dict[str, sympy.Expr]) -> list[Assign]:
    """Return the scalar equations that the maps use: they are computed where they are needed."""
    found: dict[str, sympy.Expr] = {}

    def visit(expression: sympy.Expr) -> None:
        for name in sorted(s.name for s in expression.free_symbols):
            node = graph.producer(name)
            if isinstance(node, Map) and not graph.value(name).dims and name not in found:
                visit(node.expression)
                found[name] = node.expression

    for expression in maps.values():
        visit(expression)
    return [Assign(name, expression) for name, expression in found.items()]


def _panels(graph: Graph, matmuls: dict[str, MatMul], maps: dict[str, sympy.Expr], wanted: set[str],
            known: set[str], stage: str) -> tuple[Panel, ...]:
    """Group a stage's products; sums of products become one accumulator, and `maps` then reads that.

    Operands that are known before the loop come first, and others as the stage meets them: in one order for all sums.
    """
    accumulators: dict[str, tuple[MatMul, ...]] = {}
    met = list(dict.fromkeys(matmul.operand for matmul in matmuls.values()))
    met.sort(key=lambda operand: operand not in known)
    free = dict(matmuls)

    def alone(name: str) -> bool:
        return name in free and name not in wanted and is_read_once(graph, name)

    for out, expression in list(maps.items()):
        sums = [(total, names) for total, names in sums_of_products(expression, alone) if len(names) > 1]
        for count, (total, names) in enumerate(sums):
            name = f"{out}.sum_{count + 1}" if sums[1:] else f"{out}.sum"  # with a dot no author's name can collide
            summed = [free.pop(product) for product in list(free) if product in names]
            accumulators[name] = tuple(sorted(summed, key=lambda matmul: met.index(matmul.operand)))
            rest = [term for term in total.args if not (isinstance(term, sympy.Symbol) and term.name in names)]
            maps[out] = maps[out].xreplace({total: sympy.Add(*rest, symbol_of(name))})
    accumulators.update({name: (matmul,) for name, matmul in free.items()})
    terms = {name: tuple(Term(m.matrix, m.transposed, m.operand, diagonal_blocks(graph, m.matrix)) for m in summed)
             for name, summed in accumulators.items()}
    groups: dict[tuple[tuple[str, int], ...], list[str]] = defaultdict(list)
    for name in terms:
        groups[tuple((term.operand, term.blocks) for term in terms[name])].append(name)
    return tuple(
        Panel(f"{stage}_{count}", tuple((name, terms[name]) for name in names),
              sum(term.operand in known for term in terms[names[0]]))
        for count, names in enumerate(part for group in groups.values() for part in deal(group))
    )
