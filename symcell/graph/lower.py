"""Cell -> Graph: each equation becomes a MatMul per matrix product and one Map for the elementwise rest.

Values are made besides the author's: products (`W_f_x`), reductions (`mean_a`), function values inside a larger
formula (`tanh_c`), and the pre-activation of a gate: for f = sigmoid(W x + ...) the sum is named `a_f`, so that its
adjoint, which every gradient of the gate shares, has a name too. Likewise the mean and the spread in
f = layer_norm(...) are `mu_f` and `s_f`.

What is made of parameters and constants alone, and has a name or is a function's value, is computed once per call.
"""

from __future__ import annotations

from typing import NamedTuple

import sympy

from symcell.declare.functions import Elementwise, where_
from symcell.declare.matrix_sum import MatrixSum
from symcell.declare.reductions import Reduction, Shared
from symcell.declare.spec import CellSpec, Equation
from symcell.declare.static import computable
from symcell.declare.symbols import NEXT, Apply
from symcell.graph.builder import Builder, symbol
from symcell.graph.check import check
from symcell.graph.entries import entry
from symcell.graph.ir import GIVEN, Carry, Graph
from symcell.graph.names import ACROSS, TRANSPOSED, base, is_repeated


def lower(spec: CellSpec) -> Graph:
    """Return the forward graph of a cell."""
    names = [name for name, _ in (*spec.inputs, *spec.states, *spec.constants)]
    names += [parameter.name for parameter in spec.parameters] + [equation.name for equation in spec.equations]
    build = Builder(reserved=names)
    for name, dim in spec.inputs:
        build.add(name, (dim,), "input", whole=name in spec.whole)
    for name, dim in spec.states:
        build.add(name, (dim,), "carry")
    for parameter in spec.parameters:
        build.add(parameter.name, parameter.dims, "param" if parameter.learned else "constant")
    for name, _ in spec.constants:
        build.add(name, (), "constant")
    stepwise = {spec.output, *(name + NEXT for name, _ in spec.states)}  # even if made of what never changes
    for equation in spec.equations:
        if isinstance(equation.expression, MatrixSum):
            expression = _matrix(build, equation.expression, equation.name, equation.anonymous)
            build.once(equation.name, expression, equation.dims, equation.anonymous)
        elif equation.name in stepwise or not _once(build, equation):
            _equation(build, equation, False if equation.name in stepwise else None)
    carries = tuple(Carry(name, name + NEXT) for name, _ in spec.states)
    graph = Graph(spec.name, tuple(build.values.values()), tuple(build.nodes), carries, (spec.output,))
    return check(graph)


def _once(build: Builder, equation: Equation) -> bool:
    """Enter an equation of parameters and constants; return whether it is one."""
    if not _is_static(build, equation.expression):
        return False
    node = _root(build, equation.expression, equation.name)
    build.once(equation.name, node.expression, node.dims, over=node.over, kind=node.kind)
    return True


class _Root(NamedTuple):
    """What stands at the root of a formula of parameters: an expression, or a reduction of one."""

    expression: sympy.Expr
    dims: tuple[str, ...]
    over: str = ""
    kind: str = "sum"


def _root(build: Builder, formula: sympy.Basic, name: str) -> _Root:
    if isinstance(formula, Apply):  # of each row the sum of its entries, multiplied by those of the vector
        matrix, vector = formula.matrix, _operand(build, formula.vector, name)
        expression = symbol(matrix.name + TRANSPOSED * matrix.transposed) * symbol(vector + ACROSS)
        return _Root(expression, (matrix.codomain,), "rows")
    if isinstance(formula, Reduction):  # of a step it is a number per row of the batch, and here one number
        return _Root(symbol(_operand(build, formula.vector, name)), (), "all", formula.kind)
    if isinstance(formula, Elementwise):  # the function at the root is the equation itself
        expression = formula.func(*(_expression(build, argument, name) for argument in formula.args))
    else:
        expression = _expression(build, formula, name)
    return _Root(expression, build.map_dims(expression))


def _reduced_once(build: Builder, formula: Apply | Reduction, name: str) -> str:
    """Return the value that a product or reduction of parameters is."""
    node = _root(build, formula, name)
    names = [found.name for found in node.expression.free_symbols]
    vector = next(base(name) for name in names if is_repeated(name) or len(names) == 1)
    wish = f"{formula.matrix.name}{'T' * formula.matrix.transposed}" if isinstance(formula, Apply) else node.kind
    return build.over(f"{wish}_{vector}".replace(".", "_"), *node)


