"""How cells are lowered: names of what a formula is made of, and what is computed once."""

from symcell.graph.ir import MatMul
from symcell.graph.lower import lower
from tests.declare.text import declare
from tests.graph.cells import HEAD


def equations(graph):
    """The nodes that compute something, as text."""
    return [str(node) for node in graph.nodes]


def lowered(body):
    return lower(declare(body).spec)


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
