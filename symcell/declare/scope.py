"""One class body: the table that its names fill, and the checks made as they come."""

from __future__ import annotations

import builtins
import math
import numbers
import sys
from typing import Any

import sympy

from symcell.declare.errors import CellError, suggestion
from symcell.declare.formula import describe, dims_of, is_vector, normalise
from symcell.declare.functions import FUNCTIONS
from symcell.declare.matrices import COMPUTED, IdentityMatrix, MatrixSum, single
from symcell.declare.members import MEMBERS, Constant, Input, Matrix, Output, Scalar, State, Vector
from symcell.declare.names import check_dimension, check_name
from symcell.declare.reductions import REDUCTIONS
from symcell.declare.size import MAX_TOTAL, check_size
from symcell.declare.spec import CellSpec, Equation, Parameter
from symcell.declare.static import is_static
from symcell.declare.symbols import ANONYMOUS, NEXT, MatrixSymbol, Quantity

MAX_NAMES = 400  # of one cell: beyond it scheduling takes tens of seconds
_MATRICES = (MatrixSymbol, MatrixSum, *COMPUTED)
_INITS = ("uniform", "orthogonal", "glorot", "identity", "normal")


class Scope:
    """What a class body has declared so far."""

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

    # --- naming: the assignment gives a declaration its name --------------------------------------------

    def bind(self, name: str, value: Any) -> Any:
        """Enter `name = value` and return what the name stands for from now on."""
        if isinstance(value, (Quantity, MatrixSymbol)) and value in self.named and not self._has(name):
            return value
        if isinstance(value, sympy.Expr):
            check_size(value, name, self.cell)
        if isinstance(value, MEMBERS):
            self._check_new(name)
            return getattr(self, f"_bind_{type(value).__name__.lower()}")(name, value)
        if isinstance(value, sympy.Expr) and not value.is_number:
            self._check_new(name)
            return self._define(name, value)
        if isinstance(value, COMPUTED):
            value = single(value._terms())
        if isinstance(value, MatrixSum):
            self._check_new(name)
            return self._define_matrix(name, value)
        if self._has(name):
            self._check_new(name)
        items = value.values() if isinstance(value, dict) else value if isinstance(value, (tuple, list, set)) else ()
        if any(isinstance(item, MEMBERS) for item in items):
            raise CellError(f"{self.cell}: {name} holds declarations in a {type(value).__name__}; give each its own "
                            "name: a, b = State(), State(), or in a loop named(\"a_1\", State()).")
        if type(value).__module__ == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") == "O":
            raise CellError(f"{self.cell}: {name} mixes a formula with a NumPy array; a vector of the cell is declared "
                            "as Vector, a number as Scalar or Constant.")
        if isinstance(value, type) and value in MEMBERS:
            word = value.__name__
            raise CellError(f"{self.cell}: {name} = {word} lacks its parentheses: write {word}(...).")
        if isinstance(value, sympy.Expr):
            self._check_finite(name, value)
        return value  # a number, a helper function, a transpose: plain Python

    def _check_new(self, name: str) -> None:
        check_name(name, self.cell)
        if len(self.dims) + len(self.parameters) >= MAX_NAMES:
            raise CellError(f"{self.cell} is too large: more than {MAX_NAMES} names, at {name}.")
        if self._has(name):
            raise CellError(f"{self.cell}: {name} is defined twice. Each equation has its own name; give the second "
                            f"one another, in a loop by named(\"{name}_1\", ...).")

    def _has(self, name: str) -> bool:
        return name in self.dims or name in self.parameters or name in self.equations

    def dimension(self, dim: Any) -> str:
        """Return the dimension that is meant: that of a declared vector, or the one of this name."""
        if isinstance(dim, Quantity):
            dims = self.dims_of_symbol(dim)
            if not is_vector(dims):
                raise CellError(f"{self.cell}: {dim.name} is a scalar and has no dimension; name a vector.")
            return dims[0]
        return check_dimension(dim, self.cell)

    def _quantity(self, name: str, dims: tuple[str, ...]) -> Quantity:
        self.dims[name] = dims
        return Quantity(name, self)

    def _bind_input(self, name: str, declared: Input) -> Quantity:
        self.inputs[name] = self.dimension(declared.dim)
        if not isinstance(declared.each, str) or declared.each not in ("step", "sequence"):
            raise CellError(f"{self.cell}: {name}: each={declared.each!r} is not known; an input is given for each "
                            '"step" or for each "sequence".')
        self.whole += [name] if declared.each == "sequence" else []
        return self._quantity(name, (self.inputs[name],))

    def _bind_state(self, name: str, declared: State) -> Quantity:
        self.states[name] = self.dimension(declared.dim)
        return self._quantity(name, (self.states[name],))

    def _bind_matrix(self, name: str, declared: Matrix) -> MatrixSymbol:
        rows, cols = self.dimension(declared.rows), self.dimension(declared.cols)
        symbol = MatrixSymbol(name, rows, cols, self)
        init, learned = self._init(name, declared.init), self._learned(name, declared.learned)
        self._parameter(Parameter(name, symbol, (rows, cols), init, learned))
        return symbol

    def _bind_vector(self, name: str, declared: Vector) -> Quantity:
        dims = (self.dimension(declared.dim),)
        symbol = self._quantity(name, dims)
        init, learned = self._init(name, declared.init, ("uniform",)), self._learned(name, declared.learned)
        self._parameter(Parameter(name, symbol, dims, init, learned))
        return symbol

    def _bind_scalar(self, name: str, declared: Scalar) -> Quantity:
        symbol = self._quantity(name, ())
        self._parameter(Parameter(name, symbol, (), self._init(name, declared.init, ())))
        return symbol

    def _bind_constant(self, name: str, declared: Constant) -> Quantity:
        self.constants[name] = self._number(name, declared.value)
        return self._quantity(name, ())

    def _bind_output(self, name: str, declared: Output) -> Quantity:
        if self.output is not None:
            raise CellError(f"{self.cell}: {name}: a second Output; a step returns one value, here {self.output}.")
        self.output = name
        expression = declared.expression
        if not isinstance(expression, sympy.Expr):
            raise CellError(f"{self.cell}: {name} = Output(...) expects a vector expression; got {expression!r}.")
        return self._define(name, expression, vector=True)

    def _parameter(self, parameter: Parameter) -> None:
        self.parameters[parameter.name] = parameter

    def _learned(self, name: str, learned: Any) -> bool:
        if not isinstance(learned, bool):
            raise CellError(f"{self.cell}: {name}: learned={learned!r} is neither True nor False.")
        return learned

    def _init(self, name: str, init: Any, words: tuple[str, ...] = _INITS) -> str | float:
        if isinstance(init, str):
            if init not in words:
                raise CellError(f"{self.cell}: {name}: init={init!r} is not known here; expected a number"
                                + (f" or one of {', '.join(words)}." if words else "."))
            return init
        return self._number(name, init)

    def _number(self, name: str, value: Any) -> float:
        real = isinstance(value, (numbers.Real, sympy.Number)) and not isinstance(value, bool)
        try:
            number = float(value) if real else math.nan
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise CellError(f"{self.cell}: {name}: expected a finite number, got {value!r}.")
        return number

    # --- equations ---------------------------------------------------------------------------------------

    def _define(self, name: str, expression: sympy.Expr, vector: bool = False) -> Quantity:
        formula = normalise(expression, name, self)
        dims = dims_of(formula, name, self)
        if vector and not is_vector(dims):
            raise CellError(f"{self.cell}: {name} = {formula} is a scalar; a vector is expected.")
        symbol = self._quantity(name, dims)
        self.equations[name] = Equation(name, symbol, formula, dims)
        return symbol

    def count(self, formula: sympy.Basic, name: str) -> None:
        """Refuse a formula that is too large, or with which the cell is."""
        self.operations += check_size(formula, name, self.cell)
        if self.operations > MAX_TOTAL:
            raise CellError(f"{self.cell} is too large: more than {MAX_TOTAL} operations in all equations, at {name}.")

    # --- matrices ------------------------------------------------------------------------------------------

    def _define_matrix(self, name: str, value: MatrixSum) -> Any:
        """Enter a matrix that is computed once per call; products, and identities alone, stay an abbreviation."""
        if not value.matrices or any(len(factors) > 1 for _, factors in value._terms()):
            return value
        terms = [sympy.Tuple(self.check_coefficient(c, value), *factors) for c, factors in value._terms()]
        for matrix in value.matrices:
            if matrix._scope is not self:
                raise CellError(f"{self.cell}: {name}: the matrix {matrix} belongs to the cell {matrix._scope.cell}.")
        dims = value.codomain, value.domain
        symbol = MatrixSymbol(name, *dims, self)
        self.equations[name] = Equation(name, symbol, value.func(*terms), dims)
        return symbol

    def matrix_of(self, value: MatrixSum) -> MatrixSymbol:
        """Return the matrix that a sum without a name is; the same sum is computed once."""
        if value not in self.sums:
            self.count(value, "a matrix")
            self.sums[value] = self._define_matrix(f"{ANONYMOUS}{len(self.sums) + 1}", value)
        return self.sums[value]

    def text_of(self, name: str) -> str:
        """Return what a matrix is called in a formula: its name, or the sum that it is."""
        return f"({self.equations[name].expression})" if name.startswith(ANONYMOUS) else name

    def check_coefficient(self, value: sympy.Expr, matrix: Any) -> sympy.Expr:
        """Return what stands in front of a matrix, if it is a scalar of parameters and constants."""
        if value.is_number:
            return normalise(value, str(matrix), self)
        formula = normalise(value, str(matrix), self)
        if is_vector(dims_of(formula, str(matrix), self)) or not is_static(formula, self):
            raise CellError(f"{self.cell}: in {matrix} the factor {formula} is no scalar of parameters and constants; "
                            f"a vector multiplies the result: {formula} * (A @ v).")
        return formula

    def check_vector(self, identity: IdentityMatrix, vector: sympy.Expr) -> None:
        """Require a vector of the dimension of an identity matrix."""
        dims = dims_of(vector, f"{identity} @ {vector}", self)
        if dims != (identity.domain,):
            got = f"a vector of {dims[0]}" if dims else "a scalar"
            raise CellError(f"{self.cell}: the shapes in {identity} @ {vector} do not agree: {vector} is {got}.")

    def _check_finite(self, name: str, value: sympy.Expr) -> None:
        if not (value.is_real and value.is_finite):
            raise CellError(f"{self.cell}: {name} = {value}: not a finite real number (a division by zero?).")

    def set_next(self, state: Quantity, expression: Any) -> None:
        """Record `state.next = expression`."""
        name = state.name + NEXT
        self._check_state(state, f"{name} = ...")
        if name in self.equations:
            raise CellError(f"{self.cell}: {name} is set twice; a state has one update. Name its parts instead.")
        formula = sympy.sympify(expression) if isinstance(expression, (int, float)) else expression
        if not isinstance(formula, sympy.Expr):
            hint = " A matrix is applied to a vector v by A @ v." if isinstance(formula, _MATRICES) else ""
            raise CellError(f"{self.cell}: {name} expects a vector expression; got {expression!r}.{hint}")
        formula = normalise(formula, name, self)
        dims, expected = dims_of(formula, name, self), (self.states[state.name],)
        if dims != expected:
            raise CellError(f"{self.cell}: {name} = {formula} is {describe(dims)}; the state {state.name} is "
                            f"{describe(expected)}.")
        self.equations[name] = Equation(name, self._quantity(name, dims), formula, dims)

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

    # --- the end of the class body ---------------------------------------------------------------------

    def finish(self, doc: str) -> CellSpec:
        """Check the whole and freeze it."""
        if self.deleted is not None:
            raise CellError(f"{self.cell}: {self.deleted} cannot be deleted: a declaration is not undone.")
        if not self.states:
            raise CellError(f"{self.cell}: no State is declared: a recurrent cell needs one, such as h = State().")
        if not self.inputs:
            raise CellError(f"{self.cell}: no Input is declared: write x = Input().")
        if len(self.whole) == len(self.inputs):
            raise CellError(f"{self.cell}: {', '.join(self.whole)} stays for the whole sequence, and nothing says how "
                            "many steps there are: declare an Input() of each step as well.")
        for state in self.states:
            if state + NEXT not in self.equations:
                raise CellError(f"{self.cell}: the state {state} has no update; write {state}.next = ... .")
        if self.output_written and self.output is None:
            raise CellError(f"{self.cell}: an Output(...) has no name; write y = Output(...).")
        output = self.output or next(iter(self.states)) + NEXT
        return CellSpec(
            self.cell, doc, tuple(self.inputs.items()), tuple(self.states.items()), tuple(self.parameters.values()),
            tuple(self.constants.items()), tuple(self.equations.values()), output,
            tuple(self.whole))


