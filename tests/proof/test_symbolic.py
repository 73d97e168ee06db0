"""Oracle 1: a proof for every function, and an honest word where there is none; cells of the zoo: tests/zoo/."""

import numpy as np
import pytest
import sympy

from symcell import zoo
from symcell.declare.functions import FUNCTIONS
from symcell.proof import polynomial, symbolic
from symcell.proof.algebra import Digits, Polynomials
from symcell.proof.definitions import PRIMITIVES
from symcell.proof.problem import build
from symcell.proof.result import D_PARAM, D_STATE
from symcell.proof.unroll import DERIVATIVES, Opaque, Unrolled
from tests.declare.text import declare
from tests.proof import cells

KINKED = {"where", "relu", "abs", "sign", "maximum", "minimum", "hard_sigmoid", "hard_tanh", "elu"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_proven(name):
    rows = symbolic.check(cells.of_function(name).spec)
    means = "proof, away from its kinks: " if name in KINKED else "proof: "
    assert all(row.passed and row.how.startswith(means) for row in rows), rows


@pytest.mark.parametrize("cell", [cells.Mixed, cells.Roots])
def test_scalars_constants_dimensions_and_roots_are_proven(cell):
    rows = symbolic.check(cell.spec)
    assert all(row.passed and row.how.startswith("proof: ") for row in rows), rows


@pytest.mark.parametrize("cell", [cells.Kinks, cells.Relations, cells.Large])
def test_what_is_too_large_is_evaluated(cell, monkeypatch):
    monkeypatch.setattr(polynomial, "MAX_WORK", 100_000)
    rows = symbolic.check(cell.spec)
    assert all(row.passed and row.how.startswith("50-digit evaluation") for row in rows), rows


@pytest.mark.parametrize("cell", [cells.Kinks, cells.Roots, cells.Relations, cells.Large])
def test_the_evaluation_agrees_with_the_proof(cell):
    spec = symbolic.with_exact_constants(cell.spec)
    forward = symbolic.lower(spec)
    graphs = symbolic.without_conditions(forward), symbolic.without_conditions(symbolic.adjoint(forward))
    rows = symbolic._evaluate(spec, graphs)
    assert all(row.passed and 0 <= row.error < 1e-50 for row in rows), rows
    assert any(row.error > 0 for row in rows), "it rounds: an error of 0 everywhere would mean that nothing was done"


@pytest.mark.parametrize("name", PRIMITIVES)
def test_own_derivatives_are_those_of_sympy(name):
    x = sympy.Symbol("x", positive=True)
    theirs = {
        "exp": sympy.exp(x), "log": sympy.log(x), "tanh": sympy.tanh(x), "sigmoid": 1 / (1 + sympy.exp(-x)),
        "softplus": sympy.log(1 + sympy.exp(x)), "erf": sympy.erf(x), "root": sympy.sqrt(x), "step": sympy.Heaviside(x),
    }  # fmt: skip
    derivative = DERIVATIVES[name](x, theirs[name])
    for primitive in PRIMITIVES:
        derivative = derivative.replace(getattr(Opaque, primitive), lambda a, p=primitive: theirs[p].subs(x, a))
    assert sympy.simplify(sympy.diff(theirs[name], x) - derivative) == 0


def unrolled_of(spec, algebra):
    """The statements of a spec on unknowns of an algebra, and the problem."""
    make = np.frompyfunc(lambda _: algebra.unknown(), 1, 1)
    sizes = {**dict.fromkeys(spec.dims, 2), "B": 1}
    problem = build(spec, 2, sizes, lambda _, shape: np.asarray(make(np.empty(shape)), dtype=object))
    return Unrolled(spec, problem, algebra), problem


def written(levels):
    """How many operations all statements have, of a state that is the maximum of a maximum of a maximum ..."""
    formula = "h"
    for _ in range(levels):
        formula = f"maximum({formula}, -x)"
    cell = declare(f"x, h = Input('H'), State()\nh.next = {formula}", name="Nested")
    unrolled, _ = unrolled_of(cell.spec, Digits(0))
    return sum(int(statement.count_ops()) for statement in unrolled.statements.values())


def test_functions_of_functions_do_not_grow_exponentially():
    """Their definitions speak of an argument several times: six levels took minutes to differentiate."""
    assert written(12) < 2.5 * written(6)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru_reset_before"])
def test_forward_mode_equals_one_derivative_of_the_nested_loss(name):
    """What the statement-by-statement derivative stands for: sympy.diff of the unrolled loss, as a whole."""
    algebra = Polynomials()
    (unrolled, problem), loss = unrolled_of(zoo.find(name).spec, algebra), 0
    weights = [*problem.dy.ravel(), *(d for seeds in problem.dstate.values() for d in seeds.ravel())]
    outputs = [*np.array(unrolled.y).ravel(), *(s for state in unrolled.state.values() for s in state.ravel())]
    for k, (output, weight) in enumerate(zip(outputs, weights, strict=True)):
        symbol = sympy.Symbol(f"weight{k}", real=True)
        unrolled.values[symbol] = weight
        loss += symbol * unrolled.nested(output)
    found = unrolled.results()
    keys = [key for key in unrolled.leaves if key[0] == D_STATE or key[1].startswith("U")]
    assert any(group == D_PARAM for group, _ in keys)
    for key in keys:
        for leaf, gradient in zip(unrolled.leaves[key].ravel(), found[key].ravel(), strict=True):
            assert algebra.ring.is_zero(unrolled.value(sympy.diff(loss, leaf)) - gradient)
