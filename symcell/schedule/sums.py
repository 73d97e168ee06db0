"""Sums over time of values that memory keeps anyway, in a pass without products."""

from __future__ import annotations

from dataclasses import replace

from symcell.graph.ir import BatchSum, Graph, Map, MatMul, Node, Value, symbol


def summed_in_loop(graph: Graph) -> Graph:
    """Return the graph with a copy, for the sum alone, of each summed vector that is a result as well.

    What is only summed is added up row by row while it is in a register. A result is stored, and summing it afterwards
    reads it all again: nothing beside a product, but a recurrence without one is bound by memory.
    """
    if any(isinstance(node, MatMul) for node in graph.nodes):
        return graph
    values, nodes = list(graph.values), list[Node]()
    for node in graph.nodes:
        if isinstance(node, BatchSum) and node.operand in graph.outputs and not graph.is_whole(node.operand):
            row = Value(f"{node.out}.row", graph.value(node.operand).dims, "local", anonymous=True)
            values.append(row)
            nodes += [Map(row.name, symbol(node.operand)), replace(node, operand=row.name)]
        else:
            nodes.append(node)
    return replace(graph, values=tuple(values), nodes=tuple(nodes))
