"""Where the cache lives: a folder that nobody but this user can write to."""

from __future__ import annotations

import atexit
import os
import shutil
import stat
import tempfile
import threading
import warnings
from pathlib import Path

from .errors import CacheError, CacheWarning

_temporary: Path | None = None
_lock = threading.Lock()


def cache_root() -> Path:
    """The cache folder, made if need be: $SYMCELL_CACHE_DIR, else the user's cache folder for symcell.

    Where that one cannot be used (no home, not writable, or open to other users), a private folder that is
    removed when this process exits, with a CacheWarning that says why, once. A forked child shares
    its parent's.

    Raises CacheError if not even a temporary folder can be made.
    """
    try:
        return _usable(_configured())
    except OSError as error:
        return _private_folder(f"{error}")


def is_private(status: os.stat_result) -> bool:
    """Whether a file or folder belongs to this user, and nobody else may write to it."""
    if os.name != "posix":
        return True  # access lists, which a mode does not show; profile folders are private by default
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _configured() -> Path:
    chosen = os.environ.get("SYMCELL_CACHE_DIR", "")
    if chosen:
        return Path(chosen).absolute()
    from platformdirs import user_cache_path

    path = user_cache_path("symcell", appauthor=False)
    if not path.is_absolute():  # without HOME and without an entry for this user, "~" stays what it is
        raise OSError(f"no home folder is known for this user ({path} is not an absolute path)")
    return path


def _usable(path: Path) -> Path:
    """The folder with links resolved. Raises OSError that says what is wrong with it."""
    path = Path(os.path.realpath(path))
    for folder in (*reversed(path.parents), path):
        if folder.exists() and not folder.is_dir():
            raise OSError(f"{folder} is not a folder")
        folder.mkdir(mode=0o700, exist_ok=True)  # each by itself: mkdir makes parents as the umask says
    if not is_private(path.stat()):
        raise OSError(f"{path} is not yours alone to write to (`chmod go-w` helps if you own it)")
    for folder in path.parents:
        if os.name == "posix" and _anyone_may_rename_in(folder.stat()):
            raise OSError(f"{folder} is writable by every user, who could replace the cache in it")
    if not os.access(path, os.W_OK | os.X_OK):
        raise OSError(f"{path} is not writable")
    return path


def _anyone_may_rename_in(status: os.stat_result) -> bool:
    return bool(status.st_mode & stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX


def _private_folder(reason: str) -> Path:
    global _temporary
    with _lock:
        if _temporary is not None and _temporary.is_dir():  # some systems clean their temporary folder
            return _temporary
        try:
            _temporary = Path(tempfile.mkdtemp(prefix="symcell-")).resolve()
        except OSError as error:
            raise CacheError(
                f"symcell has no folder to compile kernels in. Its cache cannot be used: {reason}. And there "
                f"is no temporary folder: {error}. Set SYMCELL_CACHE_DIR to a folder of your own."
            ) from error
        atexit.register(_remove, _temporary, os.getpid())
    warnings.warn(
        f"symcell's cache folder cannot be used: {reason}. Kernels are compiled into {_temporary} and lost "
        "when this process exits; set SYMCELL_CACHE_DIR to a folder of your own to keep them.",
        CacheWarning,
        stacklevel=2,
    )
    return _temporary


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child also runs this, while its parent still uses the folder
        shutil.rmtree(folder, ignore_errors=True)


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread of the parent may have held it, and does not exist here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
