"""The C compiler and Cython: finding them, describing them, running them.

.pyx -> cythonize -> .c -> compile_extension -> extension module

Both tools run as processes of their own, from argument lists, never through a shell. Cython too: its compiler
is not thread-safe, and a child is untouched by this process's warning filters and can be ended.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import re
import shlex
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import BuildError
from .process import execute

FLAGS = (
    "-O3",
    "-std=c11",
    "-DNDEBUG",
    # Results must not depend on the compiler's mood: the kernels ask for FMA by intrinsics. Nothing here
    # relaxes IEEE arithmetic; the two flags below only drop errno and traps, which nobody reads.
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    # As Python itself is compiled; its headers' inline functions and Cython's code are tested under these.
    "-fwrapv",
    "-fno-strict-aliasing",
    "-fPIC",
    "-pthread",
    "-fvisibility=hidden",
    "-Wno-unused-function",
    "-Wno-psabi",
)
"""Given to every compilation, after whatever words the compiler's own command holds."""

ENVIRONMENT = (
    "CPATH",
    "C_INCLUDE_PATH",
    "LIBRARY_PATH",
    "COMPILER_PATH",
    "GCC_EXEC_PREFIX",
    "CCC_OVERRIDE_OPTIONS",
    "SDKROOT",
    "DEVELOPER_DIR",
    "MACOSX_DEPLOYMENT_TARGET",
    "NIX_CFLAGS_COMPILE",
    "NIX_LDFLAGS",
)
"""Variables that compilers read by themselves, so they belong to the cache key.

CFLAGS, CPPFLAGS and LDFLAGS are ignored on purpose: they are written for other programs, and often hold
-march=native or -ffast-math.
"""

ROOT = Path(__file__).parents[2]
"""The folder where Cython finds symcell/runtime/native.pxd."""

LOG = "build.log"
"""Name of the file, beside the source, that collects what the tools print."""

# Flags that would change results or tie the kernel to one machine. Some Pythons were built with them.
_REFUSED = re.compile(
    r"-Ofast|-ffast-math|-f(unsafe-math-optimizations|associative-math|reciprocal-math|finite-math-only"
    r"|no-signed-zeros|cx-limited-range)|-m(arch|tune|cpu|fpu|fpmath)=.*|-m(avx|sse|fma|bmi).*"
)

_INSTALL = (
    "To install one: Debian or Ubuntu `apt install gcc python3-dev`, Fedora `dnf install gcc python3-devel`, "
    "Alpine `apk add gcc musl-dev python3-dev`, macOS `xcode-select --install`."
)


@dataclass(frozen=True)
class Compiler:
    """A C compiler: the words that start it, the file behind them, and what it says to --version."""

    command: tuple[str, ...]
    path: str
    version_text: str

    @property
    def version(self) -> str:
        """The first line of its version."""
        return self.version_text.partition("\n")[0]

    def __str__(self) -> str:
        return f"{shlex.join(self.command)} ({self.version})"


def find_compiler() -> Compiler:
    """The C compiler: the environment's CC, else the one Python was built with, else cc, gcc or clang.

    Words after the program's name are kept (`ccache gcc`, `clang -arch arm64`), except those that would relax
    floating-point arithmetic or choose a processor.

    Raises BuildError if there is none, or if it does not answer to --version.
    """
    if os.name == "nt":
        raise BuildError("symcell compiles kernels on Linux and macOS only. On Windows, use it inside WSL.")
    named = os.environ.get("CC", "").strip()
    candidates = [named] if named else [sysconfig.get_config_var("CC") or "cc", "cc", "gcc", "clang"]
    for candidate in candidates:
        words = [candidate] if shutil.which(candidate) else _words(candidate)
        program = shutil.which(words[0]) if words else None
        if program:
            # Not resolved: a link named gcc that leads to ccache must be called by its own name.
            path = Path(program).absolute()
            status = path.stat()
            return _described((str(path), *words[1:]), status.st_mtime_ns, status.st_size)
    raise BuildError(_no_compiler(named, candidates))


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError:  # an unclosed quote
        return []
    return [word for word in words if not _REFUSED.fullmatch(word)]


def _no_compiler(named: str, candidates: Sequence[str]) -> str:
    if named:
        return (
            f"The environment variable CC is {named!r}, but there is no such program. Unset it, or set it to "
            f"a C compiler. {_INSTALL}"
        )
    return (
        "symcell needs a C compiler to build this kernel, and finds none: it looked for "
        f"{', '.join(dict.fromkeys(candidates))} on PATH. {_INSTALL} Or set CC to its path."
    )


