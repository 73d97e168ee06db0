"""What kernels return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symcell.runtime.arguments import Array


@dataclass(frozen=True)
class Run:
    """One forward pass with its tape. It owns its buffers; `backward` may be called on it more than once.

    y: (T, B, H) outputs, read-only, for the backward pass reads them. state: the states after the last step, (B, H)
    each. record: the quantities asked for, (T, B, H) each.
    """

    y: Array
    state: dict[str, Array]
    record: dict[str, Array]
    tape: Any = field(repr=False)  # the kernel's own

    @property
    def nbytes(self) -> int:
        """Bytes held for `backward`: saved values, checkpoints, and the run's own copies of x and the parameters.

        Outputs that backward reads are counted, and y is a view of them; with checkpoints y is not held.
        """
        return int(self.tape.nbytes)


@dataclass(frozen=True)
class Gradients:
    """Gradients of the loss: x like the input (a dict where x was one), params and initial states by name."""

    x: Array | dict[str, Array]
    params: dict[str, Array]
    state: dict[str, Array]


@dataclass(frozen=True)
class Ready:
    """Parameters packed once, for many calls of `infer`. Later changes to the arrays do not reach it."""

    params: Mapping[str, Array] = field(repr=False)
    panels: Mapping[str, Array] = field(repr=False)
    sizes: tuple[int | None, ...]
    owner: Any = field(repr=False)
