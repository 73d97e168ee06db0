"""Cython for many kernels: most of a first translation is Cython's start, which a process that stays does once.

The C text is what `toolchain.cythonize` makes, byte for byte; where a process that stays fails, that is asked, and
says what is wrong.
"""

from __future__ import annotations

import contextlib
import json
import queue
import select
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from . import process, toolchain

TIMEOUT = 60.0
"""Seconds after which a translation is taken to hang."""

_WORKER = Path(__file__).with_name("cython_worker.py")


class Translators:
    """As many processes that run Cython as threads ask at once; calling it is `toolchain.cythonize`."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()

    def __call__(self, pyx_path: Path, module_name: str) -> Path:
        """Translate a .pyx into a .c beside it, and return its path.

        Raises BuildError if Cython is missing or refuses the file.
        """
        worker = self._worker()
        try:
            done = _ask(worker, pyx_path, module_name)
        except BaseException:
            process.end(worker)
            raise
        if not done:
            process.end(worker)
            return toolchain.cythonize(pyx_path, module_name)
        self._idle.put(worker)
        return pyx_path.with_suffix(".c")

    def _worker(self) -> subprocess.Popen[bytes]:
        with contextlib.suppress(queue.Empty):
            return self._idle.get_nowait()
        return process.start([sys.executable, "-W", "ignore", str(_WORKER), str(toolchain.ROOT)])

    def __enter__(self) -> Translators:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 where: TracebackType | None) -> None:
        """End those that are idle; no thread may be asking any more."""
        with contextlib.suppress(queue.Empty):
            while True:
                process.end(self._idle.get_nowait())


def _ask(worker: subprocess.Popen[bytes], pyx_path: Path, module_name: str) -> bool:
    """Whether the worker has translated the file."""
    assert worker.stdin
    assert worker.stdout
    try:
        question = json.dumps([str(pyx_path.parent.absolute()), pyx_path.stem, module_name])
        worker.stdin.write(question.encode() + b"\n")
        worker.stdin.flush()
        ready, _, _ = select.select([worker.stdout], [], [], TIMEOUT)
        return bool(ready) and worker.stdout.readline() == b"done\n"
    except OSError:  # it has ended
        return False
