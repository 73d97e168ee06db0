"""Declarations that nobody means: random words, names and operators on random values, right and wrong ones mixed.

A case is a list of integers, which a small machine reads: it holds a pile of values, declares some of them under names
from a list of good and bad ones, applies operators and functions, sets attributes, and ends the class body.
"""

from __future__ import annotations

import itertools
import operator
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
from hypothesis import strategies as st

import symcell
from symcell import CellError, zoo
from symcell.declare.cell import Cell, CellMeta
from symcell.declare.functions import FUNCTIONS
from symcell.declare.namespace import Namespace
from symcell.graph.adjoint import adjoint
from symcell.graph.lower import lower


class Foreign:
    """A class of somebody else's, whose operators fail."""

    def __repr__(self) -> str:
        return "foreign"


CYCLE: list[Any] = []
CYCLE.append(CYCLE)
OTHER = Namespace("Other")
OTHER["o"], OTHER["O"] = symcell.Input(), symcell.Matrix("H", "I")

NAMES = (
    "a", "b", "c", "W", "U", "v", "T", "B", "I", "H", "seed", "int", "class", "lambda", "nogil", "__init__",
    "__slots__", "_x", "x.next", "a.next", "", " ", "1a", "a b", "α", "ℌ", "é", "a\u0301", "\u202ea", "\x00",
    "\ud800", "__doc__", "a" * 65, "a" * 5000, "spec", "to_json", "next", "e", "pi", "step", "size.of.H",
    "matrix.1", "None", "x", "h",
)
JUNK: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, 1e308, 1e-320, float("nan"), float("inf"), 10**400, 2**63, 1j, "",
    "H", "I", "x", "\ud800", b"H", (), [], {}, set(), (1, 2), [0.5], {"a": 1}, object(), Foreign(), Foreign,
    len, print, int, type, lambda x: x, range(3), np.float64(0.5), np.int64(2), np.zeros(3),
    np.array(None, object), np.zeros((2, 2)), sympy.Symbol("x"), sympy.oo, sympy.nan, sympy.zoo, sympy.I,
    sympy.pi, sympy.Rational(1, 3), sympy.Integer(0), sympy.true, sympy.sin, sympy.Matrix([[1, 2], [3, 4]]),
    sympy.Symbol("y") > 0, sympy.Tuple(1, 2), sympy.Float("1e400"), symcell.Input, symcell.State,
    symcell.Input(), symcell.State("H"), symcell.Output(1), symcell.Constant(0.5), symcell.Scalar(),
    symcell.Vector("H"), Cell, zoo.find("mgu"), OTHER["o"], OTHER["O"], ..., CYCLE,
)
WORDS: tuple[Callable[..., Any], ...] = (
    symcell.Input, symcell.State, symcell.Matrix, symcell.Vector, symcell.Scalar, symcell.Constant, symcell.Output,
)
BINARY = (operator.add, operator.sub, operator.mul, operator.truediv, operator.matmul, operator.pow, operator.lt,
          operator.ge, operator.and_, operator.or_, operator.mod, operator.floordiv, operator.eq, operator.xor)
UNARY = (operator.neg, operator.abs, operator.invert, operator.pos, lambda v: v.T, lambda v: v.next,
         lambda v: v.nope)
CALLS = (*FUNCTIONS.values(), symcell.where, symcell.equal, symcell.leaky_relu, symcell.softmax, symcell.layer_norm,
         symcell.rms_norm, symcell.reduce_sum, symcell.reduce_max, symcell.reduce_mean, symcell.Identity,
         symcell.BlockDiagonal, symcell.named, symcell.residual, symcell.coupled, symcell.with_dims)


@dataclass(frozen=True)
class Malformed:
    """What the machine reads."""

    numbers: tuple[int, ...]
    names: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join(Machine(self, dry=True).log)


