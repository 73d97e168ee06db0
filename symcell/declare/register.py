"""register_function: a function of the author's own, in one call, for everything that the table's functions reach."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

import sympy

from symcell.declare.c_text import check_c
from symcell.declare.entrywise import AXES
from symcell.declare.errors import CellError, suggestion
from symcell.declare.formula import in_own_words
from symcell.declare.formula_data import LOGIC, NUMBERS, SUM_OF_MATRICES
from symcell.declare.formula_reader import FACTORS
from symcell.declare.functions import CONDITIONS, FUNCTIONS, Elementwise, Function, define
from symcell.declare.members import MEMBERS
from symcell.declare.names import check_name
from symcell.declare.reductions import HELD, REDUCTIONS
from symcell.declare.trial import Trial

_TAKEN = {*(word.__name__ for word in MEMBERS), "equal", "leaky_relu", "named", "float", "BlockDiagonal", "Identity",
          SUM_OF_MATRICES, *AXES, *NUMBERS, *LOGIC, *HELD, *FACTORS, *REDUCTIONS}
_DEAREST = 10**6
_PLACE = re.compile(r"\{(\d)\}")
_LATEX = re.compile(r"[A-Za-z0-9 \\{}()\[\]|^_+\-*/=.,:;<>!'&]+\Z")
# What would do more than print: files, definitions, and characters that come to mean something else.
_COMMANDS = re.compile(r"\\(input|include|openin|openout|read|write|immediate|special|catcode|(re|provide)?newcommand|"
                       r"[egx]?def|let|csname|usepackage|require|url|href|html\w*|global|long|outer|loop|repeat|"
                       r"document|end\s*\{\s*document\s*\}|renewcommand)(?![A-Za-z])")
_PARTS = (sympy.Symbol, sympy.Number, sympy.NumberSymbol, sympy.Add, sympy.Mul, sympy.Pow, Elementwise, *CONDITIONS)
Derivative = Callable[..., Any]


def register_function(name: str, derivative: Derivative | Sequence[Derivative], c: str, numpy: Callable[..., Any],
                      latex: str | None = None, domain: tuple[float, float] = (-3.0, 3.0), cost: int = 24,
                      ) -> type[Elementwise]:
    r"""Enter an elementwise function into the language, and return it for use in class bodies.

        mish = register_function(
            "mish", derivative=lambda x, y: tanh(softplus(x)) + x * sigmoid(x) * (1 - tanh(softplus(x)) ** 2),
            c="{0} * vtanh(vsoftplus({0}))", numpy=lambda x: x * np.tanh(np.logaddexp(0, x)))

    Args:
        name: under which formulas, documents and errors know it.
        derivative: called with the arguments as SymPy symbols and then the value: for sigmoid
            `lambda x, y: y * (1 - y)`. A function of several arguments has a sequence of derivatives, one by each.
        c: one C expression of {0}, {1} in the vector type of the kernels: + - * /, the functions of
            symcell/runtime/include/symcell/functions.h, and vfill(0.5) for a number. It is compiled as it is.
        numpy: of float64 arrays; where it takes complex ones, derivatives are checked to 10 digits instead of 6.
        latex: with {0}, {1} for the printed arguments; without it, the name.
        domain: between which arguments the derivative is compared with differences of `numpy`. At a kink every slope
            between those of its two sides will do.
        cost: of one evaluation, in multiplications, an integer, which decides what a tape saves.

    Raises:
        CellError: the name is taken, one of the forms is not well formed, or the derivative is not that of `numpy`.
            Registering the same function again returns the one that is there.
    """
    check_name(name, "register_function")
    partials = tuple(derivative) if isinstance(derivative, Sequence) else (derivative,)
    _check_forms(name, partials, c, numpy, latex)
    partials = tuple(map(_own, partials))
    cost = _checked_cost(name, cost)
    row = Function(name, partials, numpy, f"SC(sc_user_{name})", latex or _operator(name, len(partials)), cost=cost,
                   body=c)
    known = FUNCTIONS.get(name)
    if name in _TAKEN or (known is not None and not known.row.body):
        raise CellError(f"register_function: {name} is a word of the language already; choose another name.")
    trial = Trial(row, domain)
    formulas = _formulas(row)
    row = replace(row, analytic=trial.check(formulas))
    if known is None:
        return define(row)
    if (known.row.body, known.row.latex, known.row.cost) == (c, row.latex, cost) and _formulas(known.row) == formulas \
            and trial.same_values(known.row.numpy):
        return known
    raise CellError(f"register_function: {name} is registered already, with another definition; choose another name.")


def _check_forms(name: str, partials: Sequence[Any], c: Any, numpy: Any, latex: Any) -> None:
    if not 1 <= len(partials) <= 4 or not all(map(callable, (*partials, numpy))):
        raise CellError(f"register_function: {name}: expected functions as `derivative` (one by each of at most 4 "
                        f"arguments) and `numpy`; got {partials!r} and {numpy!r}.")
    check_c(name, c)
    if latex is not None:
        _check_latex(name, latex)
    for form, text in (("c", c), ("latex", latex or "{0}")):
        wrong = [place for place in _PLACE.findall(text) if int(place) >= len(partials)]
        if wrong:
            raise CellError(f"register_function: {name}: `{form}` has the place {{{wrong[0]}}}, and the function has "
                            f"{len(partials)} argument{'s' * (len(partials) > 1)}, the first of which is {{0}}. A "
                            "function of two has a tuple of two derivatives.")


def _checked_cost(name: str, cost: Any) -> int:
    if not isinstance(cost, Integral) or isinstance(cost, bool) or not 0 <= int(cost) <= _DEAREST:
        raise CellError(f"register_function: {name}: `cost` counts multiplications; expected an integer from 0 to "
                        f"{_DEAREST}, got {cost!r}.")
    return int(cost)


def _check_latex(name: str, latex: Any) -> None:
    if not isinstance(latex, str) or not _LATEX.match(latex) or "{0}" not in latex:
        raise CellError(f"register_function: {name}: expected LaTeX of ASCII characters with {{0}} for the argument as "
                        f"`latex`, none of $ % # ~ in it; got {latex!r}.")
    if command := _COMMANDS.search(latex):
        raise CellError(f"register_function: {name}: `latex` holds {command[0]}, which is no mathematics.")
    depth = 0
    for character in latex.replace(r"\{", "").replace(r"\}", ""):
        depth += (character == "{") - (character == "}")
        if depth < 0:
            break
    if depth:
        raise CellError(f"register_function: {name}: the braces of `latex` do not match: {latex!r}.")


def _operator(name: str, count: int) -> str:
    places = ", ".join(f"{{{index}}}" for index in range(count))
    return r"\operatorname{" + name.replace("_", r"\_") + r"}\left(" + places + r"\right)"


def _formulas(row: Function) -> tuple[sympy.Expr, ...]:
    """Return the derivatives of symbols a0, a1 and the value y, or refuse them."""
    symbols = sympy.symbols([*(f"a{index}" for index in range(len(row.partials))), "y"], real=True)
    return tuple(_formula(row, partial, symbols) for partial in row.partials)


def _own(partial: Derivative) -> Derivative:
    """Return a derivative in the functions of the table, where SymPy's own ones are written."""
    return lambda *arguments: in_own_words(sympy.sympify(partial(*arguments), strict=True))


def _formula(row: Function, partial: Derivative, symbols: Sequence[sympy.Symbol]) -> sympy.Expr:
    where = f"register_function: {row.name}: `derivative`"
    try:
        formula = partial(*symbols)
    except CellError:
        raise
    except Exception as error:
        raise CellError(f"{where}, called with {', '.join(map(str, symbols))}, fails: {type(error).__name__}: {error}. "
                        "It takes the arguments and then the value, and returns a formula.") from error
    for part in sympy.preorder_traversal(formula):
        if not isinstance(part, _PARTS) or part in (sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
            used = part.func.__name__
            hint = suggestion(used, FUNCTIONS)
            raise CellError(f"{where} uses {used}, which is not in the table of functions.{hint} The functions are "
                            f"{', '.join(sorted(FUNCTIONS))}.")
        if isinstance(part, sympy.Pow) and not part.is_number and not part.exp.is_Integer:
            raise CellError(f"{where} holds the power {part}; exponents are integers, and there is sqrt().")
    return formula
