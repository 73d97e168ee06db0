"""CELL, as it is written on the command line -> the cell.

    lstm                   a name of the zoo
    cell.py                the cell that the file declares
    cell.py:MyCell         one of several
    cell.json              the cell of a JSON document (docs/format.md)
    package.module:MyCell  of a module that Python can import

Nothing else on the command line knows how a cell is found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from symcell.cli import userfile
from symcell.cli.errors import CliError, Exit

if TYPE_CHECKING:
    from symcell.compiler import CellLike
    from symcell.declare.cell import CellMeta
    from symcell.declare.spec import CellSpec


@dataclass(frozen=True)
class Found:
    """A cell, as `symcell.compile` takes it, its declaration, and the file it came from, if it was a file."""

    cell: CellLike
    spec: CellSpec
    file: Path | None = None


def resolve(text: str) -> Found:
    """Return the cell that CELL names; a user's file is executed.

    Raises:
        CliError: there is no such cell, or its file is not well formed.
    """
    if not text.strip():
        raise CliError("CELL is empty: name a cell of the zoo, or a file.")
    path, name = _split(text)
    if path is not None and path.suffix == ".json":
        cell = _from_document(path)
        return Found(cell, cell.spec, path)
    if path is not None:
        cell = _pick(userfile_module(path), name, str(path))
        return Found(cell, cell.spec, path)
    if re.fullmatch(r"\w+(\.\w+)+|\w+(\.\w+)*:.*", text):
        module, colon, name = text.partition(":")
        cell = _pick(_imported(module), _checked(name if colon else None, text), module)
        return Found(cell, cell.spec)
    return Found(text, _of_the_zoo(text))


def _split(text: str) -> tuple[Path | None, str]:
    """Return (file, class) of `file.py` or `file.py:Class`; no file where this is no path."""
    path = Path(text)
    if path.suffix == ".json":
        return path, ""
    if path.is_file() and path.suffix != ".py":
        raise CliError(f"{text} is not a Python file: its name does not end in .py.")
    match = re.fullmatch(r"(.*\.py)(?::(.*))?", text, re.DOTALL)
    if match and not path.is_file():
        return Path(match[1]), _checked(match[2], text)
    return (path, "") if match or "/" in text or path.is_dir() else (None, "")


def _checked(name: str | None, text: str) -> str:
    if name is not None and not name.isidentifier():
        raise CliError(f"{text!r}: after the colon comes the name of a class, as in cell.py:MyCell.")
    return name or ""


def userfile_module(path: Path) -> ModuleType:
    """Run a user's file, with warnings of its cells shown and nothing else of the language in the way."""
    _prepare()
    return userfile.run_file(path, str(path))


def _from_document(path: Path) -> CellMeta:
    """Read a cell from its JSON document; nothing in it is executed."""
    _prepare()
    from symcell.declare.cell import Cell
    from symcell.declare.errors import CellError

    try:
        return Cell.from_json(userfile.read(path, str(path)))
    except CellError as error:
        raise CliError(f"{path}: {error}", Exit.CELL) from error


def _imported(module: str) -> ModuleType:
    _prepare()
    return userfile.run_module(module)


def _prepare() -> None:
    import warnings

    # What symcell needs is imported before the user's folder is on the path.
    import symcell.compiler  # noqa: F401
    from symcell.declare.cell import UnusedParameterWarning

    warnings.simplefilter("always", UnusedParameterWarning)


def _of_the_zoo(name: str) -> CellSpec:
    from symcell import zoo
    from symcell.declare.errors import CellError

    try:
        return zoo.find(name).spec
    except CellError as error:
        if name and Path(f"{name}.py").is_file():
            raise CliError(f"The zoo has no cell {name!r}. Did you mean the file {name}.py?") from None
        raise CliError(f"{error} A cell of your own is named by its file: cell.py.") from None


def _pick(module: ModuleType, name: str, shown: str) -> CellMeta:
    """Return the cell of this name, or the only one that the module declares."""
    from symcell.declare.cell import CellMeta
    from symcell.declare.errors import suggestion

    every = {key: value for key, value in vars(module).items()
             if isinstance(value, CellMeta) and hasattr(value, "spec")}
    if name in every:
        return every[name]
    own = _meant(every, module)
    listed = ", ".join(own) or "none"
    if name and hasattr(module, name):
        raise CliError(f"{shown}: {name} does not extend symcell.Cell. Cells declared there: {listed}.")
    if name:
        raise CliError(f"{shown} declares no cell {name}.{suggestion(name, every)} Cells declared there: {listed}.")
    if not own:
        raise CliError(f"{shown} declares no cell: it needs a class that extends symcell.Cell. "
                       "`symcell new NAME` writes a file to start from.", Exit.CELL)
    if len(own) > 1:
        example = f"{shown}:{next(iter(own))}"
        raise CliError(f"{shown} declares several cells: {listed}. Name one, as in {example}.")
    return next(iter(own.values()))


def _meant(every: dict[str, CellMeta], module: ModuleType) -> dict[str, CellMeta]:
    """Return the cells that a module without a name of a cell can mean, each under its first name.

    What it imported, another cell to compare with, say, can be named but is not meant otherwise; a cell that a function
    of another module returned is, unless the module has one of its own.
    """
    once = {next(key for key, value in every.items() if value is cell): cell for cell in every.values()}
    return {key: value for key, value in once.items() if value.__module__ == module.__name__} or once
