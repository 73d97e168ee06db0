"""Compiling a cell for a command: with progress, and with what there is to say about it afterwards."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symcell.cli import terminal
from symcell.cli.cells import Found
from symcell.cli.errors import CliError

if TYPE_CHECKING:
    from symcell.runtime.kernel import Kernel


@dataclass(frozen=True)
class Compiled:
    """A kernel, how it was had ("compiled", "found in the cache", "prebuilt"), and in how many seconds."""

    kernel: Kernel
    how: str
    seconds: float


def compiled(found: Found, dtype: str, progress: terminal.Progress) -> Compiled:
    """Compile a cell or find its kernel.

    Raises:
        CliError: SYMCELL_ISA names no instruction set of this machine.
        BuildError, CacheError: building failed.
    """
    from symcell import compiler

    check_isa()
    steps: list[str] = []

    def step(text: str) -> None:
        steps.append(text)
        progress(f"{found.spec.name}: {text}")

    began = time.perf_counter()
    kernel = compiler.compile(found.cell, dtype, step)
    seconds = time.perf_counter() - began
    prebuilt = kernel.path.parent.name == "generated"
    how = "compiled" if steps else "prebuilt" if prebuilt else "found in the cache"
    return Compiled(kernel, how, seconds)


def check_isa() -> None:
    """Refuse an instruction set that this machine does not have.

    Raises:
        CliError: SYMCELL_ISA names no instruction set of this machine.
    """
    from symcell.runtime import cpu

    try:
        cpu.chosen_isa(cpu.ISAS)
    except ValueError as error:
        raise CliError(str(error)) from None


def describe(done: Compiled) -> str:
    """Return what `symcell build` prints."""
    rows = {
        "kernel": f"{done.kernel.name}, {done.how} in {done.seconds:.2f} s",
        "instructions": done.kernel.isa,
        "extension": str(done.kernel.path),
    }
    return "\n".join(f"{name:<14}{value}" for name, value in rows.items())
