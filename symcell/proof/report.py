"""All oracles on one cell, from cheap to complete.

    for part in parts(spec, {"float32": kernel}):
        print(part.title)
        outcomes += part.run()
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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
            return self.check() or [failed(self.oracle, "it compared nothing")]
        except Exception as error:
            return [failed(self.oracle, f"{type(error).__name__}: {error}")]


@dataclass(frozen=True)
class Report:
    """What every oracle found."""

    cell: str
    outcomes: tuple[Outcome, ...]

    @property
    def passed(self) -> bool:
        """Whether something ran and nothing failed."""
        return any(o.passed for o in self.outcomes) and all(o.passed is not False for o in self.outcomes)

    def __str__(self) -> str:
        return "\n".join([f"cell {self.cell}", *map(str, self.outcomes)])


def parts(spec: CellSpec, kernels: Mapping[str, Any]) -> tuple[Part, ...]:
    """The oracles in order. kernels: by what their rows are called, such as "float32"."""
    return (
        Part(1, "derived gradient against SymPy, as polynomials", symbolic.ORACLE, lambda: symbolic.check(spec)),
        Part(2, "interpreted gradient against differences", numeric.ORACLE, lambda: numeric.check(spec)),
        Part(3, "declaration run step by step in NumPy", handwritten.ORACLE, lambda: handwritten.check(spec)),
        Part(4, "declaration in PyTorch", frameworks.TORCH, lambda: frameworks.check_torch(spec)),
        Part(4, "declaration in JAX", frameworks.JAX, lambda: frameworks.check_jax(spec)),
        *(_kernel_part(spec, name, made) for name, made in kernels.items()),
    )


def _kernel_part(spec: CellSpec, name: str, made: Any) -> Part:
    return Part(5, f"compiled kernel, {name}", f"kernel {name}", lambda: kernel.check(spec, made, name))


def run_all(spec: CellSpec, kernels: Mapping[str, Any], progress: Callable[[Part], None] | None = None) -> Report:
    """Run every oracle; `progress` is called before each."""
    outcomes: list[Outcome] = []
    for part in parts(spec, kernels):
        if progress is not None:
            progress(part)
        outcomes += part.run()
    return Report(spec.name, tuple(outcomes))
