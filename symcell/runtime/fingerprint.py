"""Everything that can change a compiled kernel, as one dictionary that a person can read, and its hash."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import cpu, toolchain

SCHEMA = 1
"""The version of the cache's layout and of this dictionary."""

INCLUDE = Path(__file__).parent / "include"
"""The hand-written headers that generated C includes."""

NATIVE = Path(__file__).with_name("native.pxd")
"""What generated Cython takes from symcell's own compiled module."""


def key_inputs(name: str, files: Mapping[str, str], isas: Sequence[str]) -> dict[str, object]:
    """What the extension module built from `files` depends on; texts appear as their SHA-256.

    Raises BuildError if there is no C compiler or no Cython to describe.
    """
    compiler = toolchain.find_compiler()
    return {
        "schema": SCHEMA,
        "name": name,
        "files": {file: text_hash(text) for file, text in sorted(files.items())},
        "headers": {**_headers(INCLUDE), NATIVE.name: _hash(NATIVE.read_bytes())},
        "isas": list(isas),
        "symcell": _symcell_version(),
        "cython": toolchain.cython_version(),
        "python": _python_abi(),
        "platform": [sysconfig.get_platform(), platform.machine(), _libc(), cpu.cpu_features()],
        "compiler": [*compiler.command, compiler.path, compiler.version_text],
        "flags": [*toolchain.FLAGS, *toolchain.platform_flags()],
        "environment": {v: os.environ[v] for v in toolchain.ENVIRONMENT if v in os.environ},
    }


def interface() -> str:
    """The hash of what kernels and symcell's own compiled module have to agree in: headers and native.pxd."""
    digest = hashlib.sha256()
    for path in [*sorted(INCLUDE.rglob("*.h")), NATIVE]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def key_of(inputs: Mapping[str, object]) -> str:
    """The SHA-256 of `inputs`, as 64 hexadecimal digits."""
    return text_hash(json.dumps(inputs, sort_keys=True))


def text_hash(text: str) -> str:
    """The SHA-256 of a text's UTF-8 form, as 64 hexadecimal digits."""
    return _hash(text.encode("utf-8"))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _headers(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {file.relative_to(folder).as_posix(): _hash(file.read_bytes()) for file in files}


def _symcell_version() -> str:
    from symcell import __version__  # at call time: this package may be imported while symcell is

    return __version__


def _python_abi() -> list[str]:
    variables = ("SOABI", "EXT_SUFFIX", "Py_DEBUG", "Py_GIL_DISABLED")
    values = [str(sysconfig.get_config_var(variable)) for variable in variables]
    return [str(sys.implementation.cache_tag), hex(sys.hexversion), *values]


def _libc() -> str:
    # A home folder may be shared by machines whose C libraries differ: a kernel loads only on the newer one.
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, ValueError, OSError):
        return ""
