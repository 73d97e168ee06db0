"""An author of random cells: each decision is an integer that is drawn, each line declared as a class body would.

Choices are ordered from the plain to the special, so that what Hypothesis shrinks to is a short cell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy

from symcell import (
    BlockDiagonal,
    Constant,
    Identity,
    Input,
    Matrix,
    Output,
    Scalar,
    State,
    Vector,
    equal,
    layer_norm,
    leaky_relu,
    maximum,
    minimum,
    reduce_max,
    reduce_mean,
    reduce_sum,
    rms_norm,
    sigmoid,
    softmax,
    tanh,
    where,
)  # fmt: skip
from symcell.declare.functions import FUNCTIONS
from symcell.declare.spec import CellSpec
from symcell.transforms.body import Body

NOTHING = CellSpec("Nothing", "", (), (), (), (), (), "")
DIMS = ("I", "H", "P", "Q")
NUMBERS = (2, 0.5, -1, 3, 0.1, -0.75, 1.5, sympy.Rational(1, 3), sympy.pi, 1e-3)
INITS = ("uniform", "glorot", "orthogonal", "normal", "identity", 0.5)
REDUCTIONS = (reduce_sum, reduce_mean, reduce_max)
POWERS = (2, 3, 0.5, -1, -0.5, 1.5, -2, 4)
UNARY = tuple(name for name, function in FUNCTIONS.items() if len(function.row.partials) == 1)
FINITE = tuple(name for name in UNARY if name not in ("log", "sqrt"))  # of any number, as the entries of a matrix are
DEEPEST = 3

Formula = Any


class Author:
    """What has been declared so far, and how a formula of some dimension is made of it."""

    def __init__(self, integer: Callable[[int, int], int]) -> None:
        """`integer(low, high)` draws one of low, ..., high."""
        self.integer, self.body = integer, Body(NOTHING, "Random", "Drawn at random.")
        self.dims = DIMS[:self.integer(1, 3)]
        self.vectors: dict[str, list[Formula]] = {dim: [] for dim in self.dims}  # of the step
        self.static: dict[str, list[Formula]] = {dim: [] for dim in self.dims}  # of parameters alone
        self.scalars: list[Formula] = []  # of parameters alone
        self.rows: list[Formula] = []  # one number per row
        self.matrices: dict[tuple[str, str], list[Any]] = {}
        self.count = 0

    # --- decisions ----------------------------------------------------------------------------------------

    def one(self, options: Any) -> Any:
        return options[self.integer(0, len(options) - 1)]

    def chance(self, of: int) -> bool:
        return self.integer(1, of) == of

    def dim(self) -> str:
        return self.one(self.dims)

    def declare(self, letter: str, value: Any) -> Any:
        """Declare it under a new name."""
        self.count += 1
        return self.body.add(f"{letter}{self.count}", value)

    # --- vectors ------------------------------------------------------------------------------------------

    def vector(self, dim: str, depth: int) -> Formula:
        """Any formula of this dimension; sometimes named, and met again later."""
        formula = self.one(VECTORS)(self, dim, depth - 1) if depth > 0 else self.leaf(dim)
        if depth > 0 and self.chance(4) and not formula.is_number:
            formula = self.declare("q", formula)
            self.vectors[dim].append(formula)
        return formula

    def leaf(self, dim: str, depth: int = 0) -> Formula:
        if self.vectors[dim] and not self.chance(4):
            return self.one(self.vectors[dim][::-1])
        return self.parameter(dim)

    def parameter(self, dim: str) -> Formula:
        """A vector of parameters alone: declared, met before, or computed once per call."""
        known = self.static[dim]
        if known and not self.chance(2):
            return self.one(known)
        made = self.declare("b", Vector(dim, self.one((0.0, 1.0, "uniform")), not self.chance(6)))
        if self.chance(3):
            made = self.called(made * self.scalar(1))
            made = self.declare("s", made) if self.chance(2) else made
        elif self.chance(8):
            form = self.one((lambda v: softmax(v), lambda v: layer_norm(v), lambda v: self.matrix(dim, dim, 1) @ v))
            made = form(made)
        known.append(made)
        return made

    def sum(self, dim: str, depth: int) -> Formula:
        a, b = self.vector(dim, depth), self.vector(dim, depth)
        return a - b if self.chance(3) else a + b

    def product(self, dim: str, depth: int) -> Formula:
        return self.vector(dim, depth) * self.vector(dim, depth)

    def scaled(self, dim: str, depth: int) -> Formula:
        a, number = self.vector(dim, depth), self.number(depth)
        return self.one((a * number, a + number, number - a, a / (1 + number**2), a / number))

    def function(self, dim: str, depth: int) -> Formula:
        return self.called(self.vector(dim, depth))

    def called(self, a: Formula) -> Formula:
        """A function of one argument; log and sqrt mostly where they are finite."""
        name = self.one(UNARY)
        if name in ("log", "sqrt") and not self.chance(8):
            a = self.one((1 + a**2, 1.5 + tanh(a), 0.5 + abs(a)))
        elif name == "exp" and not self.chance(3):
            a = self.one((tanh(a), -a**2))
        return leaky_relu(a, 0.2) if self.chance(20) else FUNCTIONS[name](a)

    def power(self, dim: str, depth: int) -> Formula:
        a, exponent = self.vector(dim, depth), self.one(POWERS)
        return a**exponent if exponent in (2, 3, 4) else (1 + a**2) ** exponent

    def larger(self, dim: str, depth: int) -> Formula:
        a = self.vector(dim, depth)
        return self.one((maximum, minimum))(a, self.number(depth) if self.chance(3) else self.vector(dim, depth))

    def choice(self, dim: str, depth: int) -> Formula:
        a, b = self.vector(dim, depth), self.number(depth) if self.chance(2) else self.leaf(dim)
        return where(self.condition(dim, depth), a, b)

    def condition(self, dim: str, depth: int) -> Any:
        if depth > 0 and self.chance(3):
            a, b = self.condition(dim, depth - 1), self.condition(dim, depth - 1)
            return self.one((a & b, a | b, ~a))
        a, b = self.vector(dim, depth), self.number(depth) if self.chance(2) else self.leaf(dim)
        return self.one((a > b, a < b, a >= b, a <= b, equal(a, b)))

    def applied(self, dim: str, depth: int) -> Formula:
        other = self.dim()
        return self.matrix(dim, other, 2) @ self.vector(other, depth)

    def summed(self, dim: str, depth: int) -> Formula:
        """What a gate is made of: matrices on two or three vectors that are there, inputs and states most often."""
        there = [(other, vector) for other in self.dims for vector in self.vectors[other]]
        terms = [self.declared_matrix(dim, other) @ vector for other, vector in
                 (self.one(there) for _ in range(self.integer(2, 3)))]
        terms += [self.parameter(dim)] if self.chance(2) else []
        return sum(terms[1:], terms[0])

    def gated(self, dim: str, depth: int) -> Formula:
        f = sigmoid(self.vector(dim, depth))
        return f * self.leaf(dim) + (1 - f) * self.vector(dim, depth)

    def normalised(self, dim: str, depth: int) -> Formula:
        v = (self.vector(dim, depth), self.vector(dim, depth)) if self.chance(3) else self.vector(dim, depth)
        several = isinstance(v, tuple)

        def each() -> Formula:
            return tuple(self.parameter(dim) for _ in v) if several else self.parameter(dim)

        form = self.one((lambda: softmax(v), lambda: layer_norm(v), lambda: layer_norm(v, each(), each()),
                         lambda: rms_norm(v, each()), lambda: layer_norm(v, gain=each(), eps=1e-3)))
        found = form()
        if several:
            self.vectors[dim].append(self.declare("q", found[1]))
        return found[0] if several else found

    def centred(self, dim: str, depth: int) -> Formula:
        v = self.vector(dim, depth)
        return self.one((v - reduce_mean(v), v * self.reduced(depth), v + self.reduced(depth)))

    # --- numbers ------------------------------------------------------------------------------------------

    def number(self, depth: int) -> Formula:
        """A number, a learned one, a constant, or one per row."""
        kind = self.integer(0, 5)
        if kind < 2:
            return self.one(NUMBERS)
        if kind < 4 or depth <= 0:
            return self.scalar(depth)
        return self.one(self.rows) if self.rows and self.chance(2) else self.reduced(depth)

    def scalar(self, depth: int) -> Formula:
        if self.scalars and self.chance(2):
            return self.one(self.scalars)
        made = self.declare("k", self.one((Scalar(0.5), Constant(0.3), Scalar(-1.0), Constant(-2))))
        if depth > 0 and self.chance(2):
            made = self.called(self.one((made, made + self.scalar(0), made * self.scalar(0), 2 - made)))
            made = self.one(REDUCTIONS)(self.parameter(self.dim())) if self.chance(4) else made
            made = self.declare("s", made) if self.chance(2) else made
        self.scalars.append(made)
        return made

    def reduced(self, depth: int) -> Formula:
        formula = self.one(REDUCTIONS)(self.vector(self.dim(), depth - 1))
        if self.chance(3):
            formula = self.called(formula * self.number(0))
        if self.chance(3):
            formula = self.declare("r", formula)
            self.rows.append(formula)
        return formula

    # --- matrices -----------------------------------------------------------------------------------------

    def matrix(self, rows: str, cols: str, depth: int) -> Any:
        """A matrix of this shape: declared, met before, transposed, or made of others."""
        kind = self.integer(0, 12) if depth else 0
        if kind < 6:
            return self.declared_matrix(rows, cols)
        made = self.composed(rows, cols, depth - 1, kind)
        if not self.chance(2):
            return made
        named = self.declare("A", made)
        self.matrices.setdefault((rows, cols), []).append(named)
        return named

    def composed(self, rows: str, cols: str, depth: int, kind: int) -> Any:
        if kind > 9:
            return self.entrywise(rows, cols, kind)
        a = self.matrix(rows, cols, depth)
        if kind == 6 and rows == cols:
            return self.one((a - a.T, a - a.T - self.scalar(1) * Identity(rows), a + a.T + 0.5 * Identity(rows)))
        if kind == 7:
            return BlockDiagonal(self.declared_matrix(rows, cols), self.integer(1, 3))
        if kind == 8:
            between = self.dim()
            return self.matrix(rows, between, depth) @ self.matrix(between, cols, depth)
        return self.scalar(1) * a - self.one((0.5, 2, self.scalar(1))) * self.matrix(rows, cols, depth)

    def entrywise(self, rows: str, cols: str, kind: int) -> Any:
        """A matrix made of the entries of one, or of two."""
        a = self.declared_matrix(rows, cols)
        a = a - self.scalar(1) * self.declared_matrix(rows, cols) if self.chance(3) else a
        if kind == 10:
            return a * self.declared_matrix(rows, cols)
        return softmax(a, axis=self.one(("columns", "rows"))) if kind == 11 else FUNCTIONS[self.one(FINITE)](a)

    def declared_matrix(self, rows: str, cols: str) -> Any:
        known = [*self.matrices.get((rows, cols), ()), *(a.T for a in self.matrices.get((cols, rows), ()))]
        if known and self.chance(3):
            return self.one(known)
        made = self.declare("W", Matrix(rows, cols, self.one(INITS), not self.chance(6)))
        self.matrices.setdefault((rows, cols), []).append(made)
        return made

    # --- the cell -----------------------------------------------------------------------------------------

    def write(self) -> Any:
        """Declare inputs and states, update each, choose an output; return the cell."""
        for k in range(self.integer(1, 3)):
            each = "sequence" if k and self.chance(3) else "step"
            dim = self.dim()
            self.vectors[dim].append(self.declare("x", Input(dim, each)))
        states = [(dim, self.declare("h", State(dim))) for dim in (self.dim() for _ in range(self.integer(1, 3)))]
        for dim, state in states:
            self.vectors[dim].append(state)
        for dim, state in states:
            self.vectors[dim].append(self.body.add(f"{state.name}.next", self.update(dim, state)))
        if self.chance(2):
            self.declare("y", Output(self.vector(self.dim(), 2)))
        return self.body.cell()

    def update(self, dim: str, state: Formula) -> Formula:
        v = self.vector(dim, self.integer(1, DEEPEST))
        return self.one((tanh(v), v + self.parameter(dim) * state, 0.5 * state + 0.25 * v, sigmoid(v) * state,
                         v * sigmoid(state)))


VECTORS = (Author.leaf, Author.applied, Author.summed, Author.function, Author.sum, Author.product, Author.scaled,
           Author.summed, Author.applied, Author.summed, Author.function, Author.gated, Author.larger, Author.choice,
           Author.power, Author.normalised, Author.centred, Author.function)
