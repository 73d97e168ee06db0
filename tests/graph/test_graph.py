"""Graphs: what the checker finds, how cells are lowered, and the adjoint with its names, sums and own adjoint."""

import dataclasses
import itertools

import numpy as np
import pytest
import sympy

from symcell.declare.functions import sigmoid
from symcell.graph.adjoint import adjoint, prune
from symcell.graph.check import GraphError, check
from symcell.graph.interpret import interpret
from symcell.graph.ir import BatchSum, Carry, Graph, Map, MatMul, Once, Outer, Value, symbol
from symcell.graph.lower import lower
from symcell.proof.handwritten import NumPy
from symcell.zoo import find, names
from tests.declare.text import START, UPDATE, declare
from tests.oracle import Sample, graphs, run
from tests.reductions import Means, Normed

x, h, c = map(symbol, ("x", "h", "c"))
SIZES = {"I": 2, "H": 3, "O": 4, "P": 4, "M": 5, "ONE": 1, "Z": 2}
HEAD = "x, h = Input(), State()\nW, U, b = Matrix(h, x), Matrix(h, h), Vector(h)\n"

MIXED = declare("""
x, h, c = Input(), State(), State("P")
W, V, b, g = Matrix(h, x), Matrix("P", h), Vector(h), Vector("P")
s, t, k = Scalar(), Scalar(), Constant(0.3)

a = sigmoid(s)
e = exp(t) * a
h.next = a * h + tanh(W @ x + s) * exp(b) + k * (V.T @ c)
c.next = s * (V @ h.next) + e * c + k * g
y = Output(c.next * c + s)
""", name="Mixed")
STATIC = declare(HEAD + "V = Matrix(x, h)\nh.next = tanh(U @ b + W @ (V @ exp(b)) + U @ (h * b) + W @ x) + U.T @ b",
                 name="Static")
SEVERAL = declare("""
x, m, k, e = Input(), Input("H"), Input("M"), Input("ONE")
h, c = State(), State("M")
W, U, Q, V, R, G = Matrix(h, x), Matrix(h, h), Matrix(x, h), Matrix(h, c), Matrix(c, h), Matrix("ONE", h)
E = Matrix(h, e)

f = sigmoid(W @ (sigmoid(Q @ h) * x) + U @ h + E @ e)
c.next = tanh(R @ h + k) * c
h.next = m * (f * h + V @ c.next) + (1 - m) * h + E @ (sigmoid(G @ h) * e)
""", name="Several")
WHOLE = declare("""
x, h = Input(), State()
m, r, z, s = Input(x, each="sequence"), Input(h, each="sequence"), Input("Z", each="sequence"), Scalar()
W, U, V, b, a = Matrix(h, x), Matrix(h, h), Matrix(h, z), Vector(h), Scalar()

p = tanh(V @ z + b)
q = p * sigmoid(a) * r + exp(s) * p
g = sigmoid(W @ (m * x) + U @ (r * h) + V @ z + q * a + sigmoid(a) * b)
h.next = g * h + (1 - g) * p * r
y = Output(U @ (q * p))
""", name="Whole")
FIXED = declare("""
x, h = Input(), State()
W, M, k = Matrix(h, x), Matrix(h, h, learned=False), Vector(h, learned=False)
U, b = Matrix(h, h), Vector(h)

h.next = tanh(W @ x + M @ h + M.T @ (k * h) + U @ k + M @ b) * k
""", name="Fixed")
CELLS = [*map(find, names()), MIXED, STATIC, SEVERAL, WHOLE, FIXED, Means, Normed]


def equations(graph):
    """The nodes that compute something, as text."""
    return [str(node) for node in graph.nodes]


def lowered(body):
    return lower(declare(body).spec)


# --- the checker ---------------------------------------------------------------------------------------------------

VALUES = (
    Value("x", ("I",), "input"), Value("h", ("H",), "carry"), Value("W", ("H", "I"), "param"),
    Value("s", (), "constant"), Value("p", ("H",), "local"), Value("h.next", ("H",), "local"),
    Value("d_W", ("H", "I"), "sum"), Value("d_b", ("H",), "sum"), Value("d_s", (), "sum"),
)
NODES = (MatMul("p", "W", False, "x"), Map("h.next", symbol("p") * h * symbol("s")), Outer("d_W", "p", "x"),
         BatchSum("d_b", "p"), BatchSum("d_s", "p"))
