"""A declaration over two steps, written out as scalars, and differentiated by SymPy: no graph, no adjoint.

Each equation becomes one scalar statement per component and step, matrix products written out as sums.
`sympy.diff` gives the partial derivatives of each statement; the chain rule carries them forward from
statement to statement (forward mode: the other direction from the reverse sweep it is compared with).
Functions are opaque to SymPy, with derivatives of their own below, which the tests prove from SymPy's own
exp, tanh, log and erf. (One `sympy.diff` of the nested loss gives the same, as a test shows, but takes longer.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

import numpy as np
import sympy

from symcell.declare.entrywise import AXES, EntrywiseFunction, EntrywiseProduct
from symcell.declare.functions import Elementwise
from symcell.declare.matrix_sum import MatrixSum
from symcell.declare.patterns import BlockMatrix, IdentityMatrix
from symcell.declare.reductions import Reduction, Shared
from symcell.declare.spec import CellSpec
from symcell.declare.symbols import NEXT, ROW, Apply
from symcell.proof.algebra import Algebra
from symcell.proof.definitions import PRIMITIVES, defined
from symcell.proof.plain import plain
from symcell.proof.problem import Problem
from symcell.proof.result import FINAL, OUTPUT, Results

DERIVATIVES: dict[str, Callable[[sympy.Expr, sympy.Expr], sympy.Expr]] = {  # of the argument and the value
    "exp": lambda x, y: y,
    "log": lambda x, y: 1 / x,
    "tanh": lambda x, y: (1 - y) * (1 + y),
    "sigmoid": lambda x, y: y - y**2,
    "softplus": lambda x, y: Opaque.sigmoid(x),
    "erf": lambda x, y: 2 / Opaque.root(sympy.pi) * Opaque.exp(-(x**2)),
    "root": lambda x, y: 1 / (2 * y),
    "step": lambda x, y: sympy.S.Zero,
}


class _Primitive(sympy.Function):
    nargs = (1,)
    is_real = True
    primitive = ""

    def _eval_evalf(self, prec: int) -> None:
        """Stay as written: SymPy would look for a function of this name."""

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        return DERIVATIVES[self.primitive](self.args[0], self)


class _Opaque:
    """The primitives as SymPy functions that stay as written."""

    def __init__(self) -> None:
        self.classes = {name: type(name, (_Primitive,), {"primitive": name}) for name in PRIMITIVES}

    def __getattr__(self, name: str) -> Any:
        return self.classes[name]


Opaque: Any = _Opaque()

Tangent = dict[sympy.Symbol, Any]


class Unrolled:
    """The statements of a problem whose entries are elements of an algebra, with their derivatives."""

    def __init__(self, spec: CellSpec, problem: Problem, algebra: Algebra) -> None:
        """Run all statements."""
        self.spec, self.problem, self.algebra = spec, problem, algebra
        self.statements: dict[sympy.Symbol, sympy.Expr] = {}
        self.values: dict[sympy.Expr, Any] = {}  # of every symbol and formula met so far
        self.tangents: dict[sympy.Symbol, Tangent] = {}
        for name, value in problem.constants.items():
            self.values[sympy.Symbol(name, real=True)] = value[()]
            self.tangents[sympy.Symbol(name, real=True)] = {}
        self.leaves = {key: self._leaves("".join(key), array) for key, array in problem.given.items()}
        self.y: list[Any] = []
        self._run()

    def _leaves(self, name: str, array: Any) -> Any:
        """One symbol per entry, of known value, whose derivative by itself is 1."""
        symbols = np.empty(array.shape, dtype=object)
        for index in np.ndindex(array.shape):
            symbols[index] = sympy.Symbol(f"{name}{list(index)}", real=True)
            self.values[symbols[index]] = array[index]
            self.tangents[symbols[index]] = {symbols[index]: 1}
        return symbols

    def _run(self) -> None:
        named = {name: symbols for (_, name), symbols in self.leaves.items()}
        constants = {name: np.asarray(sympy.Symbol(name, real=True)) for name, _ in self.spec.constants}
        states = {name: named[name] for name, _ in self.spec.states}
        sizes = {**self.problem.sizes, ROW: 1}
        for t in range(self.problem.T):
            env = {**named, **constants, **self.problem.now(t, named), **states}
            for equation in self.spec.equations:
                shape = tuple(sizes[dim] for dim in equation.dims)
                size = (1, *shape) if len(shape) == 1 else shape
                formula = self._formula(equation.expression, env)
                result = np.empty(size, dtype=object)
                for index in np.ndindex(size):
                    scalar = _component(formula, index)
                    result[index] = self._statement(f"{equation.name}({t}){list(index)}", scalar)
                env[equation.name] = result
            self.y.append(env[self.spec.output])
            states = {name: env[name + NEXT] for name in states}
        self.state = states

    def _formula(self, node: sympy.Basic, env: dict[Any, Any]) -> Any:
        """The formula with a scalar symbol, or an array of them, for each name: an array of formulas.

        Reductions and what is `shared` become statements of their own, found again in `env` where they recur.
        """
        def walk(node: sympy.Basic) -> Any:
            if isinstance(node, MatrixSum):
                return sum(walk(plain(c)) * self._matrix(factor, env) for c, (factor,) in node._terms())
            if isinstance(node, Apply):
                matrix = env[node.matrix.name]
                columns = matrix if node.matrix.transposed else matrix.T
                return np.dot(np.broadcast_to(walk(node.vector), (1, len(columns))), columns)
            if isinstance(node, sympy.Symbol):
                return env[node.name]
            if isinstance(node, (Reduction, Shared)):
                if node not in env:
                    inner = walk(node.args[0])
                    env[node] = self._part(_reduction(node.kind, inner) if isinstance(node, Reduction) else inner)
                return env[node]
            if not node.args:
                return np.asarray(sympy.Rational(node) if node.is_Float else node, dtype=object)
            arguments = [walk(argument) for argument in node.args]
            if isinstance(node, Elementwise):  # whose definition may speak of an argument twice: f(f(f(x)))
                arguments = [self._part(found) if argument.has(Elementwise) else found
                             for argument, found in zip(node.args, arguments, strict=True)]
            build = defined(Opaque, node.row.name) if isinstance(node, Elementwise) else node.func
            return np.frompyfunc(build, len(arguments), 1)(*arguments)

        return np.asarray(walk(node if isinstance(node, MatrixSum) else plain(node)), dtype=object)

    def _matrix(self, factor: Any, env: Mapping[str, Any]) -> Any:
        if isinstance(factor, EntrywiseFunction):
            return self._function(factor.operation, self._matrix(factor.factors[0], env))
        if isinstance(factor, EntrywiseProduct):
            return reduce(np.multiply, (self._matrix(part, env) for part in factor.args))
        if isinstance(factor, BlockMatrix):
            kept = self._matrix(factor.matrix, env).copy()
            for i, j in np.ndindex(kept.shape):
                if i * factor.blocks // kept.shape[0] != j * factor.blocks // kept.shape[1]:
                    kept[i, j] = sympy.S.Zero
            return kept
        if isinstance(factor, IdentityMatrix):
            return np.eye(self.problem.sizes[factor.domain], dtype=int).astype(object)
        return env[factor.name].T if factor.transposed else env[factor.name]

    def _function(self, operation: str, matrix: Any) -> Any:
        if operation not in AXES:
            return np.frompyfunc(defined(Opaque, operation), 1, 1)(matrix)
        lines = matrix.T if AXES[operation] == "columns" else matrix
        result = np.empty(lines.shape, dtype=object)
        for index, line in enumerate(lines):  # the largest is subtracted, as in the graph, and here differentiated too
            weights = self._part(np.frompyfunc(Opaque.exp, 1, 1)(line - self._part(_reduction("max", line)).item()))
            result[index] = weights / self._part(_reduction("sum", weights)).item()
        return result.T if AXES[operation] == "columns" else result

    def _part(self, formula: Any) -> Any:
        """A statement for each entry of an array of formulas."""
        state = np.frompyfunc(lambda entry: self._statement(f"part {len(self.statements)}", sympy.sympify(entry)), 1, 1)
        return np.asarray(state(formula), dtype=object)

    def _statement(self, name: str, scalar: sympy.Expr) -> sympy.Symbol:
        symbol = sympy.Symbol(name, real=True)
        self.statements[symbol] = scalar
        self.values[symbol] = self.value(scalar)
        tangent: Tangent = {}
        for read in sorted(scalar.free_symbols, key=str):
            partial = self.value(sympy.diff(scalar, read))
            for leaf, rate in self.tangents[read].items():
                tangent[leaf] = tangent.get(leaf, 0) + partial * rate
        self.tangents[symbol] = tangent
        return symbol

    def nested(self, symbol: sympy.Symbol) -> sympy.Expr:
        """The statement of a symbol, with all that it reads written into it: an expression of entries only."""
        if symbol not in self.statements:
            return symbol
        scalar = self.statements[symbol]
        return scalar.xreplace({read: self.nested(read) for read in scalar.free_symbols})

    def value(self, formula: sympy.Expr) -> Any:
        """The value of a scalar formula in the algebra; each formula is evaluated once."""
        if formula not in self.values:
            self.values[formula] = self._value(formula)
        return self.values[formula]

    def _value(self, formula: sympy.Expr) -> Any:
        if not formula.args:
            return self.algebra.constant(formula)
        if isinstance(formula, sympy.Pow):
            base, exponent = self.value(formula.base), int(formula.exp)
            return base**exponent if exponent > 0 else 1 / base**-exponent
        arguments = [self.value(argument) for argument in formula.args]
        if isinstance(formula, _Primitive):
            return getattr(self.algebra, formula.primitive)(*arguments)
        result = arguments[0]
        for argument in arguments[1:]:
            result = result + argument if isinstance(formula, sympy.Add) else result * argument
        return result

    def results(self) -> Results:
        """Outputs, final states, and the derivative of the loss by every entry."""
        problem = self.problem
        weighted = list(zip(np.array(self.y, dtype=object).ravel(), problem.dy.ravel(), strict=True))
        for name, symbols in self.state.items():
            weighted += zip(symbols.ravel(), problem.dstate[name].ravel(), strict=True)
        total: Tangent = {}
        for symbol, weight in weighted:
            for leaf, rate in self.tangents[symbol].items():
                total[leaf] = total.get(leaf, 0) + rate * weight
        look_up = np.frompyfunc(self.values.__getitem__, 1, 1)
        gradient = np.frompyfunc(lambda leaf: total.get(leaf, 0), 1, 1)
        results = {(OUTPUT, "y"): look_up(np.array(self.y, dtype=object))}
        results |= {(FINAL, name): look_up(symbols) for name, symbols in self.state.items()}
        return results | {key: np.asarray(gradient(self.leaves[key]), dtype=object) for key in problem.variables}


def _reduction(kind: str, vector: Any) -> Any:
    """The reduction of (1, dim) or (dim,) formulas, as (1, 1); a maximum is made of steps, whose derivative is 0."""
    components = list(vector.ravel())
    if kind in ("sum", "mean"):
        result = sympy.Add(*components) / (len(components) if kind == "mean" else 1)
    else:
        result = reduce(lambda a, b: a + Opaque.step(b - a) * (b - a), components)
    return np.array([[result]], dtype=object)


def _component(formula: Any, index: tuple[int, ...]) -> sympy.Expr:
    """One entry of a formula of vectors (1, dim), matrices, parameters (dim,) and scalars ()."""
    if not index or not formula.ndim:
        return sympy.sympify(formula.ravel()[0])
    shape = (1, formula.shape[-1]) if formula.ndim == 1 else formula.shape
    return sympy.sympify(np.broadcast_to(formula, shape)[index])
