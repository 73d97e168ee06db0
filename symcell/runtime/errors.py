"""What can go wrong between a kernel's source text and a loaded module."""

from __future__ import annotations

from pathlib import Path


class BuildError(RuntimeError):
    """The C compiler or Cython is missing, or one of them failed.

    The message says what failed, where, and what to do, and ends with the last lines the tool printed.
    `log` is the file that holds all of its output, or None where nothing was run.
    """

    log: Path | None = None

    def __str__(self) -> str:
        # The log moves when a failed build is cleaned away, so its place is added when the message is read.
        message = super().__str__()
        return message if self.log is None else f"{message}\nFull log: {self.log}"


class CacheError(RuntimeError):
    """The cache folder cannot be used, or an extension in it cannot be loaded by this Python."""


class CacheWarning(RuntimeWarning):
    """The cache folder cannot be used, and kernels go to a temporary one."""