GOOD = Graph("Good", VALUES, NODES, (Carry("h", "h.next"),), ("h.next",))


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


# --- printing --------------------------------------------------------------------------------------------------------


def test_a_graph_prints_itself():
    lines = [line.rstrip() for line in str(lower(find("jordan").spec)).splitlines()]
    assert lines == [
        "graph Jordan, steps 0 .. T-1", "  input    x (I)", "  carry    y (O)", "  param    W (H, I)",
        "  param    U (H, O)", "  param    b (H)", "  param    W_y (O, H)", "  param    b_y (O)",
        "  carry    y.next -> y",
        f"  {'U_y = U @ y':<58} (H)", f"  {'W_x = W @ x':<58} (H)", f"  {'a_h = U_y + W_x + b':<58} (H)",
        f"  {'h = tanh(a_h)':<58} (H)", f"  {'W_y_h = W_y @ h':<58} (O)", f"  {'a_y_next = W_y_h + b_y':<58} (O)",
        f"  {'y.next = sigmoid(a_y_next)':<58} (O)", "  return   y.next"]


def test_nodes_print_themselves():
    assert [str(node) for node in NODES] == [
        "p = W @ x", "h.next = h*p*s", "d_W += p x^T", "d_b += p", "d_s += p"]
    assert str(MatMul("p", "W", True, "h")) == "p = W.T @ h"
    assert str(adjoint(lower(find("rnn").spec))).startswith("graph RNN_adjoint, steps T-1 .. 0\n")


# --- lowering --------------------------------------------------------------------------------------------------------


def test_a_gate_has_a_preactivation_of_its_name():
    graph = lowered(HEAD + "f = sigmoid(W @ x + U @ h + b)\nh.next = f * h")
    assert set(equations(graph)) == {
        "W_x = W @ x", "U_h = U @ h", "a_f = U_h + W_x + b", "f = sigmoid(a_f)", "h.next = f*h"}
    assert [v.name for v in graph.values if v.anonymous] == ["U_h", "W_x"]


def test_a_gate_without_product_has_none():
    graph = lowered(HEAD + "f = sigmoid(h + b)\nh.next = f * h + W @ x")
    assert "f = sigmoid(b + h)" in equations(graph)


def test_a_product_that_is_named_keeps_the_name():
    graph = lowered(HEAD + "p = W @ x\nh.next = p + h")
    assert equations(graph) == ["p = W @ x", "h.next = h + p"]
    assert not graph.value("p").anonymous


def test_one_product_used_twice_is_computed_once():
    graph = lowered(HEAD + "f = sigmoid(U @ h + W @ x)\ng = tanh(U @ h + b)\nh.next = f * g + U @ h")
    assert equations(graph).count("U_h = U @ h") == 1
    assert sum(isinstance(node, MatMul) for node in graph.nodes) == 2


def test_a_second_name_for_a_product_is_a_copy():
    graph = lowered(HEAD + "p = U @ h\nq = U @ h\nh.next = p * q + W @ x")
    assert [e for e in equations(graph) if e[:3] in ("p =", "q =")] == ["p = U @ h", "q = p"]


def test_operands_are_named_by_their_factors():
    graph = lowered(HEAD + "V = Matrix(h, h)\nr = sigmoid(W @ x)\nh.next = U @ (r * h) + V @ (r * h) + U @ (1 - r)")
    assert {"h_r = h*r", "U_h_r = U @ h_r", "V_h_r = V @ h_r", "h_next_in = 1 - r"} <= set(equations(graph))


def test_a_function_inside_a_formula_is_a_value():
    graph = lowered("x, h, c = Input(), State(), State()\nW, o = Matrix(h, x), Vector(h)\nc.next = c + W @ x\n"
                    "h.next = o * tanh(c.next) + exp(2 * c)")
    assert {"tanh_c_next = tanh(c.next)", "exp = exp(2*c)", "h.next = exp + o*tanh_c_next"} <= set(equations(graph))


