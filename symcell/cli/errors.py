"""How a command can end other than well."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. `symcell --help` lists them."""

    FINE = 0
    CHECK_FAILED = 1
    USAGE = 2
    CELL = 3
    BUILD = 4
    FILE = 5
    INTERNAL = 70  # EX_SOFTWARE of sysexits.h
    INTERRUPTED = 130  # 128 + SIGINT, as shells have it
    BROKEN_PIPE = 141  # 128 + SIGPIPE


class CliError(Exception):
    """What the user is told in one paragraph, and the exit code that goes with it."""

    def __init__(self, message: str, code: Exit = Exit.USAGE) -> None:
        """Keep the message, a sentence or a few, and the code."""
        super().__init__(message)
        self.code = code
