"""All oracles on one cell, from cheap to complete.

    for outcome in run_all(spec, {"float32": kernel}):
        print(outcome)

prints each outcome as soon as it is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symcell.declare.spec import CellSpec
from symcell.proof import frameworks, handwritten, kernel, numeric, symbolic
from symcell.proof.result import Outcome, failed


@dataclass(frozen=True)
class Part:
    """One oracle, ready to run. `number` is 1 to 5, as the documentation counts them."""

    number: int
    title: str
    oracle: str
    check: Callable[[], list[Outcome]]

    def run(self) -> list[Outcome]:
        """Run it; an oracle that cannot finish, or has nothing to say, has failed."""
        try:
            with np.errstate(all="ignore"):  # a NaN fails when it is compared
                return self.check() or [failed(self.oracle, "it compared nothing")]
        except Exception as error:
            return [failed(self.oracle, f"{type(error).__name__}: {error}")]


class Report:
    """What every oracle found. Iterating runs the oracles one after the other, each of them once."""

    def __init__(self, cell: str, parts: Iterable[Part]) -> None:
        """Prepare to run these oracles on the cell of this name."""
        self.cell = cell
        self._found: list[Outcome] = []
        self._pending = (outcome for part in parts for outcome in part.run())

    def __iter__(self) -> Iterator[Outcome]:
        """Yield the outcomes, those that are not known yet as soon as they are."""
        yield from self._found
        for outcome in self._pending:
            self._found.append(outcome)
            yield outcome

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """All outcomes."""
        return tuple(self)

    @property
    def passed(self) -> bool:
        """Whether something ran and nothing failed."""
        verdicts = [outcome.passed for outcome in self]
        return True in verdicts and False not in verdicts

    def __str__(self) -> str:
        return "\n".join([f"cell {self.cell}", *map(str, self)])


def parts(spec: CellSpec, kernels: Mapping[str, Any]) -> tuple[Part, ...]:
    """The oracles in order. kernels: by what their rows are called, such as "float32"."""
    return (
        Part(1, "derived gradient against SymPy, symbol by symbol", symbolic.ORACLE, lambda: symbolic.check(spec)),
        Part(2, "interpreted gradient against differences", numeric.ORACLE, lambda: numeric.check(spec)),
        Part(3, "declaration run step by step in NumPy", handwritten.ORACLE, lambda: handwritten.check(spec)),
        Part(4, "declaration in PyTorch", frameworks.TORCH, lambda: frameworks.check_torch(spec)),
        Part(4, "declaration in JAX", frameworks.JAX, lambda: frameworks.check_jax(spec)),
        *(_kernel_part(spec, name, made) for name, made in kernels.items()),
    )


def _kernel_part(spec: CellSpec, name: str, made: Any) -> Part:
    return Part(5, f"compiled kernel, {name}", f"kernel {name}", lambda: kernel.check(spec, made, name))


def run_all(spec: CellSpec, kernels: Mapping[str, Any]) -> Report:
    """Return the report of all oracles; they run as it is read."""
    return Report(spec.name, parts(spec, kernels))