def test_made_up_names_step_aside():
    graph = lowered(HEAD + "a_f, W_x, U_h = Vector(h), Vector(h), Vector(h)\nf = sigmoid(W @ x + U @ h)\n"
                    "h.next = f * a_f + W_x * h + U_h * h")
    assert {"W_x_2 = W @ x", "U_h_2 = U @ h", "a_f_2 = U_h_2 + W_x_2", "f = sigmoid(a_f_2)"} <= set(equations(graph))


def test_a_selection_stays_inside_its_formula():
    graph = lowered(HEAD + "h.next = where(h > 0, h, b) * h + W @ x")
    assert equations(graph) == ["W_x = W @ x", "h.next = W_x + h*where(h > 0, h, b)"]


@pytest.mark.parametrize("name", names())
def test_every_cell_of_the_zoo_passes_the_checker_with_its_adjoints(name):
    forward, backward = graphs(find(name))
    check(forward)
    check(backward)
    check(adjoint(backward))


# --- the adjoint -----------------------------------------------------------------------------------------------------


def test_steps_run_in_the_opposite_order():
    forward, backward = graphs(find("lstm"))
    assert [forward.reverse, backward.reverse, adjoint(backward).reverse] == [False, True, False]
    assert backward.name == "LSTM_adjoint"


def test_adjoints_are_called_after_what_they_belong_to():
    _, backward = graphs(find("lstm"))
    assert {name: backward.adjoints[name] for name in ("x", "h", "c", "f", "a_f", "U_f", "b_f", "h.next")} == {
        "x": "d_x", "h": "d_h", "c": "d_c", "f": "d_f", "a_f": "d_a_f", "U_f": "d_U_f", "b_f": "d_b_f",
        "h.next": "d_h.next"}
    assert backward.adjoints["h.next.out"] == "d_y"
    assert backward.carries == (Carry("d_h.later", "d_h"), Carry("d_c.later", "d_c"))
    assert [v.name for v in backward.with_role("input")] == ["d_y"]


def test_the_state_of_jordan_is_called_y_and_so_is_its_adjoint():
    _, backward = graphs(find("jordan"))
    assert backward.adjoints["y"] == "d_y"
    assert backward.adjoints["y.next.out"] == "d_output"


def test_an_output_of_its_own_seeds_the_adjoint_of_its_name():
    _, backward = graphs(find("elman_head"))
    assert backward.adjoints["y.out"] == "d_y"
    assert backward.adjoints["y"] == "d_y"


def test_authors_names_that_look_like_adjoints_are_left_alone():
    cell = declare(HEAD + "d_h, d_y, d_x = Vector(h), Vector(h), Vector(h)\n"
                   "h.next = tanh(W @ x + U @ h + d_h * h + d_y) + d_x + b")
    backward = graphs(cell)[1]
    assert [backward.value(name).role for name in ("d_h",)] == ["param"]
    assert len({backward.adjoints[name] for name in ("h", "d_h", "d_y", "d_x", "x")}) == 5
    assert {"d_h", "d_y", "d_x"}.isdisjoint(backward.adjoints.values())


def test_functions_that_have_a_name_are_not_computed_again():
    _, backward = graphs(find("gru"))
    assert not any(node.expression.has(sigmoid) for node in backward.nodes if isinstance(node, Map))


def test_what_nothing_reads_is_pruned():
    _, backward = graphs(find("lstm"))
    saved = {value.name for value in backward.with_role("saved")}
    assert saved == {"x", "h", "c", "i", "f", "g", "o", "tanh_c_next"}
    used = {*itertools.chain(*(node.reads for node in backward.nodes)), *backward.outputs,
            *(carry.next for carry in backward.carries)}
    assert {value.name for value in backward.with_role("local")} <= used


def test_prune_keeps_parameters_carries_and_sums():
    spare = dataclasses.replace(
        GOOD, values=(*VALUES, Value("q", ("H",), "local"), Value("r", ("H",), "saved"), Value("b", ("H",), "param")),
        nodes=(*NODES, Map("q", h)))
    assert {v.name for v in prune(spare).values} == {v.name for v in VALUES} | {"b"}
    assert prune(spare).nodes == NODES