def _is_static(build: Builder, formula: sympy.Basic) -> bool:
    names = [symbol.name for symbol in formula.free_symbols]
    return bool(names) and computable(formula) and all(
        build.values[name].role in GIVEN for name in names)


def _matrix(build: Builder, formula: MatrixSum, name: str, anonymous: bool) -> sympy.Expr:
    terms = []
    for coefficient, (factor,) in formula._terms():
        terms.append(_expression(build, coefficient, name) * entry(build, factor, name, anonymous))
    return sympy.Add(*terms)


def _equation(build: Builder, equation: Equation, whole: bool | None) -> None:
    name, formula = equation.name, equation.expression
    if isinstance(formula, Apply) and not _is_static(build, formula):
        operand = _operand(build, formula.vector, name)
        copied = build.values[operand].whole and whole is not None
        made = build.matmul(formula.matrix.name, formula.matrix.transposed, operand, None if copied else name)
        if copied:
            build.map(name, symbol(made), whole=whole)
        return
    if isinstance(formula, Reduction):
        build.reduce(formula.kind, _operand(build, formula.vector, name), name)
        return
    if isinstance(formula, Elementwise) and len(formula.args) == 1 and formula.args[0].has(Apply):
        inside = _expression(build, formula.args[0], name)
        preactivation = build.value_of(inside, f"a_{name.replace('.', '_')}", anonymous=False)
        build.map(name, formula.func(symbol(preactivation)), dims=equation.dims, whole=whole)
        return
    if isinstance(formula, Elementwise):  # the function at the root is the equation itself
        inside = formula.func(*(_expression(build, a, name) for a in formula.args))
        build.map(name, inside, dims=equation.dims, whole=whole)
        return
    build.map(name, _expression(build, formula, name), dims=equation.dims, whole=whole)


def _expression(build: Builder, formula: sympy.Basic, name: str) -> sympy.Basic:
    """Return the formula with products and inner function values replaced by symbols of values."""
    if isinstance(formula, sympy.Symbol):
        return symbol(formula.name)
    if isinstance(formula, (Apply, Reduction)) and _is_static(build, formula):
        return symbol(_reduced_once(build, formula, name))
    if isinstance(formula, Apply):
        operand = _operand(build, formula.vector, name)
        return symbol(build.matmul(formula.matrix.name, formula.matrix.transposed, operand))
    if isinstance(formula, Reduction):
        return symbol(build.reduce(formula.kind, _operand(build, formula.vector, name)))
    if isinstance(formula, Shared):
        return symbol(_shared(build, formula, name))
    if not formula.args:
        return formula
    arguments = [_expression(build, argument, name) for argument in formula.args]
    inner = formula.func(*arguments)
    # A selection is cheap and its derivative does not need its value: it stays inside the formula.
    if isinstance(formula, Elementwise) and formula.func is not where_ and inner.free_symbols:
        if _is_static(build, inner):
            return symbol(build.once_of(inner, _function_name(inner)))
        return symbol(build.value_of(inner, _function_name(inner)))
    return inner


def _shared(build: Builder, formula: Shared, name: str) -> str:
    def make() -> str:
        inner = formula.formula
        if not formula.letter:
            return _operand(build, inner, name)
        out = build.fresh(f"{formula.letter}_{name.replace('.', '_')}")
        build.reserved.add(out)  # a normalisation inside this one must not take it
        if _is_static(build, inner):
            node = _root(build, inner, name)
            return build.once(out, node.expression, node.dims, over=node.over, kind=node.kind)
        if isinstance(inner, Reduction):
            return build.reduce(inner.kind, _operand(build, inner.vector, name), out)
        if isinstance(inner, Elementwise):  # the function's value is what has the name
            return build.map(out, inner.func(*(_expression(build, argument, name) for argument in inner.args)))
        return build.map(out, _expression(build, inner, name))

    return build.shared(formula, make)


def _function_name(applied: sympy.Expr) -> str:
    arguments = [a.name.replace(".", "_") for a in applied.args if isinstance(a, sympy.Symbol)]
    return "_".join([applied.func.__name__, *arguments])


def _operand(build: Builder, formula: sympy.Expr, name: str) -> str:
    inside = _expression(build, formula, name)
    factors = inside.args if isinstance(inside, sympy.Mul) else ()
    named = [factor.name.replace(".", "_") for factor in factors if isinstance(factor, sympy.Symbol)]
    wish = "_".join(named) if named and len(named) == len(factors) else f"{name.replace('.', '_')}_in"
    return build.once_of(inside, wish) if _is_static(build, inside) else build.value_of(inside, wish)
