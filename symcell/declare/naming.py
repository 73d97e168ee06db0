"""named: a name that Python puts together, for quantities made in a loop or by a function."""

from __future__ import annotations

import sys
from typing import Any

import sympy

from symcell.declare.errors import CellError
from symcell.declare.matrices import ComputedMatrix
from symcell.declare.matrix_sum import MatrixSum
from symcell.declare.members import MEMBERS
from symcell.declare.namespace import Namespace


def named(name: str, value: Any) -> Any:
    """Declare `name = value` in the class body that is running, and return the quantity or matrix.

    For a loop over the levels of a cell, or a function that several gates share:

        for k in range(1, depth + 1):
            U = named(f"U_{k}", Matrix(h, h))
            levels.append(named(f"h_{k}", tanh(U @ levels[-1])))

    What it returns has its name: assigning it to `U` or putting it into a list gives it no other, and the variable
    may be assigned again.

    Args:
        name: as it would stand left of `=`; it can be read as such below.
        value: a word such as Matrix(h, h), or a formula.

    Raises:
        CellError: no class body is running, the name is taken or cannot be used, or the value is neither.
    """
    body = _class_body()
    if body is None:
        raise CellError(f"named({name!r}, ...) stands outside of a class body: it gives a name to a quantity of the "
                        "cell that is being declared.")
    is_formula = isinstance(value, sympy.Expr) and not value.is_number
    declares = is_formula or isinstance(value, (*MEMBERS, MatrixSum, ComputedMatrix))
    if not isinstance(name, str) or name.startswith("__") or not declares:
        raise CellError(f'{body.scope.cell}: named("a", value) expects a name and a formula or a declaration such as '
                        f"Matrix(h, h); got {name!r} and {value!r}.")
    body[name] = value
    made = body[name]
    body.scope.named.add(made)
    return made


def _class_body() -> Namespace | None:
    frame = sys._getframe(2)
    while frame is not None:
        # A class body's own namespace, not a copy of it; of a function, Python makes a dict of its variables.
        if isinstance(frame.f_locals, Namespace):
            return frame.f_locals
        frame = frame.f_back  # type: ignore[assignment]
    return None
