"""Run a tool to its end, or end it: no shell, no waiting for ever, no process left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

TIMEOUT = 600.0
"""Seconds after which a tool is taken to hang, and ended."""

_running: set[subprocess.Popen[bytes]] = set()


def execute(command: Sequence[str], folder: Path, output: IO[bytes]) -> str:
    """Run a program; the answer says what went wrong, and is empty if nothing did.

    The output goes to a file, not a pipe: a pipe stays open as long as any grandchild lives, so that reading
    it would outlast the timeout.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return str(error)
    _running.add(process)
    status = _wait(process)
    if status is None:
        return f"it was still running after {TIMEOUT:g} s, and was ended"
    if status < 0:
        return f"it was ended by signal {-status} (is memory short?)"
    return f"it ended with status {status}" if status else ""


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    """The exit status, or None after the timeout. Leaves no process behind, whatever happens."""
    try:
        return process.wait(TIMEOUT)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.returncode is None:  # also when Ctrl-C arrived, which a group of its own does not see
            _kill(process)
            process.wait()
        _running.discard(process)


def start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a program that answers on its output what it is asked on its input, until `end`."""
    process = subprocess.Popen(command, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, start_new_session=True)
    _running.add(process)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """End what `start` started."""
    _running.discard(process)
    _kill(process)
    with contextlib.suppress(OSError):  # what its closed input still held
        process.communicate()


def end_all() -> None:
    """End every tool that any thread is running: Ctrl-C reaches the main thread only."""
    for process in tuple(_running):
        if process.returncode is None:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):  # it may have ended just now
        os.killpg(process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    # Messages in one language: a compiler's version text is part of the cache key. And no module of the
    # folder that Cython happens to work in may stand for one of Python's.
    return {**os.environ, "LC_ALL": "C", "PYTHONSAFEPATH": "1"}
