"""What the checker finds."""

import dataclasses

import pytest
import sympy

from symcell.graph.adjoint import adjoint
from symcell.graph.check import GraphError, check
from symcell.graph.ir import BatchSum, Carry, Map, MatMul, Outer, Value, symbol
from symcell.zoo import find, names
from tests.graph.good import GOOD, NODES, VALUES, h, x
from tests.oracle import graphs


def with_node(index, node):
    return dataclasses.replace(GOOD, nodes=(*NODES[:index], node, *NODES[index + 1:]))


def with_value(name, **changes):
    return dataclasses.replace(
        GOOD, values=tuple(dataclasses.replace(v, **changes) if v.name == name else v for v in VALUES))


def with_expression(expression):
    return with_node(1, Map("h.next", expression))


def test_a_good_graph_comes_back():
    assert check(GOOD) is GOOD


MALFORMED = {
    "a name twice": (dataclasses.replace(GOOD, values=(*VALUES, VALUES[0])), "a name is given to two values"),
    "unknown name read": (with_expression(symbol("nobody")), "['nobody', 'nobody'] used before they are computed"),
    "unknown name written": (with_node(0, MatMul("q", "W", False, "x")), "['q'] used before"),
    "wrong order": (dataclasses.replace(GOOD, nodes=(NODES[1], NODES[0], *NODES[2:])), "['p'] used before"),
    "reads a sum": (dataclasses.replace(GOOD, nodes=(*NODES[:1], Map("h.next", h + symbol("d_b")), *NODES[2:])),
                    "['d_b'] used before"),
    "reads itself": (with_expression(symbol("h.next") + h), "['h.next'] used before"),
    "a product into a sum": (with_node(0, MatMul("d_b", "W", False, "x")), "writes to the wrong kind of value"),
    "an outer product into a local": (with_node(2, Outer("p", "p", "x")), "writes to the wrong kind of value"),
    "a sum over time into a local": (with_node(3, BatchSum("p", "p")), "writes to the wrong kind of value"),
    "computed twice": (dataclasses.replace(GOOD, nodes=(*NODES, Map("p", h))), "computed twice"),
    "an input computed": (dataclasses.replace(GOOD, nodes=(*NODES, Map("x", x))), "computed twice"),
    "product of the wrong vector": (with_node(0, MatMul("p", "W", False, "h")), "do not agree"),
    "product transposed": (with_node(0, MatMul("p", "W", True, "x")), "do not agree"),
    "product with a vector": (with_node(0, MatMul("p", "h", False, "x")), "do not agree"),
    "product of the wrong result": (with_value("p", dims=("I",)), "do not agree"),
    "map of two dimensions": (with_expression(h + x), "do not agree"),
    "map of another dimension": (with_expression(x * 2), "do not agree"),
    "map of a matrix": (with_expression(symbol("W")), "do not agree"),
    "map into a scalar": (with_value("h.next", dims=()), "do not agree"),
    "outer the wrong way": (with_node(2, Outer("d_W", "x", "p")), "do not agree"),
    "outer into a vector": (with_node(2, Outer("d_b", "p", "x")), "do not agree"),
    "sum of another dimension": (with_node(3, BatchSum("d_b", "x")), "do not agree"),
    "foreign function": (with_expression(sympy.sin(h)), "sin(h) is no elementwise operation"),
    "infinite constant": (with_expression(h * sympy.oo), "is no elementwise operation"),
    "zoo": (with_expression(h + sympy.zoo), "is no elementwise operation"),
    "derivative": (with_expression(sympy.Derivative(h**2, h)), "is no elementwise operation"),
    "never computed": (dataclasses.replace(GOOD, values=(*VALUES, Value("q", ("H",), "local"))),
                       "never computed: ['q']"),
    "previous is no carry": (dataclasses.replace(GOOD, carries=(Carry("p", "h.next"),)), "previous is no carry"),
    "next is unknown": (dataclasses.replace(GOOD, carries=(Carry("h", "q"),)), "next is never computed"),
    "next of another dimension": (dataclasses.replace(GOOD, carries=(Carry("h", "x"),)), "the dimensions differ"),
    "no source": (dataclasses.replace(GOOD, carries=()), "a carry without a source"),
    "two sources": (dataclasses.replace(GOOD, carries=(Carry("h", "h.next"), Carry("h", "p"))),
                    "a carry without a source"),
    "unknown output": (dataclasses.replace(GOOD, outputs=("q",)), "an output is never computed"),
    "a sum as output": (dataclasses.replace(GOOD, outputs=("d_b",)), "an output is never computed"),
}


@pytest.mark.parametrize(("graph", "message"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_graph_is_found(graph, message):
    with pytest.raises(GraphError) as error:
        check(graph)
    assert message in str(error.value)
    assert "graph Good: " in str(error.value)


@pytest.mark.parametrize("name", names())
def test_every_cell_of_the_zoo_passes_the_checker_with_its_adjoints(name):
    forward, backward = graphs(find(name))
    check(forward)
    check(backward)
    check(adjoint(backward))
