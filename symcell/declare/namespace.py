"""The namespace in which Python runs a class body: assignment names, and an unknown name gets a suggestion."""

from __future__ import annotations

import builtins
import sys
from typing import Any

from symcell.declare.binding import bind
from symcell.declare.errors import CellError, suggestion
from symcell.declare.functions import FUNCTIONS
from symcell.declare.members import MEMBERS
from symcell.declare.reductions import REDUCTIONS
from symcell.declare.scope import Scope


class Namespace(dict[str, Any]):
    """The names of a class body; what they declare is in its scope."""

    def __init__(self, cell: str) -> None:
        """Open the scope of the cell."""
        super().__init__()
        self.scope = Scope(cell)

    def __setitem__(self, name: str, value: Any) -> None:
        plain = name.startswith("__") and name.endswith("__")
        if name == "__slots__" or (name == "__doc__" and not isinstance(value, (str, type(None)))):
            wanted = "text" if name == "__doc__" else "no such line: a cell has no instances"
            raise CellError(f"{self.scope.cell}: {name} = {value!r}: expected {wanted}.")
        super().__setitem__(name, value if plain else bind(name, value, self.scope))

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