class Machine:
    """Performs one case; `log` says in Python what was done."""

    def __init__(self, case: Malformed, dry: bool = False) -> None:
        """`dry`: nothing but the log, errors and all."""
        self.numbers, self.names, self.log = iter(case.numbers), (*NAMES, *case.names), []
        self.own: set[str] = set()
        self.body, self.pile = Namespace("Hostile"), []
        for name, word in (("x", symcell.Input()), ("h", symcell.State()), ("W", symcell.Matrix("H", "I")),
                           ("U", symcell.Matrix("H", "H")), ("b", symcell.Vector("H")), ("s", symcell.Scalar())):
            self.body[name] = word
            self.pile.append(self.body[name])
        if dry:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    self.run()
                except Exception as error:
                    self.log.append(type(error).__name__)

    def pick(self, options: Any) -> Any:
        return options[next(self.numbers, 0) % len(options)]

    def value(self) -> Any:
        return self.pick(JUNK) if next(self.numbers, 0) % 3 == 2 else self.pick(self.pile)

    def run(self) -> Any:
        """Perform all actions; return the cell.

        Raises:
            whatever the declaration raises.
        """
        for _ in range(next(self.numbers, 0) % 12):
            self.pick((self.apply, self.apply, self.call, self.call, self.declare, self.word, self.update,
                       self.deepen))()
        if "h.next" not in self.body.scope.equations:
            self.body["h"].next = 0.5 * self.body["h"]
        cell = CellMeta("Hostile", (Cell,), self.body)
        self.log.append("end of the class body")
        return cell

    def apply(self) -> None:
        if next(self.numbers, 0) % 4 == 3:
            function, arguments = self.pick(UNARY), (self.value(),)
        else:
            function, arguments = self.pick(BINARY), (self.value(), self.value())
        self.perform(function, arguments)

    def call(self) -> None:
        self.perform(self.pick(CALLS), tuple(self.value() for _ in range(self.pick((1, 2, 1, 3, 0, 2)))))

    def word(self) -> None:
        self.perform(self.pick(WORDS), tuple(self.value() for _ in range(self.pick((1, 2, 2, 0, 3, 4)))))
        self.declare(self.pile[-1])

    def perform(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        shown = ", ".join(map(brief, arguments))
        self.log.append(f"v{len(self.pile)} = {getattr(function, '__name__', function)}({shown})")
        if function is operator.pow and not any(getattr(argument, "free_symbols", ()) for argument in arguments):
            return  # of numbers alone: Python and SymPy would compute it exactly, however large
        try:
            self.pile.append(function(*arguments))
        except Exception as error:
            if not outside(error):
                raise
            self.own.add(type(error).__name__)  # of Python's operators on values that symcell never sees

    def deepen(self) -> None:
        """A tower of one operator on quantities."""
        value, other = self.pick(self.pile[:6]), self.pick(self.pile[:6])
        level = self.pick((operator.add, operator.mul, operator.pow))
        function, height = self.pick(tuple(FUNCTIONS.values())), self.pick((90, 120, 700))
        height = min(height, 120) if level is operator.pow else height  # SymPy itself takes minutes for more
        flat, self.log = self.pick((True, False)), [*self.log, f"{height} levels"]
        for _ in range(height if flat or len(function.row.partials) == 1 else 0):
            value = level(value, other + 1) if flat else function(value)
        self.pile.append(value)

    def declare(self, value: Any = None) -> None:
        name, value = self.pick(self.names), self.value() if value is None else value
        self.log.append(f"{name[:70]!a} = {brief(value)}")
        self.body[name] = value
        self.pile.append(self.body[name])

    def update(self) -> None:
        state, value = self.value(), self.value()
        self.log.append(f"{brief(state)}.next = {brief(value)}")
        state.next = value


def brief(value: Any) -> str:
    """The beginning of a value's text; large formulas are not printed."""
    nodes = itertools.islice(sympy.preorder_traversal(value), 50) if isinstance(value, sympy.Basic) else ()
    large = len(list(nodes)) == 50
    return f"a large {type(value).__name__}" if large else ascii(value)[:60]


def check(case: Malformed) -> str:
    """A cell that everything can be made of, or an error: CellError, or one that Python itself raises of an operator.

    Raises:
        Exception: any other, or one from inside symcell or SymPy.
    """
    machine = Machine(case)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            cell = machine.run()
        except CellError:
            raise
        except Exception as error:
            if outside(error):
                return "refused by Python itself"
            raise
        with np.errstate(all="ignore"):
            adjoint(lower(cell.spec))
            symcell.derive(cell).latex()
    return "a cell, after errors of Python's own" if machine.own else "a cell"


def outside(error: BaseException) -> bool:
    """Whether no code of symcell raised it or was running: what is wrong is an operator between foreign values."""
    trace, files = error.__traceback__, []
    while trace is not None:
        files.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    return not any("/symcell/" in file for file in files)


@st.composite
def malformed(draw: Any) -> Malformed:
    """The strategy."""
    return Malformed(tuple(draw(st.lists(st.integers(0, 10**4), min_size=1, max_size=60))),
                     tuple(draw(st.lists(st.text(max_size=8), max_size=3))))
