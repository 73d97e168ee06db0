"""A small graph that is well formed, for tests that change it."""

from symcell.graph.ir import BatchSum, Carry, Graph, Map, MatMul, Outer, Value, symbol

x, h = map(symbol, ("x", "h"))
VALUES = (
    Value("x", ("I",), "input"), Value("h", ("H",), "carry"), Value("W", ("H", "I"), "param"),
    Value("s", (), "constant"), Value("p", ("H",), "local"), Value("h.next", ("H",), "local"),
    Value("d_W", ("H", "I"), "sum"), Value("d_b", ("H",), "sum"), Value("d_s", (), "sum"),
)
NODES = (MatMul("p", "W", False, "x"), Map("h.next", symbol("p") * h * symbol("s")), Outer("d_W", "p", "x"),
         BatchSum("d_b", "p"), BatchSum("d_s", "p"))
GOOD = Graph("Good", VALUES, NODES, (Carry("h", "h.next"),), ("h.next",))
