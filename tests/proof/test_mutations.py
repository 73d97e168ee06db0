"""Planted errors: one wrong adjoint rule, or one wrong derivative in the table, fails each of oracles 1 to 4."""

import dataclasses
import importlib.util

import pytest
import sympy

from symcell import zoo
from symcell.declare.functions import FUNCTIONS
from symcell.graph import adjoint as rules
from symcell.graph.builder import Builder, symbol
from symcell.graph.ir import BatchSum, Map, MatMul, Outer
from symcell.proof import frameworks, handwritten, numeric, symbolic
from symcell.proof.report import Part
from tests.proof import cells
from tests.proof.test_oracles import second_order_error

pytestmark = pytest.mark.usefixtures("fresh_sympy")
ORACLES = {"symbolic": symbolic.check, "differences": numeric.check, "declaration": handwritten.check}
if importlib.util.find_spec("torch"):
    ORACLES["torch"] = frameworks.check_torch
if importlib.util.find_spec("jax"):
    ORACLES["jax"] = frameworks.check_jax


def verdict(oracle, spec):
    """What the report makes of it: an oracle that raises has failed too, but none of these may raise."""
    rows = Part(0, "", oracle, lambda: ORACLES[oracle](spec)).run()
    assert not any("Error" in row.how for row in rows), rows
    return all(row.passed for row in rows)


# --- errors in the rules -------------------------------------------------------------------------------------


def map_sign(monkeypatch):
    contribute = rules.Sweep.contribute
    right = rules._adjoint_of_map

    def wrong(sweep, node):
        sweep.contribute = lambda name, term: contribute(sweep, name, -term)
        right(sweep, node)
        del sweep.contribute

    monkeypatch.setitem(rules.ADJOINTS, Map, wrong)


def map_missing_term(monkeypatch):
    """The last of several operands gets no adjoint."""
    right = rules._adjoint_of_map

    def wrong(sweep, node):
        last = node.reads[-1] if len(node.reads) > 1 else None
        contribute = type(sweep).contribute
        sweep.contribute = lambda name, term: None if name == last else contribute(sweep, name, term)
        right(sweep, node)
        del sweep.contribute

    monkeypatch.setitem(rules.ADJOINTS, Map, wrong)


def square(sweep, node):
    rows, cols = sweep.forward.value(node.matrix).dims
    return rows == cols


def matmul_transposed(monkeypatch):
    """The product that pulls an adjoint back lacks its transpose, where the shapes allow it."""
    right = rules._adjoint_of_matmul

    def wrong(sweep, node):
        matmul = sweep.build.matmul
        if square(sweep, node):
            sweep.build.matmul = lambda matrix, transposed, operand: matmul(matrix, not transposed, operand)
        right(sweep, node)
        sweep.build.matmul = matmul

    monkeypatch.setitem(rules.ADJOINTS, MatMul, wrong)


def matmul_outer_swapped(monkeypatch):
    """The gradient of a matrix is that of its transpose, where the shapes allow it."""
    right = rules._adjoint_of_matmul

    def wrong(sweep, node):
        outer = sweep.build.outer
        if square(sweep, node):
            sweep.build.outer = lambda out, left, right: outer(out, right, left)
        right(sweep, node)
        sweep.build.outer = outer

    monkeypatch.setitem(rules.ADJOINTS, MatMul, wrong)


def matmul_without_gradient(monkeypatch):
    monkeypatch.setattr(Builder, "outer", lambda self, out, left, right: None)


def matmul_without_operand(monkeypatch):
    def wrong(sweep, node):
        out = sweep.of(node.out)
        if out is not None:
            sweep.build.outer(sweep.gradient(node.matrix), out, node.operand)

    monkeypatch.setitem(rules.ADJOINTS, MatMul, wrong)


def vector_without_gradient(monkeypatch):
    monkeypatch.setattr(Builder, "batch_sum", lambda self, out, operand: None)


def state_not_carried(monkeypatch):
    """What the later step hands back is dropped."""
    right = rules.Sweep._open

    def wrong(self):
        right(self)
        for carry in self.forward.carries:
            self.terms[carry.next].remove(symbol(self.later[carry.next]))

    monkeypatch.setattr(rules.Sweep, "_open", wrong)


def output_counted_twice(monkeypatch):
    right = rules.Sweep._open

    def wrong(self):
        right(self)
        for name in self.forward.outputs:
            self.terms[name].append(symbol(self.outputs[f"{name}.out"]))

    monkeypatch.setattr(rules.Sweep, "_open", wrong)


