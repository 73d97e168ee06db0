"""The strategies: a random cell, or the error that refused it, with sizes to run it at."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from symcell import CellError, UnusedParameterWarning
from tests.random_cells.author import Author

SMALL = st.sampled_from((2, 3, 1, 4))  # of a dimension that the interpreter runs
LARGE = st.sampled_from((5, 3, 1, 8, 17, 33, 16))  # of one that a kernel runs: with and without ends of vectors


@dataclass(frozen=True)
class Drawn:
    """A cell and the sizes of a sequence for it; or why there is none. sizes: of "T", "B" and every dimension."""

    cell: Any
    refused: str
    small: dict[str, int]
    large: dict[str, int]

    def __repr__(self) -> str:
        return f"{self.cell.spec}\nsizes {self.small}, kernel {self.large}" if self.cell else f"refused: {self.refused}"


@st.composite
def drawn_cells(draw: Any) -> Drawn:
    """A cell of the whole language, or its refusal."""
    author = Author(draw)
    cell, refused = None, ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedParameterWarning)
        try:
            cell = author.write()
        except CellError as error:
            refused = str(error)
    small = {dim: draw(SMALL) for dim in ("B", *author.dims)} | {"T": draw(st.integers(1, 3))}
    large = {dim: draw(LARGE) for dim in ("B", *author.dims)} | {"T": draw(st.integers(1, 7))}
    return Drawn(cell, refused, small, large)
