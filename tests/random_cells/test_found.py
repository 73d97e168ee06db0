"""What random cells found: each the smallest cell that showed it."""

import numpy as np

import symcell
from symcell import Cell
from symcell.compiler import stages
from tests.declare.text import START, UPDATE, declare
from tests.oracle import Sample, run
from tests.random_cells.generator import Drawn
from tests.random_cells.oracles import BY_ROUNDING, check


def test_functions_of_a_single_number():
    """erf and gelu of a scalar parameter: NumPy's ufunc of Python's gives a float there, and no array."""
    cell = declare("x, h, k = Input('H'), State(), Scalar()\na, s = erf(k), gelu(k)\nh.next = a * h + s * x")
    sample = Sample.draw(cell)
    assert np.isfinite(run(cell, sample).dparams["k"])


def test_a_normalisation_inside_another():
    """Both wished for the name s_q, and the graph computed it twice."""
    cell = declare(START + UPDATE + "q = rms_norm(b * rms_norm(h))\ny = Output(q)")
    names = [node.out for node in stages(cell).forward.nodes]
    assert len(set(names)) == len(names)


def test_a_derivation_of_what_has_no_gradient():
    """The adjoint of q was dropped, as nothing needs it, and yet printed."""
    cell = declare(START + "q = W @ x\ns = sign(q)\nh.next = tanh(s)")
    assert symcell.derive(cell).markdown()


def test_a_derivation_of_a_state_that_depends_on_nothing_learned():
    cell = declare(START + UPDATE + "k, c = Vector(h, learned=False), State()\nc.next = tanh(k)\ny = Output(c.next)")
    assert symcell.derive(cell).latex()


def test_a_comparison_that_rounding_decides():
    """Two implementations of sigmoid took different branches, at most points; both were right."""
    cell = declare("""
    x, h, k, b = Input("H"), State(), Scalar(), Vector("H")
    h.next = tanh(where(h * (1 - sigmoid(x)) + h * sigmoid(x) > h, sigmoid(b) * h, k))
    """)
    drawn = Drawn(cell, "", {"B": 2, "H": 4, "T": 5}, {})
    assert {check(drawn, seed) for seed in range(4)} <= {"", BY_ROUNDING}


def test_what_is_not_the_gradient_of_a_parameter_is_not_handed_out_as_one():
    """sign(b) receives a gradient and hands none on: its sum over time came back as that of a parameter d_s."""
    cell = declare(START + "s = sign(b)\nh.next = tanh(W @ x + U @ h + s)")
    assert [value.name for value in stages(cell).backward.with_role("sum")] == ["d_W", "d_U", "d_b.steps"]
    kernel, x = symcell.compile(cell), np.ones((2, 3, 4), np.float32)
    params = kernel.init_params(I=4, H=5)
    run = kernel.forward(x, params)
    grads = kernel.backward(run, np.ones_like(run.y)).params
    assert set(grads) == set(params)
    assert not grads["b"].any()


def test_the_argument_of_abs_is_as_its_operators_make_it():
    """SymPy's Abs left -(s - 2) in it, which came back from a document as 2 - s."""
    cell = declare(START + UPDATE + "s = Scalar()\nq = abs(b * sign(2 - s))\ny = Output(q)")
    assert "sign(2 - s)" in str(cell.spec)
    assert Cell.from_json(cell.to_json()).to_json() == cell.to_json()