RULES = (map_sign, map_missing_term, matmul_transposed, matmul_outer_swapped, matmul_without_gradient,
         matmul_without_operand, vector_without_gradient, state_not_carried, output_counted_twice)


@pytest.mark.parametrize("oracle", ORACLES)
@pytest.mark.parametrize("plant", RULES, ids=lambda plant: plant.__name__)
def test_a_wrong_rule_is_found(plant, oracle, monkeypatch):
    spec = zoo.find("mgu").spec
    if oracle != "jax" or plant is RULES[0]:  # JAX compiles for seconds; once will do
        assert verdict(oracle, spec)
    plant(monkeypatch)
    assert not verdict(oracle, spec)


# --- errors in the table of functions ----------------------------------------------------------------------


def doubled(partial):
    return lambda *arguments: 2 * partial(*arguments)


def negated(partial):
    return lambda *arguments: -partial(*arguments)


def shifted(partial):
    return lambda *arguments: partial(*arguments) + sympy.Rational(1, 100)


ROWS = [name for name, function in FUNCTIONS.items() if name not in ("where", "sign")]


@pytest.mark.parametrize("oracle", [oracle for oracle in ORACLES if oracle != "jax"])
@pytest.mark.parametrize("error", [doubled, negated, shifted], ids=lambda error: error.__name__)
@pytest.mark.parametrize("name", ROWS)
def test_a_wrong_derivative_is_found(name, error, oracle, monkeypatch):
    spec, function = cells.of_function(name).spec, FUNCTIONS[name]
    for index in range(len(function.row.partials)):
        sympy.core.cache.clear_cache()
        partials = list(function.row.partials)
        partials[index] = error(partials[index])
        with monkeypatch.context() as patch:
            patch.setattr(function, "row", dataclasses.replace(function.row, partials=tuple(partials)))
            assert not verdict(oracle, spec)


@pytest.mark.parametrize("oracle", [oracle for oracle in ORACLES if oracle != "jax"])
@pytest.mark.parametrize("name", ["where", "sign"])
def test_a_derivative_that_is_not_zero_where_it_should_be_is_found(name, oracle, monkeypatch):
    """sign'(x) is 0; the choice of `where` has derivatives 1 and 0."""
    function = FUNCTIONS[name]
    partials = tuple(shifted(partial) for partial in function.row.partials)
    monkeypatch.setattr(function, "row", dataclasses.replace(function.row, partials=partials))
    assert not verdict(oracle, cells.of_function(name).spec)


def test_a_wrong_derivative_is_found_by_jax(monkeypatch):
    pytest.importorskip("jax")
    function = FUNCTIONS["tanh"]
    monkeypatch.setattr(function, "row", dataclasses.replace(function.row, partials=(lambda x, y: 1 - y,)))
    assert not verdict("jax", zoo.find("rnn").spec)


@pytest.mark.parametrize("oracle", ["symbolic", "declaration", *(["torch"] if "torch" in ORACLES else [])])
def test_a_wrong_lowering_is_found(oracle, monkeypatch):
    """Oracles that read the declaration see an error that forward and backward graph share."""
    matmul = Builder.matmul

    def wrong(self, matrix, transposed, operand, name=None):
        rows, cols = self.dims(matrix)
        return matmul(self, matrix, transposed != (rows == cols), operand, name)

    monkeypatch.setattr(Builder, "matmul", wrong)
    rows = ORACLES[oracle](zoo.find("mgu").spec)
    assert [row for row in rows if row.what.startswith("output") and row.passed is False]


# --- errors in the rules that only a second adjoint uses -----------------------------------------------------


def outer_swapped(sweep, node):
    d_out = sweep.adjoints[node.out]
    sweep.contribute(node.left, symbol(sweep.build.matmul(d_out, False, node.right)))


def batch_sum_doubled(sweep, node):
    sweep.contribute(node.operand, 2 * symbol(sweep.adjoints[node.out]))


@pytest.mark.parametrize(("kind", "wrong"), [(Outer, outer_swapped), (BatchSum, batch_sum_doubled)])
def test_a_wrong_rule_of_the_second_adjoint_is_found(kind, wrong, monkeypatch):
    cell = zoo.find("mgu")
    assert second_order_error(cell) < 1e-12
    monkeypatch.setitem(rules.ADJOINTS, kind, wrong)
    assert second_order_error(cell) > 1e-3
