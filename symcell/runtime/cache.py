"""Build a kernel's extension module, or find it already built.

    key_inputs -> Entry -> verified? -> lock -> verified? -> cythonize, compile_extension, seal -> publish

Finding takes no lock. A lock only saves work: publishing is one rename, so a builder without a lock does no
harm.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from . import cpu, fingerprint, process, store, toolchain
from .errors import BuildError, CacheError
from .load import check_name
from .root import cache_root

Progress = Callable[[str], None]
Translate = Callable[[Path, str], Path]

# Longer than any live holder needs. Then the holder is a ghost (a fork that inherited the lock of a killed
# process, a file system that lost the release), and building twice is better than waiting for ever.
LOCK_TIMEOUT = 2 * process.TIMEOUT + 60

_locks: dict[Path, threading.Lock] = {}


def build(name: str, files: Mapping[str, str], isas: Sequence[str], progress: Progress | None = None,
          translate: Translate | None = None) -> Path:
    """The path of a verified extension module compiled from `files`, compiling it when the cache has none.

    `files` maps file names to texts and holds `<name>.pyx`; the others are headers beside it. `isas` names
    the instruction sets to compile for (see `cpu.ISAS`); with none, every one that the headers know.
    `progress` is called with a line of text before each step that takes time. `translate` stands for
    `toolchain.cythonize`: from a .pyx and the name of its module to the .c beside it.

    Raises ValueError if a name is not a plain identifier or an instruction set is unknown, BuildError if the
    C compiler or Cython is missing or fails, CacheError if the cache cannot be written.
    """
    _check(name, files, isas)
    isas = [isa for isa in cpu.ISAS if isa in isas]  # one order, one key
    inputs = fingerprint.key_inputs(name, files, isas)
    try:
        entry = store.Entry(cache_root(), name, fingerprint.key_of(inputs))
        if path := store.verified(entry):
            return path
        with _locked(entry, progress or _silent):
            how = progress or _silent, translate or toolchain.cythonize
            return store.verified(entry) or _build(entry, files, inputs, isas, *how)
    except OSError as error:
        raise CacheError(
            f"The kernel {name!r} cannot be written to the cache: {error}. Make room there, or set "
            "SYMCELL_CACHE_DIR to another folder."
        ) from error


def _check(name: str, files: Mapping[str, str], isas: Sequence[str]) -> None:
    check_name(name)
    for file in files:
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,99}\.(pyx|h)", file):
            raise ValueError(f"{file!r} cannot be a kernel's source: use a plain name ending in .pyx or .h.")
    if f"{name}.pyx" not in files:
        raise ValueError(f"The kernel {name!r} has no {name}.pyx among its files ({', '.join(files)}).")
    for isa in isas:
        if isa not in cpu.ISAS:
            raise ValueError(f"{isa!r} is not an instruction set; the names are {', '.join(cpu.ISAS)}.")


def _silent(message: str) -> None:
    pass


@contextlib.contextmanager
def _locked(entry: store.Entry, progress: Progress) -> Iterator[None]:
    """Hold the entry's lock against other threads and processes, as far as that can be had."""
    from filelock import FileLock, Timeout

    # Threads have a lock of their own, for file systems that have none. dict.setdefault is atomic.
    with _locks.setdefault(entry.folder, threading.Lock()):
        entry.lock.parent.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(entry.lock)
        try:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                progress(f"waiting for another process that compiles {entry.name}")
                lock.acquire(timeout=LOCK_TIMEOUT)
            store.sweep(entry)
        except (Timeout, OSError, NotImplementedError):  # a ghost holds it, or this file system has no locks
            progress(f"going on with {entry.name} without a lock")
        try:
            yield
        finally:
            lock.release()


def _build(
    entry: store.Entry,
    files: Mapping[str, str],
    inputs: Mapping[str, object],
    isas: Sequence[str],
    progress: Progress,
    translate: Translate,
) -> Path:
    folder = store.private_folder(entry)
    try:
        for file, text in files.items():
            (folder / file).write_bytes(text.encode("utf-8"))
        progress(f"cython {entry.name}.pyx")
        c_path = translate(folder / f"{entry.name}.pyx", f"symcell._cache.{entry.name}")
        progress(f"{toolchain.find_compiler()} {c_path.name} for {', '.join(isas) or 'all'}")
        defines = [f"SC_ONLY_{isa.upper()}=1" for isa in isas]
        toolchain.compile_extension(c_path, folder / entry.extension.name, [fingerprint.INCLUDE], defines)
        c_path.unlink()  # large, and Cython makes it again from what stays
        store.seal(entry, folder, inputs)
        return store.publish(entry, folder)
    except BuildError as error:
        error.log = _keep_log(entry, folder)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # published, it is no longer there


def _keep_log(entry: store.Entry, folder: Path) -> Path | None:
    """Move the log out of a folder that is about to go; None where that is not possible."""
    try:
        entry.log.parent.mkdir(mode=0o700, exist_ok=True)
        (folder / toolchain.LOG).replace(entry.log)
    except OSError:
        return None
    return entry.log


if hasattr(os, "register_at_fork"):
    # A lock that another thread of the parent held would never be released here.
    os.register_at_fork(after_in_child=_locks.clear)
