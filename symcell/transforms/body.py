"""The class body of a new cell, written by a program that reads another cell's declaration.

    def slower(cell):
        old = declaration(cell)
        body = Body(old, f"Slow{old.name}", "Each state moves half as far.")
        for equation in old.equations:
            formula = body.copied(equation.expression)
            if equation.name.endswith(NEXT):
                formula = (body[equation.name.removesuffix(NEXT)] + formula) / 2
            body.enter(equation, formula)
        return body.cell()

Names, order, dimensions and initial values stay those of the old cell. Every check of a class body is made here too,
by the same code: a transformation cannot make a cell that could not be written by hand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sympy

from symcell.declare.cell import Cell, CellMeta
from symcell.declare.derived import matrix_of
from symcell.declare.errors import CellError, calling_module
from symcell.declare.members import Output
from symcell.declare.names import LONGEST
from symcell.declare.namespace import Namespace
from symcell.declare.spec import CellSpec, Equation
from symcell.declare.symbols import NEXT
from symcell.declare.words import copied, names_in, words


def declaration(cell: CellMeta | str) -> CellSpec:
    """Return the declaration of a Cell class, or of the cell of the zoo that has this name.

    Raises:
        CellError: it is neither.
    """
    if isinstance(cell, str):
        from symcell import zoo

        return zoo.find(cell).spec
    if isinstance(cell, CellMeta) and hasattr(cell, "spec"):
        return cell.spec
    raise CellError(f"expected a Cell class or the name of a cell of the zoo, got {cell!r}.")


class Body:
    """What the new cell has declared so far: at first, all members of the old one and none of its equations."""

    def __init__(self, old: CellSpec, name: str, doc: str, leave_out: Collection[str] = ()) -> None:
        """Declare the members of `old` but for those to leave out.

        Args:
            old: the declaration that is transformed.
            name: the class name of the new cell.
            doc: what was done to the old cell; the old cell's own text follows it.
            leave_out: members that the new cell does not need.

        Raises:
            CellError: the class name is too long.
        """
        self.old = old
        self._check_length("class name", name)
        self.namespace = Namespace(name)
        self.namespace["__doc__"] = f"{doc}\n\nMade from {old.name}: {old.doc}".rstrip(": ")
        self.namespace["__module__"] = calling_module()
        self._standing: dict[str, Any] = {}  # a name of the old cell -> what its readers find in the new one
        for member, word in words(old):
            if member not in leave_out:
                self.add(member, word)

    def __getitem__(self, name: str) -> Any:
        """Return the quantity or matrix of this name; "h.next" is the new value of state h."""
        return self.namespace[name.removesuffix(NEXT)].next if name.endswith(NEXT) else self.namespace[name]

    def add(self, name: str, value: Any) -> Any:
        """Declare `name = value`, as a line of a class body would, and return the quantity.

        value: a word such as Vector("H"), or a formula; "h.next" as a name sets the update of state h.
        """
        if name.endswith(NEXT):
            self.namespace[name.removesuffix(NEXT)].next = value
        else:
            self.namespace[name] = value
        return self._standing.setdefault(name, self[name])

    def enter(self, equation: Equation, formula: Any) -> Any:
        """Declare an equation of the old cell under its name, with this formula; its output stays the output."""
        if equation.anonymous:  # a sum of matrices that another equation shows
            return self._standing.setdefault(equation.name, matrix_of(formula, self.namespace.scope))
        chosen = equation.name == self.old.output and not equation.name.endswith(NEXT)
        return self.add(equation.name, Output(formula) if chosen else formula)

    def copied(self, formula: sympy.Basic, dims: Mapping[str, str] | None = None) -> Any:
        """Return a formula of the old cell in the quantities of the new one; `dims`: new names of dimensions.

        Raises:
            CellError: it reads what was left out, or what was not entered yet.
        """
        missing = sorted(names_in(formula) - self._standing.keys())
        if missing:
            raise CellError(f"{self.namespace.scope.cell}: {formula} reads {', '.join(missing)} of {self.old.name}, "
                            "which the new cell does not have, or not yet: enter it first, or do not leave it out.")
        return copied(formula, self._standing, dims)

    def read_as(self, name: str, quantity: Any) -> None:
        """From here on, formulas of the old cell that read `name` read this quantity of the new one instead.

        Zoneout needs it: what h.next reads of c.next is the update before it is mixed with the old state.
        """
        self._standing[name] = quantity

    def fresh(self, wish: str) -> str:
        """Return the wished name, or the first of wish_2, wish_3 ... that neither cell has.

        Raises:
            CellError: it is too long.
        """
        taken = {*self.namespace, *(name for name, _ in words(self.old)), *(e.name for e in self.old.equations)}
        name, count = wish, 1
        while name in taken:
            count += 1
            name = f"{wish}_{count}"
        self._check_length("quantity", name)
        return name

    def _check_length(self, what: str, name: str) -> None:
        """Refuse a name that is made of one of the old cell and became too long, in words that its author knows."""
        over = len(name) - LONGEST
        if over <= 0:
            return
        known = (*(member for member, _ in words(self.old)), *(e.name for e in self.old.equations))
        made_of = [own for own in known if own.replace(".", "_") in name] if what == "quantity" else []
        origin = max(made_of, key=len, default=self.old.name)
        raise CellError(f"{self.old.name}: the transformed cell would have the {what} {name}, of {len(name)} "
                        f"characters, and a name has at most {LONGEST}. It is made of {origin}: give that a name "
                        f"shorter by {over}.")

    def cell(self) -> CellMeta:
        """Check the whole, as at the end of a class body, and return the new cell."""
        return CellMeta(self.namespace.scope.cell, (Cell,), self.namespace)
