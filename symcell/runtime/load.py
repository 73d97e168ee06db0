"""Load a compiled extension module from any path, once per process."""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import os
import re
import sys
import threading
from pathlib import Path
from types import ModuleType

from .errors import CacheError

_loaded: dict[tuple[str, str], ModuleType] = {}
_lock = threading.RLock()


def check_name(name: str) -> str:
    """Return `name` if it may become a part of paths, commands and C identifiers.

    Raises ValueError unless it is a lower-case ASCII identifier of at most 100 characters: names come from
    users, and refusing is safer than escaping.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,99}", name):
        raise ValueError(
            f"{name!r} cannot name a kernel: use lower-case letters, digits and underscores, "
            "not a digit first, 100 characters at most."
        )
    return name


def load_extension(name: str, path: str | os.PathLike[str]) -> ModuleType:
    """The extension module at `path`, whose initialiser is PyInit_<name>; one path gives one module.

    Nothing is verified here: `symcell.runtime.cache.build` returns verified paths, and what lies inside an
    installed package is as trustworthy as the package.

    Raises ValueError if `name` is not a plain identifier, CacheError if this Python cannot load the file.
    """
    check_name(name)
    # The linker knows files by inode: through a symbolic link it would initialise the same module twice.
    real = os.path.realpath(path)
    with _lock:
        if (name, real) not in _loaded:
            _loaded[name, real] = _import(name, real)
        return _loaded[name, real]


def _import(name: str, path: str) -> ModuleType:
    # Two versions of one kernel live side by side, so the name in sys.modules says which file it is.
    place = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    full_name = f"symcell._cache.k{place}.{name}"
    loader = importlib.machinery.ExtensionFileLoader(full_name, path)
    spec = importlib.util.spec_from_file_location(full_name, path, loader=loader)
    assert spec is not None
    try:
        module = importlib.util.module_from_spec(spec)
        sys.modules[full_name] = module
        loader.exec_module(module)
    except BaseException as error:
        sys.modules.pop(full_name, None)
        if not isinstance(error, (ImportError, OSError)):
            raise  # the module's own initialiser
        raise CacheError(_refusal(name, path, error)) from error
    return module


def _refusal(name: str, path: str, error: Exception) -> str:
    return (
        f"The compiled kernel {name!r} at {path} cannot be loaded: {error}. If {Path(path).parent} lies on a "
        "volume mounted noexec, set SYMCELL_CACHE_DIR to a folder elsewhere; otherwise delete the folder, "
        "and the kernel is compiled anew."
    )


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()  # another thread of the parent may have held it, and does not exist here


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
