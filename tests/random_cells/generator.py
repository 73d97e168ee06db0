"""A random cell, or the error that refused it, with sizes to run it at: drawn by Hypothesis, or by a seed."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from symcell import CellError, UnusedParameterWarning
from tests.random_cells.author import Author

SMALL = (2, 3, 1, 4)  # of a dimension that the interpreter runs
LARGE = (5, 3, 1, 8, 17, 33, 16)  # of one that a kernel runs: with and without ends of vectors


@dataclass(frozen=True)
class Drawn:
    """A cell and the sizes of a sequence for it; or why there is none. sizes: of "T", "B" and every dimension."""

    cell: Any
    refused: str
    small: dict[str, int]
    large: dict[str, int]

    def __repr__(self) -> str:
        return f"{self.cell.spec}\nsizes {self.small}, kernel {self.large}" if self.cell else f"refused: {self.refused}"


def make(integer: Callable[[int, int], int]) -> Drawn:
    """A cell of the whole language, or its refusal; `integer(low, high)` takes every decision."""
    author, cell, refused = Author(integer), None, ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedParameterWarning)
        try:
            cell = author.write()
        except CellError as error:
            refused = str(error)
    small = {dim: author.one(SMALL) for dim in ("B", *author.dims)} | {"T": integer(1, 3)}
    large = {dim: author.one(LARGE) for dim in ("B", *author.dims)} | {"T": integer(1, 7)}
    return Drawn(cell, refused, small, large)


@st.composite
def drawn_cells(draw: Any) -> Drawn:
    """The strategy."""
    return make(lambda low, high: draw(st.integers(low, high)))


def seeded(seed: int) -> Drawn:
    """The cell of a seed: the first of its random numbers that is not refused."""
    numbers = random.Random(seed)
    while True:
        drawn = make(numbers.randint)
        if drawn.cell is not None:
            return drawn
