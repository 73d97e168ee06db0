"""Checkpoints: states kept every k steps, from which backward computes each stretch's tape again.

After Chen et al. 2016, arXiv:1604.06174: with k near sqrt(T) the tape shrinks from T steps to about 2 sqrt(T), for one
more forward pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from symcell.runtime.arguments import Array, Sizes


@dataclass(frozen=True)
class Stretch:
    """Steps `start` to `stop`, and the states before the first of them, (B, H) each; one left out is zero."""

    start: int
    stop: int
    state: Mapping[str, Array]

    def sizes(self, whole: Sizes, packed: bool) -> Sizes:
        """Return the sizes of this part of a sequence; `packed`: an earlier part has packed the weights."""
        return {**whole, "T": self.stop - self.start, ".packed": int(packed)}

    def of(self, arrays: Mapping[str, Array], whole: Collection[str]) -> dict[str, Array]:
        """Return the steps of this stretch, as views; what is whole is one for all steps."""
        return {name: array if name in whole else array[self.start : self.stop] for name, array in arrays.items()}


def edges(steps: int, every: int) -> Iterator[tuple[int, int]]:
    """Yield where each stretch starts and stops; a sequence of no steps is one stretch."""
    for start in range(0, max(steps, 1), every):
        yield start, min(start + every, steps)
