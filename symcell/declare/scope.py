"""What a class body has declared so far, and the checks on names, dimensions and updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy

from symcell.declare.dimensions import describe, dims_of, is_vector
from symcell.declare.errors import CellError
from symcell.declare.formula import normalise
from symcell.declare.matrices import MatrixAlgebra
from symcell.declare.names import check_dimension, check_name
from symcell.declare.size import MAX_TOTAL, check_size
from symcell.declare.spec import Equation, Parameter
from symcell.declare.symbols import ANONYMOUS, NEXT, MatrixSymbol, Quantity

if TYPE_CHECKING:
    from symcell.declare.matrix_sum import MatrixSum

MAX_NAMES = 400  # of one cell: beyond it scheduling takes tens of seconds


class Scope:
    """The table of one class body. `binding` and `derived` enter names and matrices, `finish` makes it a CellSpec."""

    def __init__(self, cell: str) -> None:
        """Start empty, for the cell of this name."""
        self.cell = cell
        self.inputs: dict[str, str] = {}
        self.states: dict[str, str] = {}
        self.whole: list[str] = []  # inputs of the whole sequence
        self.parameters: dict[str, Parameter] = {}
        self.constants: dict[str, float] = {}
        self.equations: dict[str, Equation] = {}
        self.operations = 0  # of all equations
        self.output: str | None = None
        self.output_written = False  # with a name or without
        self.deleted: str | None = None
        self.dims: dict[str, tuple[str, ...]] = {}  # of every quantity
        self.sums: dict[MatrixSum, MatrixSymbol] = {}  # matrices without a name of their own
        self.named: set[Any] = set()  # what `named` has given its name to: an assignment gives it no other

    # --- names and dimensions ------------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Whether the name stands for something of the cell."""
        return name in self.dims or name in self.parameters or name in self.equations

    def check_new(self, name: str) -> None:
        """Refuse a name that cannot be used, that is taken, or that is one too many."""
        check_name(name, self.cell)
        if len(self.dims) + len(self.parameters) >= MAX_NAMES:
            raise CellError(f"{self.cell} is too large: more than {MAX_NAMES} names, at {name}.")
        if self.has(name):
            raise CellError(f"{self.cell}: {name} is defined twice. Each equation has its own name; give the second "
                            f"one another, in a loop by named(\"{name}_1\", ...).")

    def dimension(self, dim: Any) -> str:
        """Return the dimension that is meant: that of a declared vector, or the one of this name."""
        if isinstance(dim, Quantity):
            dims = self.dims_of_symbol(dim)
            if not is_vector(dims):
                raise CellError(f"{self.cell}: {dim.name} is a scalar and has no dimension; name a vector.")
            return dims[0]
        return check_dimension(dim, self.cell)

    def dims_of_symbol(self, symbol: sympy.Symbol) -> tuple[str, ...]:
        """() of a scalar, (dim,) of a vector, (ROW,) of a number per row.

        Raises:
            CellError: a symbol of another cell, or a bare SymPy one.
        """
        if not isinstance(symbol, Quantity) or symbol._scope is not self:
            raise CellError(
                f"{self.cell}: the symbol {symbol} was not declared in this cell; every symbol is an Input, State, "
                "Vector, Scalar or Constant of the class body, or a quantity defined there.")
        return self.dims[symbol.name]

    def text_of(self, name: str) -> str:
        """Return what a matrix is called in a formula: its name, or the sum that it is."""
        return f"({self.equations[name].expression})" if name.startswith(ANONYMOUS) else name

    # --- quantities ----------------------------------------------------------------------------------------

    def quantity(self, name: str, dims: tuple[str, ...]) -> Quantity:
        """Enter a vector or scalar and return its symbol."""
        self.dims[name] = dims
        return Quantity(name, self)

    def define(self, name: str, expression: sympy.Expr, vector: bool = False) -> Quantity:
        """Enter the equation `name = expression`, of a vector if that is asked for, and return its symbol."""
        formula = normalise(expression, name, self)
        dims = dims_of(formula, name, self)
        if vector and not is_vector(dims):
            raise CellError(f"{self.cell}: {name} = {formula} is a scalar; a vector is expected.")
        symbol = self.quantity(name, dims)
        self.equations[name] = Equation(name, symbol, formula, dims)
        return symbol

    def count(self, formula: sympy.Basic, name: str) -> None:
        """Refuse a formula that is too large, or with which the cell is."""
        self.operations += check_size(formula, name, self.cell)
        if self.operations > MAX_TOTAL:
            raise CellError(f"{self.cell} is too large: more than {MAX_TOTAL} operations in all equations, at {name}.")

    # --- updates -------------------------------------------------------------------------------------------

    def set_next(self, state: Quantity, expression: Any) -> None:
        """Record `state.next = expression`."""
        name = state.name + NEXT
        self._check_state(state, f"{name} = ...")
        if name in self.equations:
            raise CellError(f"{self.cell}: {name} is set twice; a state has one update. Name its parts instead.")
        formula = sympy.sympify(expression) if isinstance(expression, (int, float)) else expression
        if not isinstance(formula, sympy.Expr):
            hint = " A matrix is applied to a vector v by A @ v." if isinstance(formula, MatrixAlgebra) else ""
            raise CellError(f"{self.cell}: {name} expects a vector expression; got {expression!r}.{hint}")
        formula = normalise(formula, name, self)
        dims, expected = dims_of(formula, name, self), (self.states[state.name],)
        if dims != expected:
            raise CellError(f"{self.cell}: {name} = {formula} is {describe(dims)}; the state {state.name} is "
                            f"{describe(expected)}.")
        self.equations[name] = Equation(name, self.quantity(name, dims), formula, dims)

    def read_next(self, state: Quantity) -> Quantity:
        """Return the symbol of `state.next`, which must have been set."""
        name = state.name + NEXT
        self._check_state(state, name)
        if name not in self.equations:
            raise CellError(f"{self.cell}: {name} is read before it is set; set {name} above this line "
                            f"(or read {state.name}, the value of the step before).")
        return self.equations[name].symbol

    def _check_state(self, symbol: Quantity, what: str) -> None:
        if symbol.name not in self.states:
            raise CellError(f"{self.cell}: {what}: {symbol.name} is not a State; only a state has .next. "
                            f"States here: {', '.join(self.states) or 'none'}.")