@functools.lru_cache(maxsize=8)
def _described(command: tuple[str, ...], modified: int, size: int) -> Compiler:
    """Asks for the version once per process, and again when the program's file has changed."""
    with tempfile.TemporaryFile() as output:
        trouble = execute([*command, "--version"], Path.cwd(), output)
        output.seek(0)
        answer = output.read().decode(errors="replace").strip()
    if trouble:
        raise BuildError(
            f"The C compiler {shlex.join(command)} does not answer to --version: {trouble}. "
            f"Set CC to a GCC or Clang that works. It printed: {answer[-500:] or 'nothing'}"
        )
    return Compiler(command, os.path.realpath(command[0]), answer)


def cython_version() -> str:
    """The version of the installed Cython, which is not imported.

    Raises BuildError if there is none.
    """
    try:
        return importlib.metadata.version("Cython")
    except importlib.metadata.PackageNotFoundError:
        raise BuildError(
            f"symcell needs Cython to build this kernel, and the Python at {sys.executable} has none. "
            "To install it: `pip install cython`."
        ) from None


def cythonize(pyx_path: Path, module_name: str | None = None) -> Path:
    """Translate a .pyx into a .c beside it, and return its path.

    `module_name` is the dotted name compiled into it; by default the file's own.

    Raises BuildError if Cython is missing or refuses the file.
    """
    version = cython_version()
    command = [sys.executable, "-W", "ignore", "-m", "cython", "-3", "-I", str(ROOT)]
    command += ["--module-name", module_name or pyx_path.stem]
    # Relative names: the C text must not depend on the folder it is made in.
    command += ["-o", f"{pyx_path.stem}.c", pyx_path.name]
    failure = f"Cython {version} could not translate {pyx_path.name}"
    _run(command, pyx_path.parent, failure, "version of Cython")
    return pyx_path.with_suffix(".c")


def compile_extension(
    c_path: Path, out_path: Path, include_dirs: Sequence[Path], defines: Sequence[str] = ()
) -> None:
    """Compile and link one C file into an extension module of this Python.

    `defines` are given as -D, e.g. "SC_ONLY_AVX2=1".

    Raises BuildError if the compiler or Python's headers are missing, or if it fails or hangs.
    """
    compiler = find_compiler()
    headers = _python_headers()
    command = [*compiler.command, *FLAGS, *platform_flags()]
    command += [f"-D{define}" for define in defines]
    # The kernel's own header is found by quotes only: a cell may be called Math, and <math.h> must stay math.h.
    command += ["-iquote", str(c_path.parent.absolute())]
    command += [f"-I{folder.absolute()}" for folder in (*include_dirs, *headers)]
    command += [c_path.name, "-o", str(out_path.absolute()), "-lm"]
    failure = f"The C compiler {compiler} could not compile {c_path.name}"
    _run(command, c_path.parent, failure, "compiler, by setting CC")


def _python_headers() -> list[Path]:
    paths = sysconfig.get_paths()
    folders = [Path(folder) for folder in dict.fromkeys((paths["include"], paths["platinclude"]))]
    if not any((folder / "Python.h").is_file() for folder in folders):
        raise BuildError(
            f"symcell needs Python's headers to build this kernel, and there is no Python.h in {folders[0]}. "
            "They are a package of their own: Debian or Ubuntu `apt install python3-dev`, "
            "Fedora `dnf install python3-devel`, Alpine `apk add python3-dev`."
        )
    return folders


def platform_flags() -> tuple[str, ...]:
    """How this platform links a module whose Python symbols the interpreter provides."""
    if sys.platform == "darwin":
        # Under Rosetta the compiler would otherwise build for the other processor.
        return ("-bundle", "-undefined", "dynamic_lookup", "-arch", platform.machine())
    return ("-shared",)


def _run(command: Sequence[str], folder: Path, failure: str, remedy: str) -> None:
    """Run a tool in `folder`, its output appended to the log there. Raises BuildError unless it succeeds."""
    log = folder / LOG
    with log.open("ab") as output:
        output.write(f"$ {shlex.join(command)}\n".encode(errors="surrogateescape"))
        output.flush()
        trouble = execute(command, folder, output)
    if trouble:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        message = f"{failure}: {trouble}. Try another {remedy}; if that fails too, report it with the log."
        error = BuildError("\n  ".join([f"{message} The last lines of its output:", *lines]))
        error.log = log
        raise error
