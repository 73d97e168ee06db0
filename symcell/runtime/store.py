"""One entry of the cache: a folder that holds an extension module and the manifest that vouches for it.

    <root>/<name>-<key>/          the entry: mode 0700, published by one rename, never changed afterwards
        <name><EXT_SUFFIX>        the extension module
        manifest.json             its size and SHA-256, and what the key was made from; written last
        <name>.pyx, ...           the sources, for readers
    <root>/.<name>-<key>.xxxx/    a build in progress, or the remains of one that was killed
    <root>/locks/, <root>/logs/   locks per key; logs of failed builds

Loading an extension proves nothing: one cut to a fifth of its size, or with a flipped bit, may load and
answer. So an entry counts only if its manifest is complete and the bytes have the hash it names.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import stat
import sysconfig
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import CacheError
from .fingerprint import SCHEMA
from .root import is_private

MANIFEST = "manifest.json"
DAY = 24 * 3600.0


@dataclass(frozen=True)
class Entry:
    """The place in the cache of one kernel, whether or not anything is there."""

    root: Path
    name: str
    key: str

    @property
    def folder(self) -> Path:
        """The published folder. 128 bits of the key name it; the manifest holds all 256."""
        return self.root / f"{self.name}-{self.key[:32]}"

    @property
    def extension(self) -> Path:
        """The extension module in it."""
        return self.folder / f"{self.name}{sysconfig.get_config_var('EXT_SUFFIX')}"

    @property
    def lock(self) -> Path:
        """The file whose lock the builder holds."""
        return self.root / "locks" / f"{self.folder.name}.lock"

    @property
    def log(self) -> Path:
        """Where the log of a failed build is kept."""
        return self.root / "logs" / f"{self.folder.name}.log"


def verified(entry: Entry) -> Path | None:
    """The extension's path if it is exactly what was published, by this user, else None.

    The file is read once and hashed; it is neither loaded nor executed.
    """
    try:
        status = entry.folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or not is_private(status):
            return None
        manifest = json.loads(_read(entry.folder / MANIFEST))
        found = _manifest(entry, _read(entry.extension))
    except (OSError, ValueError):
        return None
    if not isinstance(manifest, dict) or any(manifest.get(field) != found[field] for field in found):
        return None
    return entry.extension


def _read(path: Path) -> bytes:
    """The bytes of a private regular file. Raises OSError for a link, a pipe, a stranger's file."""
    # Opening a pipe would wait for its writer; with O_NONBLOCK it does not.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not is_private(status):
            raise OSError(f"{path} is not a private file")
        return file.read()


def _manifest(entry: Entry, extension: bytes) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "key": entry.key,
        "extension": entry.extension.name,
        "size": len(extension),
        "sha256": hashlib.sha256(extension).hexdigest(),
    }


def private_folder(entry: Entry) -> Path:
    """A new folder of mode 0700 beside the entry, to build in. Raises OSError."""
    return Path(tempfile.mkdtemp(prefix=f".{entry.folder.name}.", dir=entry.root))


def sweep(entry: Entry) -> None:
    """Remove what killed builds left, of other entries after a day. Only for the holder of the lock."""
    for remains in entry.root.glob(".*-*.*"):
        own = remains.name.startswith(f".{entry.folder.name}.")
        with contextlib.suppress(OSError):  # another process may be removing it too
            if own or remains.stat().st_mtime < time.time() - DAY:
                shutil.rmtree(remains, ignore_errors=True)


def seal(entry: Entry, folder: Path, inputs: Mapping[str, object]) -> None:
    """Write the manifest of the extension in `folder`: the last act of a build. Raises OSError."""
    extension = folder / entry.extension.name
    extension.chmod(0o700)  # under a umask of 0 it is writable by all, and nobody would trust it
    manifest = {**_manifest(entry, extension.read_bytes()), "inputs": inputs}
    path = folder / MANIFEST
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    path.chmod(0o600)


def publish(entry: Entry, folder: Path) -> Path:
    """Make a sealed folder the entry, in one step, and return the extension's path.

    What stands there is moved away, not overwritten: a process that has it loaded keeps it.

    Raises OSError, and CacheError if the file system does not keep what was written.
    """
    for _ in range(8):  # only rivals that hold no lock can make a second attempt necessary
        try:
            folder.rename(entry.folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
            if path := verified(entry):
                return path
            _discard(entry)
        else:
            break
    if path := verified(entry):
        return path
    raise CacheError(
        f"The kernel {entry.name!r} was compiled, but {entry.folder} does not hold what was written to it, "
        "or does not keep it private. Set SYMCELL_CACHE_DIR to a folder on a local disk."
    )


def _discard(entry: Entry) -> None:
    if entry.folder.is_symlink() or not entry.folder.is_dir():
        entry.folder.unlink(missing_ok=True)
        return
    aside = private_folder(entry)
    entry.folder.rename(aside)  # onto an empty folder, as rename allows
    aside.chmod(0o700)
    shutil.rmtree(aside, ignore_errors=True)