class Namespace(dict[str, Any]):
    """The namespace of a class body: assignment names, and an unknown name gets a suggestion."""

    def __init__(self, cell: str) -> None:
        """Open the scope of the cell."""
        super().__init__()
        self.scope = Scope(cell)

    def __setitem__(self, name: str, value: Any) -> None:
        plain = name.startswith("__") and name.endswith("__")
        if name == "__slots__" or (name == "__doc__" and not isinstance(value, (str, type(None)))):
            wanted = "text" if name == "__doc__" else "no such line: a cell has no instances"
            raise CellError(f"{self.scope.cell}: {name} = {value!r}: expected {wanted}.")
        super().__setitem__(name, value if plain else self.scope.bind(name, value))

    def __delitem__(self, name: str) -> None:
        # Python turns what is raised here into a NameError, so the error waits for the end of the class body.
        if name in self.scope.dims or name in self.scope.parameters:
            self.scope.deleted = name
        else:
            super().__delitem__(name)

    def __missing__(self, name: str) -> Any:
        # Python looks a name up here first and goes on to closure, globals and builtins only on a KeyError.
        frame = sys._getframe(1)
        elsewhere = {*frame.f_code.co_freevars, *frame.f_code.co_cellvars, *frame.f_globals, *vars(builtins)}
        if name in elsewhere or name.startswith("__"):
            raise KeyError(name)
        known = [*self, *FUNCTIONS, *REDUCTIONS, *(member.__name__ for member in MEMBERS), "BlockDiagonal", "Identity"]
        hint = suggestion(name, known)
        raise CellError(f"{self.scope.cell}: the name {name!r} is not defined above this line.{hint}")

