"""The driver: one named call per stage, from a declaration to a kernel.

    declaration -> graph -> adjoint -> tape -> schedule -> source -> extension -> kernel
                     |         |
                     +---------+--> derivation

Each stage is a pure function from one frozen data structure to the next. Imports stand inside the functions
because a prebuilt kernel needs none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from symcell.declare.cell import CellMeta
    from symcell.declare.spec import CellSpec
    from symcell.graph.ir import Graph
    from symcell.render.derivation import Derivation
    from symcell.render.source import Source
    from symcell.runtime.cache import Translate
    from symcell.runtime.kernel import Kernel
    from symcell.schedule.program import Program

    CellLike = CellMeta | str

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Stages:
    """Everything between a declaration and its text."""

    spec: CellSpec
    forward: Graph
    backward: Graph
    program: Program
    source: Source


def compile(cell: CellLike, dtype: str = "float32", progress: Progress | None = None) -> Kernel:
    """Return the kernel of a cell: a Cell class, or the name of a cell of the zoo such as "lstm".

    The base cells are prebuilt; any other is compiled once and found in the cache afterwards.

    Args:
        dtype: "float32" or "float64".
        progress: called with a line of text before each step that takes time.

    Raises:
        CellError: the cell, or its name, is not well formed.
        BuildError: there is no C compiler, or it failed; or symcell's own compiled part is missing.
    """
    from symcell.runtime import installed

    installed.check()
    from symcell.runtime.kernel import Kernel

    module = prebuilt(cell) if isinstance(cell, str) else None
    return Kernel(module or _build(stages(cell).source, progress), dtype)


def stages(cell: CellLike) -> Stages:
    """Return every intermediate result of a compilation."""
    name, spec = _resolve(cell)
    return _stages(name, spec)


@lru_cache(maxsize=64)
def _stages(name: str, spec: CellSpec) -> Stages:
    import symcell
    from symcell.graph.adjoint import adjoint
    from symcell.graph.lower import lower
    from symcell.render.source import render
    from symcell.schedule.schedule import schedule
    from symcell.schedule.tape import choose_tape

    forward = lower(spec)  # CellSpec -> Graph
    backward = adjoint(forward)  # Graph -> Graph
    tape = choose_tape(forward, backward)  # what is saved, what is recomputed, and why
    program = schedule(forward, tape)  # Graphs -> Program
    source = render(name, spec, program, symcell.__version__)  # Program -> Source
    return Stages(spec, forward, backward, program, source)


def derive(cell: CellLike) -> Derivation:
    """Return the derivation of a cell's gradient: `.latex()`, `.markdown()`, and itself in a notebook."""
    from symcell.graph.adjoint import adjoint
    from symcell.graph.lower import lower
    from symcell.render.derivation import Derivation

    _, spec = _resolve(cell)
    forward = lower(spec)
    return Derivation(spec, forward, adjoint(forward))


def reference(cell: CellLike) -> Any:
    """Return an object with a kernel's methods that computes in float64 NumPy, without a compiler."""
    from symcell.interpreted import Reference
    from symcell.render.metadata import metadata

    name, spec = _resolve(cell)
    found = _stages(name, spec)
    return Reference(metadata(name, spec, found.program), found.forward, found.backward)


def _build(source: Source, progress: Progress | None) -> Any:
    from symcell.runtime.load import load_extension

    return load_extension(source.name, extension(source, progress))


def extension(source: Source, progress: Progress | None, translate: Translate | None = None) -> Path:
    """Return the path of a kernel's extension module, compiled or found in the cache.

    translate: another way to run Cython, see `symcell.runtime.cache.build`.

    Raises:
        BuildError, CacheError: as `symcell.runtime.cache.build`; also if symcell's own compiled part is missing, or was
            compiled from other headers than these.
    """
    # Only what this machine runs best; SYMCELL_ISA, for tests, may ask for another.
    import os

    from symcell.runtime import installed
    from symcell.runtime.cache import build
    from symcell.runtime.cpu import supported_isas

    installed.check_interface()
    wanted = os.environ.get("SYMCELL_ISA", "").strip().lower()
    isas = [wanted] if wanted in supported_isas() else supported_isas()[:1]
    return build(source.name, source.files, isas, progress, translate)


def prebuilt(name: str) -> Any:
    """Return the module that was compiled at installation, or None."""
    import importlib

    from symcell import zoo

    if name not in zoo.PREBUILT:
        return None
    try:
        return importlib.import_module(f"symcell.generated.{name}")
    except ModuleNotFoundError:  # a source tree that was not installed: build it like any other cell
        return None


def _resolve(cell: CellLike) -> tuple[str, CellSpec]:
    """Return (module name, declaration)."""
    from symcell import zoo
    from symcell.declare.cell import CellMeta
    from symcell.declare.errors import CellError

    if isinstance(cell, str):
        return cell, zoo.find(cell).spec
    if isinstance(cell, CellMeta) and hasattr(cell, "spec"):
        return _module_name(cell.__name__), cell.spec
    raise CellError(f"expected a Cell class or the name of a cell of the zoo, got {cell!r}.")


def _module_name(cell: str) -> str:
    """Return the name of a cell's module and header; a header of ours would be found in its place."""
    from symcell.runtime.fingerprint import INCLUDE

    name = cell.lower()
    return f"{name}_cell" if (INCLUDE / "symcell" / f"{name}.h").exists() else name
