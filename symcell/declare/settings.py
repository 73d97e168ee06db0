"""What a function that returns a cell is given: numbers of levels, switches and probabilities, NumPy's too."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np

from symcell.declare.errors import CellError


def check_count(where: str, value: Any) -> int:
    """Return an integer of at least 1.

    Raises:
        CellError: it is another number, or none.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or int(value) < 1:
        raise CellError(f"{where}: expected an integer of at least 1, got {value!r}.")
    return int(value)


def check_flag(where: str, value: Any) -> bool:
    """Return True or False.

    Raises:
        CellError: it is neither; "no" would count as true otherwise.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise CellError(f"{where}: expected True or False, got {value!r}.")
    return bool(value)


def is_number(value: Any) -> bool:
    """Whether it is a real number of Python or NumPy, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)
