"""Files that commands write: what goes wrong becomes a message with the name of the file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from symcell.cli.errors import CliError, Exit


def write(path: Path, text: str) -> None:
    """Write a text file, the same bytes on every system.

    Raises:
        CliError: it cannot be written.
    """
    with file_errors(path):
        path.write_text(text, encoding="utf-8", newline="\n")


@contextlib.contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turn what the system says about a file into a CliError."""
    try:
        yield
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror}.", Exit.FILE) from error
