"""Cell -> Graph: each equation becomes a MatMul per matrix product and one Map for the elementwise rest.

Values are made besides the author's: products (`W_f_x`), reductions (`mean_a`), function values inside a larger
formula (`tanh_c`), and the pre-activation of a gate: for f = sigmoid(W x + ...) the sum is named `a_f`, so that its
adjoint, which every gradient of the gate shares, has a name too. Likewise the mean and the spread in
f = layer_norm(...) are `mu_f` and `s_f`.
"""

from __future__ import annotations

import sympy

from symcell.declare.functions import Elementwise, where_
from symcell.declare.reductions import Once, Reduction
from symcell.declare.spec import CellSpec, Equation
from symcell.declare.symbols import NEXT, Apply
from symcell.graph.builder import Builder, symbol
from symcell.graph.check import check
from symcell.graph.ir import Carry, Graph


def lower(spec: CellSpec) -> Graph:
    """Return the forward graph of a cell."""
    names = [name for name, _ in (*spec.inputs, *spec.states, *spec.constants)]
    names += [parameter.name for parameter in spec.parameters] + [equation.name for equation in spec.equations]
    build = Builder(reserved=names)
    for name, dim in spec.inputs:
        build.add(name, (dim,), "input")
    for name, dim in spec.states:
        build.add(name, (dim,), "carry")
    for parameter in spec.parameters:
        build.add(parameter.name, parameter.dims, "param")
    for name, _ in spec.constants:
        build.add(name, (), "constant")
    for equation in spec.equations:
        _equation(build, equation)
    carries = tuple(Carry(name, name + NEXT) for name, _ in spec.states)
    graph = Graph(spec.name, tuple(build.values.values()), tuple(build.nodes), carries, (spec.output,))
    return check(graph)


def _equation(build: Builder, equation: Equation) -> None:
    name, formula = equation.name, equation.expression
    if isinstance(formula, Apply):
        operand = _operand(build, formula.vector, name)
        build.matmul(formula.matrix.name, formula.matrix.transposed, operand, name)
        return
    if isinstance(formula, Reduction):
        build.reduce(formula.kind, _operand(build, formula.vector, name), name)
        return
    if isinstance(formula, Elementwise) and len(formula.args) == 1 and formula.args[0].has(Apply):
        inside = _expression(build, formula.args[0], name)
        preactivation = build.value_of(inside, f"a_{name.replace('.', '_')}", anonymous=False)
        build.map(name, formula.func(symbol(preactivation)), dims=equation.dims)
        return
    if isinstance(formula, Elementwise):  # the function at the root is the equation itself
        build.map(name, formula.func(*(_expression(build, a, name) for a in formula.args)), dims=equation.dims)
        return
    build.map(name, _expression(build, formula, name), dims=equation.dims)


def _expression(build: Builder, formula: sympy.Basic, name: str) -> sympy.Basic:
    """Return the formula with products and inner function values replaced by symbols of values."""
    if isinstance(formula, sympy.Symbol):
        return symbol(formula.name)
    if isinstance(formula, Apply):
        operand = _operand(build, formula.vector, name)
        return symbol(build.matmul(formula.matrix.name, formula.matrix.transposed, operand))
    if isinstance(formula, Reduction):
        return symbol(build.reduce(formula.kind, _operand(build, formula.vector, name)))
    if isinstance(formula, Once):
        return symbol(_once(build, formula, name))
    if not formula.args:
        return formula
    arguments = [_expression(build, argument, name) for argument in formula.args]
    inner = formula.func(*arguments)
    # A selection is cheap and its derivative does not need its value: it stays inside the formula.
    if isinstance(formula, Elementwise) and formula.func is not where_ and inner.free_symbols:
        return symbol(build.value_of(inner, _function_name(inner)))
    return inner


def _once(build: Builder, formula: Once, name: str) -> str:
    def make() -> str:
        inner = formula.formula
        if not formula.letter:
            return _operand(build, inner, name)
        out = build.fresh(f"{formula.letter}_{name.replace('.', '_')}")
        if isinstance(inner, Reduction):
            return build.reduce(inner.kind, _operand(build, inner.vector, name), out)
        if isinstance(inner, Elementwise):  # the function's value is what has the name
            return build.map(out, inner.func(*(_expression(build, argument, name) for argument in inner.args)))
        return build.map(out, _expression(build, inner, name))

    return build.once(formula, make)


def _function_name(applied: sympy.Expr) -> str:
    arguments = [a.name.replace(".", "_") for a in applied.args if isinstance(a, sympy.Symbol)]
    return "_".join([applied.func.__name__, *arguments])


def _operand(build: Builder, formula: sympy.Expr, name: str) -> str:
    inside = _expression(build, formula, name)
    factors = inside.args if isinstance(inside, sympy.Mul) else ()
    named = [factor.name.replace(".", "_") for factor in factors if isinstance(factor, sympy.Symbol)]
    if isinstance(inside, sympy.Symbol) and build.values[inside.name].role == "param":
        return build.rows(inside)
    wish = "_".join(named) if named and len(named) == len(factors) else f"{name.replace('.', '_')}_in"
    return build.value_of(inside, wish)



