"""The table of elementwise functions: one row each, with its derivative, NumPy, C and LaTeX.

A function is opaque to SymPy: it never evaluates, merges or expands itself, so the formula that was written
is the formula that is compiled. Its derivative is given by its row, in terms of its value where that is
cheaper: sigmoid' = y*(1 - y). At a kink the subgradient is PyTorch's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from sympy.core.relational import Relational
from sympy.logic.boolalg import And, BooleanAtom, Not, Or

from symcell.declare import numeric
from symcell.declare.asked import Operand
from symcell.declare.errors import CellError, cell_being_declared
from symcell.declare.matrices import MatrixAlgebra, misuse
from symcell.declare.size import check_levels

Formula = Callable[..., Any]
CONDITIONS = (Relational, And, Or, Not)  # not SymPy's Boolean: every Symbol is one


@dataclass(frozen=True)
class Function:
    """One row: everything symcell knows of an elementwise function."""

    name: str
    partials: tuple[Formula, ...]  # d/d(argument k), called with the arguments and then the value
    numpy: Callable[..., Any]  # float64 and complex128 arrays
    c: str  # the vector function in runtime/include/symcell
    latex: str  # with {0}, {1} for the printed arguments
    analytic: bool = True  # complex-step differences hold
    cost: int = 12  # of one evaluation, in multiplications: what a tape decision weighs
    body: str = ""  # of a function that its author registered: the C expression that `c` returns, with {0}, {1}


class Elementwise(Operand, sympy.Function):
    """A function of the table, applied to scalars that stand for the components of vectors."""

    row: Function
    levels: int  # of functions in each other, this one included

    def __new__(cls, *arguments: Any, **options: Any) -> sympy.Expr:
        """Apply the function.

        Raises:
            CellError: the number or the kind of arguments is wrong.
        """
        count = len(cls.row.partials)
        if len(arguments) != count:
            raise CellError(f"{cell_being_declared()}{cls.row.name}() takes {count} argument{'s' * (count > 1)}, "
                            f"got {len(arguments)}.")
        if count == 1 and isinstance(arguments[0], MatrixAlgebra):
            return _of_matrix(cls.row, arguments[0])
        for index, argument in enumerate(arguments):
            condition = cls.row.name == "where" and index == 0
            fits = isinstance(argument, CONDITIONS if condition else (sympy.Expr, int, float))
            # In an epilogue a repeated condition has become a symbol (schedule.cse).
            if not fits and not (condition and isinstance(argument, (sympy.Symbol, BooleanAtom))):
                raise CellError(f"{cell_being_declared()}{cls.row.name}() applies to formulas of vectors and scalars, "
                                f"got {argument!r}.")
            if condition and isinstance(argument, BooleanAtom):  # SymPy could decide it: h**2 > -1
                return sympy.sympify(arguments[1] if argument else arguments[2])
        made = super().__new__(cls, *arguments, **options)
        made.levels = check_levels(made, cls.row.name)
        return made

    @classmethod
    def eval(cls, *args: Any) -> None:
        """Stay as written: SymPy simplifies nothing inside or around the function."""

    def _eval_is_real(self) -> bool:
        return True

    def _eval_evalf(self, prec: int) -> None:
        """Have no value of its own: SymPy would look for a function of the same name elsewhere."""

    def fdiff(self, argindex: int = 1) -> sympy.Expr:
        """Differentiate by argument number `argindex`, as the row says."""
        return sympy.sympify(self.row.partials[argindex - 1](*self.args, self))

    def _eval_derivative(self, s: sympy.Symbol) -> sympy.Expr:
        # Conditions (the first argument of `where`) are not differentiated and have no `diff`.
        terms = []
        for index, argument in enumerate(self.args, start=1):
            inner = sympy.S.Zero if isinstance(argument, CONDITIONS) else argument.diff(s)
            if inner is not sympy.S.Zero:
                terms.append(self.fdiff(index) * inner)
        return sympy.Add(*terms)


def _of_matrix(row: Function, matrix: MatrixAlgebra) -> Any:
    """Apply a function to each entry of a matrix, once per call: by the NumPy function, which a module has to name."""
    from symcell.declare.entrywise import function_of
    from symcell.declare.static import numpy_text

    if numpy_text(row) is None:
        raise misuse(matrix, f"{row.name}({matrix}): a function of your own applies to vectors and scalars only.")
    return function_of(row.name, matrix)


FUNCTIONS: dict[str, type[Elementwise]] = {}


def define(row: Function) -> type[Elementwise]:
    """Enter a row into the table and return its SymPy function."""
    cls = type(row.name, (Elementwise,), {"row": row, "nargs": (len(row.partials),), "__doc__": row.latex})
    FUNCTIONS[row.name] = cls
    return cls


def _if(condition: Any, yes: Any, no: Any) -> sympy.Expr:
    return where_(sympy.sympify(condition), sympy.sympify(yes), sympy.sympify(no))


def _larger(a: Any, b: Any) -> sympy.Expr:
    """1 where a is the larger, 0 where b is, a half each at a tie."""
    return _if(a > b, 1, _if(a < b, 0, _HALF))


_HALF, _SIXTH = sympy.Rational(1, 2), sympy.Rational(1, 6)
_CALL = r"\operatorname{{%s}}\left({0}\right)"

where_ = define(Function(
    "where", (lambda c, a, b, y: 0, lambda c, a, b, y: _if(c, 1, 0), lambda c, a, b, y: _if(c, 0, 1)),
    np.where, "vselect",
    r"\begin{{cases}} {1} & \text{{if }} {0} \\ {2} & \text{{otherwise}} \end{{cases}}", analytic=False, cost=2))

sigmoid = define(Function(
    "sigmoid", (lambda x, y: y * (1 - y),), numeric.sigmoid, "vsigmoid", r"\sigma\left({0}\right)"))
tanh = define(Function("tanh", (lambda x, y: 1 - y**2,), np.tanh, "vtanh", r"\tanh\left({0}\right)"))
exp = define(Function("exp", (lambda x, y: y,), np.exp, "vexp", r"\exp\left({0}\right)"))
log = define(Function("log", (lambda x, y: 1 / x,), np.log, "vlog", r"\log\left({0}\right)"))
sqrt = define(Function("sqrt", (lambda x, y: 1 / (2 * y),), np.sqrt, "vsqrt", r"\sqrt{{{0}}}", cost=6))
relu = define(Function(
    "relu", (lambda x, y: _if(x > 0, 1, 0),), numeric.relu, "vrelu", _CALL % "relu", False, 1))
absolute = define(Function(
    "abs", (lambda x, y: FUNCTIONS["sign"](x),), np.abs, "vabs", r"\left|{0}\right|", False, 1))
sign = define(Function("sign", (lambda x, y: 0,), np.sign, "vsign", _CALL % "sign", False, 2))
maximum = define(Function(
    "maximum", (lambda a, b, y: _larger(a, b), lambda a, b, y: _larger(b, a)),
    np.maximum, "vmax", r"\max\left({0}, {1}\right)", False, 1))
minimum = define(Function(
    "minimum", (lambda a, b, y: _larger(b, a), lambda a, b, y: _larger(a, b)),
    np.minimum, "vmin", r"\min\left({0}, {1}\right)", False, 1))
softplus = define(Function(
    "softplus", (lambda x, y: sigmoid(x),), numeric.softplus, "vsoftplus", _CALL % "softplus", cost=24))
logsigmoid = define(Function(
    "logsigmoid", (lambda x, y: sigmoid(-x),), numeric.logsigmoid, "vlogsigmoid", r"\log\sigma\left({0}\right)",
    cost=24))
hard_sigmoid = define(Function(
    "hard_sigmoid", (lambda x, y: _if((x > -3) & (x < 3), _SIXTH, 0),), numeric.hard_sigmoid, "vhard_sigmoid",
    _CALL % "hardsigmoid", False, 3))
hard_tanh = define(Function(
    "hard_tanh", (lambda x, y: _if((x > -1) & (x < 1), 1, 0),), numeric.hard_tanh, "vhard_tanh",
    _CALL % "hardtanh", False, 2))
erf = define(Function(
    "erf", (lambda x, y: 2 / sympy.sqrt(sympy.pi) * exp(-(x**2)),), numeric.erf, "verf", _CALL % "erf"))
gelu = define(Function(
    "gelu", (lambda x, y: (1 + erf(x / sympy.sqrt(2))) / 2 + x * exp(-(x**2) / 2) / sympy.sqrt(2 * sympy.pi),),
    numeric.gelu, "vgelu", _CALL % "gelu", cost=16))
silu = define(Function(
    "silu", (lambda x, y: sigmoid(x) * (1 + x * (1 - sigmoid(x))),), numeric.silu, "vsilu", _CALL % "silu", cost=13))
elu = define(Function(
    "elu", (lambda x, y: _if(x > 0, 1, exp(minimum(x, 0))),), numeric.elu, "velu", _CALL % "elu", False))


def leaky_relu(x: Any, slope: Any = 0.01) -> sympy.Expr:
    """`x` where it is positive, `slope * x` elsewhere (Maas et al. 2013)."""
    if not all(is_formula(value) for value in (x, slope)):
        raise CellError(f"{cell_being_declared()}leaky_relu() applies to a formula, with a number or a formula as its "
                        f"slope; got {x!r} and {slope!r}.")
    x, slope = sympy.sympify(x), sympy.sympify(slope)
    if sympy.nan in (x, slope):
        raise CellError(f"{cell_being_declared()}leaky_relu() got a number that is none: {x}, {slope}.")
    return where(x > 0, x, slope * x)


def is_formula(value: Any) -> bool:
    """Whether elementwise algebra applies: a formula of vectors and scalars, or a number, and no comparison."""
    return isinstance(value, (sympy.Expr, int, float)) and not isinstance(value, bool)


def equal(a: Any, b: Any) -> sympy.Expr:
    """Compare for `where`: Python's `==` compares the formulas and not their values."""
    if not all(isinstance(value, (sympy.Expr, int, float)) for value in (a, b)):
        raise CellError(f"{cell_being_declared()}equal() compares two formulas, got {a!r} and {b!r}.")
    return sympy.Eq(a, b, evaluate=False)


def where(condition: Any, a: Any, b: Any) -> sympy.Expr:
    """`a` where the condition holds, `b` elsewhere. Conditions: <, <=, >, >=, equal(), and &, |, ~ of them."""
    if isinstance(condition, (bool, BooleanAtom)):
        raise CellError(
            f"{cell_being_declared()}where() got a condition that is always {condition}. If it was written with `==`, "
            "that compares two formulas and not their values: write equal(a, b), or a comparison with <, <=, >, >=."
        )
    if not isinstance(condition, CONDITIONS):
        raise CellError(f"{cell_being_declared()}where() expects a comparison as its first argument, such as x > 0, or "
                        f"several joined by &, | and ~; got {condition}.")
    return where_(condition, a, b)
