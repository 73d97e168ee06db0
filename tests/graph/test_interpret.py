"""The interpreter."""

import numpy as np

from symcell.graph.check import check
from symcell.graph.interpret import interpret
from symcell.graph.ir import Carry, Graph, Map, Value, symbol


def test_the_steps_of_a_reversed_graph_run_backwards():
    count = Graph("Count", (Value("x", ("I",), "input"), Value("c", ("I",), "carry"), Value("n", ("I",), "local")),
                  (Map("n", 2 * symbol("c") + symbol("x")),), (Carry("c", "n"),), ("n",), reverse=True)
    trace = interpret(check(count), 3, {"x": np.array([1.0, 2, 3]).reshape(3, 1, 1)}, {}, {"c": np.zeros((1, 1))},
                      {"I": 1, "B": 1})
    assert trace.steps["n"].ravel().tolist() == [17, 8, 3]
    assert trace.carries["c"].item() == 17