@pytest.mark.filterwarnings("ignore::symcell.UnusedParameterWarning")
@pytest.mark.parametrize("use", ["V @ h * 0", "b - b", "sign(p)", "where(V @ h > p, 1.0, 2.0)", "2 + h * 0"])
def test_a_parameter_that_moves_nothing_has_a_gradient_of_zeros(use):
    cell = declare(HEAD + f"V, p = Matrix(h, h), Vector(h)\nq = h * ({use})\nh.next = tanh(W @ x) + q")
    _, backward = graphs(cell)
    assert not [node for node in backward.nodes if node.out in (backward.adjoints["V"], backward.adjoints["p"])]
    results = run(cell, Sample.draw(cell, **SIZES))
    assert not results.dparams["V"].any()
    assert not results.dparams["p"].any()
    assert results.dparams["V"].shape == (3, 3)
    assert results.dparams["W"].any()


def test_a_scalar_of_two_dimensions_has_a_sum_for_each():
    _, backward = graphs(MIXED)
    sums = [node for node in backward.nodes if isinstance(node, BatchSum) and node.out == "d_s.steps"]
    assert sorted(backward.value(node.operand).dims for node in sums) == [("H",), ("P",)]


def test_scalars_made_of_scalars_are_computed_once_and_not_saved():
    for graph in graphs(MIXED):
        assert "a" not in {value.name for value in graph.with_role("saved", "local")}
        assert Once("a", sigmoid(symbol("s"))) in graph.once


def test_constants_have_no_gradient():
    _, backward = graphs(MIXED)
    assert "k" not in backward.adjoints
    assert backward.value("k").role == "constant"


# --- numbers ---------------------------------------------------------------------------------------------------------

TINY = 1e-30


def loss(cell, sample, **changes):
    """The loss that the sample's adjoints seed, complex where one of the arrays is."""
    sample = dataclasses.replace(sample, **changes)
    forward, _ = graphs(cell)
    trace = interpret(forward, sample.sizes["T"], sample.inputs(cell), {**sample.params, **sample.constants},
                      sample.state, sample.sizes)
    return (sample.dy * trace.steps[forward.outputs[0]]).sum() + sum(
        (sample.dstate[name] * array).sum() for name, array in trace.carries.items())


CLOSELY = [MIXED, STATIC, SEVERAL, WHOLE, FIXED, find("lstm_peephole"), find("jordan")]


@pytest.mark.parametrize("cell", CLOSELY, ids=lambda cell: cell.__name__)
def test_gradients_are_complex_step_differences(cell):
    sample, random = Sample.draw(cell, T=3, B=2, seed=3, **SIZES), np.random.default_rng(1)
    results = run(cell, sample)
    given = sample.x if isinstance(sample.x, dict) else {None: sample.x}
    for part, name, array, gradient in [
            *(("x", name, value, results.dx if name is None else results.dx[name]) for name, value in given.items()),
            *(("params", name, sample.params[name], gradient) for name, gradient in results.dparams.items()),
            *(("state", name, value, results.dstate[name]) for name, value in sample.state.items())]:
        along = random.normal(size=np.shape(array))
        moved = array + 1j * TINY * along
        moved = moved if name is None else {**getattr(sample, part), name: moved}
        expected = loss(cell, sample, **{part: moved}).imag / TINY
        assert (gradient * along).sum() == pytest.approx(expected, rel=1e-11, abs=1e-12), (part, name)


