"""Cell: the base class whose body is read as the equations of a recurrent cell."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import sympy

from symcell.declare.errors import CellError
from symcell.declare.matrices import MatrixSum
from symcell.declare.names import check_name
from symcell.declare.scope import Namespace
from symcell.declare.spec import CellSpec
from symcell.declare.symbols import Apply, MatrixSymbol


class UnusedParameterWarning(UserWarning):
    """A parameter, constant or quantity that no result depends on."""


class CellMeta(type):
    """Reads the class body through a namespace that gives names, and freezes what it said as `spec`."""

    spec: CellSpec

    @classmethod
    def __prepare__(mcs, name: str, bases: tuple[type, ...], /, **_: Any) -> Any:
        """Open the namespace of the class body."""
        if not bases:
            return {}
        check_name(name, "Cell")
        if bases != (Cell,):
            raise CellError(f"{name}: a cell extends Cell itself, not another cell; copy the equations it shares.")
        return Namespace(name)

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: Any, /, **_: Any) -> CellMeta:
        """Check and freeze the declaration."""
        made = super().__new__(mcs, name, bases, dict(namespace))
        if isinstance(namespace, Namespace):
            made.spec = namespace.scope.finish(inspect.cleandoc(namespace.get("__doc__") or ""))
            _warn_unused(made.spec)
        return made

    def __call__(cls, *_: Any, **__: Any) -> Any:
        """Refuse: a cell is a declaration and has no instances."""
        raise CellError(f"{cls.__name__} is a declaration, not a layer: write symcell.compile({cls.__name__}).")

    def __repr__(cls) -> str:
        return str(cls.spec) if hasattr(cls, "spec") else super().__repr__()


class Cell(metaclass=CellMeta):
    """Declare a recurrent cell: subclass it and write the equations as a paper prints them.

    Example:
        >>> class Elman(Cell):
        ...     x, h = Input(), State()
        ...     W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
        ...     h.next = tanh(W @ x + U @ h + b)
    """


def _symbols(formula: sympy.Basic) -> set[str]:
    names = {symbol.name for symbol in formula.free_symbols}
    names |= {matrix.name for matrix in formula.matrices} if isinstance(formula, MatrixSum) else set()
    return names | {node.matrix.name for node in formula.atoms(Apply)}


def _warn_unused(spec: CellSpec) -> None:
    """Warn of every parameter and quantity that reaches neither a state nor the output."""
    uses = {equation.name: _symbols(equation.expression) for equation in spec.equations}
    wanted = [spec.output, *(f"{state}.next" for state, _ in spec.states)]
    used: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in used:
            used.add(name)
            wanted.extend(uses.get(name, ()))
    declared = [p.name for p in spec.parameters] + [name for name, _ in (*spec.constants, *spec.inputs)]
    unused = [name for name in (*declared, *uses) if name not in used]
    if unused:
        warnings.warn(f"{spec.name}: no state and no output depends on {', '.join(unused)}.",
                      UnusedParameterWarning, stacklevel=3)


__all__ = ["Cell", "CellMeta", "MatrixSymbol", "UnusedParameterWarning"]
