"""Cell: the base class whose body is read as the equations of a recurrent cell."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

from symcell.declare.errors import CellError
from symcell.declare.finish import finish
from symcell.declare.names import check_name
from symcell.declare.namespace import Namespace
from symcell.declare.spec import CellSpec
from symcell.declare.words import names_in, reached


class UnusedParameterWarning(UserWarning):
    """A parameter, constant or quantity that no result depends on."""


class CellMeta(type):
    """Reads the class body through a namespace that gives names, and freezes what it said as `spec`."""

    spec: CellSpec

    @classmethod
    def __prepare__(mcs, written: str, bases: tuple[type, ...], /, name: str | None = None, **others: Any) -> Any:
        """Open the namespace of the class body; `class A(Cell, name="B")` names the cell B."""
        if not bases:
            return {}
        if others:
            raise CellError(f"{written}: class {written}(Cell, ...) takes name=\"...\" and nothing else; got "
                            f"{', '.join(others)}.")
        name = written if name is None else name
        check_name(name, "Cell")
        if bases != (Cell,):
            raise CellError(f"{name}: a cell extends Cell itself, not another cell; copy the equations it shares.")
        return Namespace(name)

    def __new__(mcs, written: str, bases: tuple[type, ...], namespace: Any, /, **_: Any) -> CellMeta:
        """Check and freeze the declaration."""
        name = namespace.scope.cell if isinstance(namespace, Namespace) else written
        attributes = {key: value for key, value in namespace.items() if key not in ("to_json", "from_json")}
        made = super().__new__(mcs, name, bases, attributes)  # a quantity of such a name would hide the method
        if isinstance(namespace, Namespace):
            made.spec = finish(namespace.scope, inspect.cleandoc(namespace.get("__doc__") or ""))
            _warn_unused(made.spec)
        return made

    def __init__(cls, written: str, bases: tuple[type, ...], namespace: Any, /, **_: Any) -> None:
        super().__init__(written, bases, dict(namespace))

    def __call__(cls, *_: Any, **__: Any) -> Any:
        """Refuse: a cell is a declaration and has no instances."""
        raise CellError(f"{cls.__name__} is a declaration, not a layer: write symcell.compile({cls.__name__}).")

    def to_json(cls) -> str:
        """Return the declaration as a JSON document, from which `Cell.from_json` makes the same cell.

        A function of the author's own is written by its name only.
        """
        from symcell.declare.document import to_json

        if not hasattr(cls, "spec"):
            raise CellError("Cell itself declares nothing; to_json() is for a cell, such as one of the zoo.")
        return to_json(cls.spec)

    def from_json(cls, text: str | bytes) -> CellMeta:
        """Return the cell that a JSON document declares: `Cell.from_json(path.read_text())`.

        Nothing in the document is executed; functions of the author's own must have been registered here.

        Raises:
            CellError: the text is no such document, or its cell is not well formed.
        """
        from symcell.declare.document import read

        body = read(text)
        return CellMeta(body.scope.cell, (Cell,), body)

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


def _warn_unused(spec: CellSpec) -> None:
    """Warn of every parameter and quantity that reaches neither a state nor the output."""
    uses = {equation.name: names_in(equation.expression) for equation in spec.equations}
    used = reached([spec.output, *(f"{state}.next" for state, _ in spec.states)], uses)
    declared = [p.name for p in spec.parameters] + [name for name, _ in (*spec.constants, *spec.inputs)]
    unused = [name for name in (*declared, *uses) if name not in used]
    if unused:
        warnings.warn(f"{spec.name}: no state and no output depends on {', '.join(unused)}.",
                      UnusedParameterWarning, stacklevel=3)
