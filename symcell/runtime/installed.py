"""Whether symcell's own compiled module is there, and is that of these sources."""

from __future__ import annotations

from importlib.util import find_spec

from symcell.runtime.errors import BuildError

_REMEDY = "Run `pip install .` (or `pip install -e .`) beside setup.py, and start Python again."


def check() -> None:
    """Raise BuildError if symcell/runtime/native.pyx has not been compiled."""
    if find_spec("symcell.runtime.native") is None:
        raise BuildError("symcell is not installed here, but its source is: symcell/runtime/native.pyx has not been "
                         f"compiled for this Python. {_REMEDY}")


def check_interface() -> None:
    """Raise BuildError if it has not, or from other headers: a kernel compiled now would not fit it."""
    check()
    from symcell.runtime import fingerprint, native

    if fingerprint.interface() != native.INTERFACE:
        raise BuildError(f"{native.__file__} was compiled from other headers than those in {fingerprint.INCLUDE}: a "
                         f"kernel compiled now would not fit it. {_REMEDY}")
