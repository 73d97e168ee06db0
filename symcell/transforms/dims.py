"""with_dims: the same cell over other dimensions."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from symcell.declare.cell import CellMeta
from symcell.declare.errors import CellError, suggestion
from symcell.declare.words import words
from symcell.transforms.body import Body, declaration

_DIMS = ("dim", "rows", "cols")


def with_dims(cell: CellMeta | str, **dims: str) -> CellMeta:
    """Return the cell with dimensions renamed; two that get one name become one.

        Square = with_dims("lstm", I="H")  # the input has as many numbers as the state

    Args:
        cell: a Cell class, or the name of a cell of the zoo.
        dims: the new name of each dimension that changes.

    Raises:
        CellError: the cell has no such dimension, or the new name cannot be used.
    """
    old = declaration(cell)
    for dim in dims:
        if dim not in old.dims:
            raise CellError(f"with_dims({old.name}): there is no dimension {dim}.{suggestion(dim, old.dims)} "
                            f"Its dimensions are {', '.join(old.dims)}.")
    changes = ", ".join(f"{before} to {after}" for before, after in dims.items())
    body = Body(old, old.name, f"{old.name} over other dimensions: {changes}.", leave_out=[n for n, _ in words(old)])
    for name, word in words(old):
        body.add(name, _renamed(word, dims))
    for equation in old.equations:
        body.enter(equation, body.copied(equation.expression, dims))
    return body.cell()


def _renamed(word: Any, dims: dict[str, str]) -> Any:
    found = {f.name: getattr(word, f.name) for f in fields(word) if f.name in _DIMS}
    return replace(word, **{field: dims.get(dim, dim) for field, dim in found.items()})
