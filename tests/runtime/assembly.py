"""What the inner loops of a kernel do, read from the assembly that the C compiler writes.

    kernel header --gcc or clang -S--> text --inner_loops--> Loop, with its Work

Nothing is run or timed, so the numbers are the same on every machine with the same compiler. Understood is the AT&T
syntax of x86-64, which both compilers write unless told otherwise.
"""

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from symcell.runtime.fingerprint import INCLUDE
from symcell.runtime.toolchain import FLAGS, find_compiler

_UNIT = """
#include "symcell/isa.h"
#include "symcell/memory.h"
#define SC_VARIANT_{ISA} 1
#define SC_DOUBLE 0
#include "symcell/begin.h"
#include "symcell/panels.h"
#include "{cell}.h"
void (*const SC(kept)[])(void *) = {{SC({cell}_forward), SC({cell}_backward)}};
#include "symcell/end.h"
"""

_LABEL = re.compile(r"([.\w$]+):")
_LOCAL = re.compile(r"\.?L")  # a place within a function
_JUMP = re.compile(r"j\w+\s+([.\w$]+)$")
_FUSED, _PRODUCT, _SUM = (re.compile(rf"{name}p[sd]$") for name in (r"vfmadd\d+", "v?mul", "v?add"))
_DIVISION = re.compile(r"v?divp[sd]$")
_SCALAR = re.compile(r"v?mov(s[sd]|ddup)$|vbroadcast")  # its memory operand is one number, not a vector
_SPREAD = re.compile(r"\{1to\d+\}")  # a broadcast embedded in another instruction
_STORED = re.compile(r"\([^()]*\)(\s*\{[^}]*\})*$")  # the last operand is memory, perhaps under a mask


@dataclass(frozen=True)
class Work:
    """Vector instructions of one turn of a loop; a fused multiply-add is a product and a sum."""

    products: int
    sums: int
    loads: int  # of whole vectors, be it as an operand of arithmetic
    broadcasts: int  # of numbers in memory
    stores: int

    def __str__(self) -> str:
        return ", ".join(f"{count} {name}" for name, count in vars(self).items())


@dataclass(frozen=True)
class Loop:
    """An innermost loop: the function it stands in, and its instructions."""

    function: str
    lines: tuple[str, ...]

    @property
    def work(self) -> Work:
        """What one turn does."""
        kinds = [kind for line in self.lines for kind in _kinds(line)]
        return Work(*(kinds.count(kind) for kind in Work.__annotations__))

    def __str__(self) -> str:
        return "\n    ".join((f"{self.function}:", *self.lines))


def _kinds(line: str) -> Iterator[str]:
    name, _, operands = line.partition("\t")
    if not re.search(r"%[xyz]mm", operands):
        return
    if _FUSED.match(name) or _PRODUCT.match(name):
        yield "products"
    if _FUSED.match(name) or _SUM.match(name):
        yield "sums"
    if _STORED.search(operands):
        yield "stores"
    elif "(" in operands:
        yield "broadcasts" if _SCALAR.match(name) or _SPREAD.search(operands) else "loads"


def assemble(cell, isa, folder, text, options=(), include=INCLUDE):
    """Return the assembly of a cell's float32 kernel; `text` is its header, `options` come after symcell's flags."""
    unit = folder / "unit.c"
    unit.write_text(_UNIT.format(ISA=isa.upper(), cell=cell))
    (folder / f"{cell}.h").write_text(text)
    written = folder / "unit.s"
    command = [*find_compiler().command, *FLAGS, *options, "-iquote", str(folder), f"-I{include}"]
    command += ["-S", "-g0", str(unit), "-o", str(written)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"the compiler refused {cell} for {isa}:\n{done.stderr}"
    return written.read_text()


def inner_loops(text: str) -> list[Loop]:
    """Return the loops that hold no other loop and multiply vectors, in the order of the text."""
    found = [loop for name, lines in _functions(text).items() for loop in _innermost(name, lines)]
    return [loop for loop in found if loop.work.products]


def loops_with(text: str, function: str, instruction: str) -> list[Loop]:
    """Return the loops of a function that hold no other loop and do such an instruction."""
    found = [loop for name, lines in _functions(text).items() if re.match(rf"{function}\b", name)
             for loop in _innermost(name, lines)]
    return [loop for loop in found if any(re.match(instruction, line) for line in loop.lines)]


def arithmetic(text: str, function: str) -> dict[str, int]:
    """Return how many products, sums and divisions of vectors a function does, all of its branches counted."""
    lines = next(lines for name, lines in _functions(text).items() if re.match(rf"{function}\b", name))
    kinds = [kind for line in lines for kind in _kinds(line)]
    divisions = sum(bool(_DIVISION.match(line.partition("\t")[0])) for line in lines)
    return {"products": kinds.count("products"), "sums": kinds.count("sums"), "divisions": divisions}


def _functions(text: str) -> dict[str, list[str]]:
    functions: dict[str, list[str]] = {}
    lines: list[str] = []
    for raw in text.splitlines():
        line = raw.partition("#")[0].strip()
        label = _LABEL.match(line)
        if label and not _LOCAL.match(label[1]):
            # macOS puts an underscore in front.
            lines = functions.setdefault(label[1].removeprefix("_"), [])
        elif label or (line and not line.startswith(".")):
            lines.append(line)
    return functions


def _innermost(function: str, lines: list[str]) -> Iterator[Loop]:
    """A loop goes from a label to a jump back to it."""
    labels: dict[str, int] = {}
    loops = []
    for at, line in enumerate(lines):
        if label := _LABEL.match(line):
            labels[label[1]] = at
        elif (jump := _JUMP.match(line)) and jump[1] in labels:
            loops.append((labels[jump[1]], at))
    for first, last in loops:
        if not any((a, b) != (first, last) and first <= a and b <= last for a, b in loops):
            yield Loop(function, tuple(lines[first : last + 1]))