class Second:
    """The backward graph of a cell as a function of all it reads, on random data, and the adjoint of that."""

    def __init__(self, cell, T=3, B=2):
        sample, random = Sample.draw(cell, T=T, B=B, seed=5, **SIZES), np.random.default_rng(2)
        forward, self.graph = graphs(cell)
        self.T, self.sizes, self.constants = T, sample.sizes, sample.constants

        def draw(value, *leading):
            return random.normal(size=(*leading, *(self.sizes[dim] for dim in value.dims)))

        trace = interpret(forward, T, sample.inputs(cell), {**sample.params, **sample.constants}, sample.state,
                          self.sizes)
        given = {v.name: trace.steps[v.name] for v in self.graph.with_role("saved")}
        given |= {v.name: draw(v, T, B) for v in self.graph.with_role("input")}
        self.fixed = [p.name for p in cell.spec.parameters if not p.learned]
        self.reads = {"steps": given, "params": sample.params,
                      "carries": {v.name: draw(v, B) for v in self.graph.with_role("carry")}}
        # A softmax of a matrix is shifted by a maximum, through which no gradient flows. That is right for what is made
        # of the softmax, and not for the sums inside it: there only what the author asked for, gradients, has weight.
        shifted = any(node.kind == "shift" for node in forward.once)
        learned = {self.graph.adjoints[p.name] for p in cell.spec.parameters if p.learned}
        self.weights = {
            "steps": {name: draw(self.graph.value(name), *(() if self.graph.is_whole(name) else (T,)), B)
                      for name in self.graph.outputs},
            "carries": {name: draw(self.graph.value(name), B) for name in self.reads["carries"]},
            "sums": {v.name: draw(v) * (v.name in learned or not shifted)
                     for v in self.graph.with_role("sum", "total")}}

    def run(self, reads):
        # Functions that take complex steps at kinks, too: NumPy's own abs of a complex number is its modulus.
        return interpret(self.graph, self.T, reads["steps"], {**reads["params"], **self.constants}, reads["carries"],
                         self.sizes, lambda function: NumPy().function(function.row.name))

    def loss(self, reads):
        trace = self.run(reads)
        return sum((weight * getattr(trace, part)[name]).sum()
                   for part, weights in self.weights.items() for name, weight in weights.items())

    def gradients(self):
        second, first = adjoint(self.graph), self.run(self.reads)
        names = second.adjoints
        steps = {v.name: first.steps[v.name] for v in second.with_role("saved")}
        steps |= {names[f"{name}.out"]: weight for name, weight in self.weights["steps"].items()}
        params = {**self.reads["params"], **self.constants, **first.sums}
        params |= {names[name]: weight for name, weight in self.weights["sums"].items()}
        pairs = list(zip(second.carries, self.graph.carries, strict=True))
        later = {ours.previous: self.weights["carries"][theirs.previous] for ours, theirs in pairs}
        trace = interpret(second, self.T, steps, params, later, self.sizes)
        return {
            "steps": {name: trace.steps[names[name]] for name in self.reads["steps"]},
            "params": {name: trace.sums[names[name]] for name in self.reads["params"] if name not in self.fixed},
            "carries": {theirs.previous: trace.carries[ours.previous] for ours, theirs in pairs}}


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
def test_the_adjoint_of_the_adjoint_is_right(cell):
    second, random = Second(cell), np.random.default_rng(3)
    gradients = second.gradients()
    for part, arrays in second.reads.items():
        for name, array in arrays.items():
            if name in second.fixed:
                continue
            along = random.normal(size=np.shape(array))
            moved = {**second.reads, part: {**arrays, name: array + 1j * TINY * along}}
            expected = second.loss(moved).imag / TINY
            assert (gradients[part][name] * along).sum() == pytest.approx(expected, rel=1e-10, abs=1e-11), (part, name)


def test_the_steps_of_a_reversed_graph_run_backwards():
    count = Graph("Count", (Value("x", ("I",), "input"), Value("c", ("I",), "carry"), Value("n", ("I",), "local")),
                  (Map("n", 2 * c + x),), (Carry("c", "n"),), ("n",), reverse=True)
    trace = interpret(check(count), 3, {"x": np.array([1.0, 2, 3]).reshape(3, 1, 1)}, {}, {"c": np.zeros((1, 1))},
                      {"I": 1, "B": 1})
    assert trace.steps["n"].ravel().tolist() == [17, 8, 3]
    assert trace.carries["c"].item() == 17


def test_no_steps_give_the_initial_state_and_zero_sums():
    cell = declare(START + UPDATE)
    sample = Sample.draw(cell, T=0, B=2, **SIZES)
    results = run(cell, sample)
    assert results.y.shape == (0, 2, 3)
    assert (results.state["h"] == sample.state["h"]).all()
    assert (results.dstate["h"] == sample.dstate["h"]).all()
    assert not results.dparams["U"].any()
