"""Run a user's file or module, and say in one paragraph what went wrong in it.

Such a file is Python and is run as Python runs it: it may import its neighbours, print, fail, or call
sys.exit. What it prints goes to standard error, so that results stay clean.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from symcell.cli.errors import CliError, Exit


def run_file(path: Path, shown: str) -> ModuleType:
    """Execute a Python file and return its module; `shown` is the path as the user wrote it.

    Raises:
        CliError: the file cannot be read, is not Python, or fails.
    """
    text = read(path, shown)
    full = str(path.absolute())
    # A name of its own: a file called random.py must not become the module `random` of everybody else.
    module = ModuleType(f"symcell_file_{path.stem}")
    module.__file__ = full
    sys.modules[module.__name__] = module  # where dataclasses, pickle and inspect look

    def execute() -> ModuleType:
        exec(compile(text, full, "exec", dont_inherit=True), vars(module))
        return module

    return _guarded(execute, path.absolute().parent, full, shown)


def run_module(name: str) -> ModuleType:
    """Import a module by its dotted name, from the current folder too, as `python -m` would.

    Raises:
        CliError: there is no such module, or it fails.
    """
    return _guarded(lambda: importlib.import_module(name), Path.cwd(), None, name)


def read(path: Path, shown: str) -> bytes:
    """Return what a file holds that declares a cell, in Python or JSON.

    Raises:
        CliError: it is no file, cannot be read, or holds no text.
    """
    if path.is_dir():
        raise CliError(f"{shown} is a folder. Name a Python file in it, such as {shown.rstrip('/')}/cell.py.")
    if not path.exists():
        raise CliError(f"There is no file {shown}.")
    if not path.is_file():
        raise CliError(f"{shown} is not a regular file.")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise CliError(f"{shown} cannot be read: {error.strerror}.", Exit.FILE) from error
    if b"\0" in text:
        raise CliError(f"{shown} holds binary data; a cell is declared in text.", Exit.CELL)
    return text


def _guarded(execute: Callable[[], ModuleType], folder: Path, full: str | None, shown: str) -> ModuleType:
    """Run user code; whatever it raises becomes a CliError that says where."""
    try:
        with _importable(folder), contextlib.redirect_stdout(sys.stderr):
            return execute()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit and exceptions of the user's own too
        raise _explained(error, full, shown) from error


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    # Only for so long: a neighbour called queue.py must not reach what symcell imports later.
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))


def _explained(error: BaseException, full: str | None, shown: str) -> CliError:
    missing = isinstance(error, ModuleNotFoundError) and f"{shown}.".startswith(f"{error.name}.")
    if full is None and missing:  # the module itself, not one that it imports
        return CliError(f"There is no module {shown} that this Python or the current folder knows.")
    return CliError(_explain(error, full, shown), Exit.CELL)


def _explain(error: BaseException, full: str | None, shown: str) -> str:
    from symcell.declare.errors import CellError

    where = _line(error, full, shown)
    if isinstance(error, CellError):
        return f"{where}: {error}"
    if isinstance(error, SyntaxError):
        return f"{where}: this is not valid Python: {error.msg}{_code(error.text)}."
    if isinstance(error, SystemExit):
        return (f"{where}: the file ends the program (sys.exit) while it is read. Put what should run only "
                'when it is started by itself under `if __name__ == "__main__":`.')
    if isinstance(error, ImportError):
        return f"{where}: an import failed: {_message(error)}.{_symcell_name(error)}"
    what = f"{type(error).__name__}: {_message(error)}{_code(_source(error, full))}"
    advice = ""
    if isinstance(error, TypeError) and "truth value of Relational" in str(error):
        advice = (" A comparison of quantities is neither true nor false: write `&` for `and`, `|` for `or`, "
                  "`maximum` for `max`, `where` for `if`.")
    return f"{where}: {what}.{advice} (SYMCELL_TRACEBACK=1 prints the traceback.)"


def _line(error: BaseException, full: str | None, shown: str) -> str:
    """file:line of the last place in the user's file, or of the syntax error, in whatever file that is."""
    if isinstance(error, SyntaxError) and error.filename:
        file = shown if error.filename == full else error.filename
        return f"{file}:{error.lineno}" if error.lineno else file
    frames = _frames(error, full)
    return f"{shown}:{frames[-1].lineno}" if frames else shown


def _source(error: BaseException, full: str | None) -> str | None:
    frames = _frames(error, full)
    return frames[-1].line if frames else None


def _frames(error: BaseException, full: str | None) -> list[traceback.FrameSummary]:
    return [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == full]


def _code(line: str | None) -> str:
    return f", in `{line.strip()[:100]}`" if line and line.strip() else ""


def _message(error: BaseException) -> str:
    try:
        return str(error).rstrip(". ") or "no message"
    except Exception:
        return "its message cannot be printed"


def _symcell_name(error: ImportError) -> str:
    """Return a suggestion where a name was misspelt in `from symcell import ...`."""
    import symcell
    from symcell.declare.errors import suggestion

    match = re.match(r"cannot import name '(\w+)' from 'symcell'", str(error))
    return suggestion(match[1], symcell.__all__) if match else ""
