"""How every command ends: with a result, or with one clear paragraph and an exit code; never a traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from symcell.cli import terminal
from symcell.cli.errors import CliError, Exit

TRACEBACK = "SYMCELL_TRACEBACK"
"""Set this environment variable to 1, and errors print their traceback too."""

# What writing to a full disk, or to a device that is gone, answers. Other files are written with their name.
_OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF)


class Program(click.Group):
    """A group of commands whose errors become messages and exit codes."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None,
             complete_var: str | None = None, standalone_mode: bool = True, **extra: Any) -> NoReturn:
        """Run the command that `args` name, and exit."""
        if "_SYMCELL_COMPLETE" in os.environ:  # a shell asks for completions
            super().main(args, "symcell", complete_var, **extra)
        terminal.tolerant()
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code = self._run(sys.argv[1:] if args is None else list(args), extra)
        sys.exit(code)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which they are declared."""
        return list(self.commands)

    def _run(self, args: list[str], extra: dict[str, Any]) -> int:
        from symcell.runtime.errors import CacheWarning

        warnings.simplefilter("always", CacheWarning)
        try:
            # Not Group.main, which has endings of its own for a broken pipe and for Ctrl-C.
            with self.make_context("symcell", args, **extra) as context:
                self.invoke(context)
            terminal.flush()
            return Exit.FINE
        except BaseException as error:
            return _end(error)


def _end(error: BaseException) -> int:
    """Tell the user what ended the command, if that is not known already, and return the exit code."""
    if isinstance(error, click.exceptions.Exit):  # of --help, --version, and a check that failed
        return error.exit_code
    if isinstance(error, BrokenPipeError):  # `symcell list | head -1`: the reader has what it wanted
        terminal.discard()
        return Exit.BROKEN_PIPE
    if isinstance(error, OSError) and error.errno in _OUTPUT_ERRORS and error.filename is None:
        terminal.discard()
        terminal.say("Error", f"The output cannot be written: {error.strerror}.")
        return Exit.FILE
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        with contextlib.suppress(OSError):
            click.echo("Interrupted.", err=True)
        return Exit.INTERRUPTED
    if isinstance(error, SystemExit):
        raise error
    if isinstance(error, click.ClickException):
        with contextlib.suppress(OSError):
            error.show()
        return error.exit_code
    return _explained(error)


def _explained(error: BaseException) -> int:
    """Say what is wrong with the cell, the machine or symcell, and return the exit code."""
    from symcell.declare.errors import CellError
    from symcell.runtime.errors import BuildError, CacheError

    if os.environ.get(TRACEBACK, "0") not in ("", "0"):
        with contextlib.suppress(OSError):
            click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if isinstance(error, (CliError, CellError, BuildError, CacheError)):
        terminal.say("Error", str(error))
        return error.code if isinstance(error, CliError) else Exit.CELL if isinstance(error, CellError) else Exit.BUILD
    if isinstance(error, MemoryError):
        terminal.say("Error", f"memory is short: {error or 'nothing more could be allocated'}.")
        return Exit.INTERNAL
    what = f"{type(error).__name__}: {error}"
    terminal.say("Internal error", f"{what}. This is a defect of symcell, not of your cell. Please report it "
                 f"with its traceback, which {TRACEBACK}=1 in the environment prints.")
    return Exit.INTERNAL


def _show_warning(message: Warning | str, category: type[Warning], filename: str, lineno: int,
                  file: object = None, line: str | None = None) -> None:
    terminal.say("Warning", str(message))
