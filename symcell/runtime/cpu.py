"""Which instruction sets this processor and operating system run, best first."""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ISAS = ("avx512", "avx2", "neon", "base")
"""Every instruction set that a kernel may hold, best first."""

# What the kernels' target pragmas enable. An AVX-512 kernel uses AVX2 and FMA as well.
_NEEDS = {
    "avx512": ("AVX512F", "AVX512DQ", "AVX512BW", "AVX512VL", "AVX2", "FMA3"),
    "avx2": ("AVX2", "FMA3"),
}

# NumPy has begun to name whole levels instead of single features.
_LEVELS = {
    "X86_V3": _NEEDS["avx2"],
    "X86_V4": _NEEDS["avx512"],
    "AVX512_SKX": _NEEDS["avx512"],
}

# /proc/cpuinfo and sysctl say "fma" for what NumPy calls FMA3.
_ALIASES = {"FMA": "FMA3"}


def supported_isas() -> tuple[str, ...]:
    """The instruction sets that can run here, best first; the last is always "base"."""
    machine = platform.machine().lower()
    if sys.maxsize < 2**32:  # a 32-bit Python on a 64-bit processor
        return ("base",)
    if machine in ("arm64", "aarch64"):
        return ("neon", "base")  # every 64-bit ARM has it
    if machine in ("x86_64", "amd64"):
        found = _features()
        return (*(isa for isa in _NEEDS if found.issuperset(_NEEDS[isa])), "base")
    return ("base",)


def cpu_features() -> str:
    """The features that decide between instruction sets, as one line, the same at every call."""
    relevant = {feature for needs in _NEEDS.values() for feature in needs}
    return " ".join([platform.machine().lower(), *sorted(_features() & relevant)])


def chosen_isa(available: Sequence[str]) -> str:
    """The instruction set to use, out of those that a module holds.

    The best one that runs here, unless the environment variable SYMCELL_ISA names another.

    Raises ValueError if SYMCELL_ISA is unknown, does not run here, or is not among `available`; also if
    nothing in `available` runs here.
    """
    supported = supported_isas()
    wanted = os.environ.get("SYMCELL_ISA", "").strip().lower()
    if wanted:
        return _checked(wanted, supported, available)
    for isa in supported:
        if isa in available:
            return isa
    raise ValueError(
        f"This kernel holds code for {_listed(available)}, but this machine runs {_listed(supported)}. "
        "Compile the kernel on this machine."
    )


def _checked(wanted: str, supported: Sequence[str], available: Sequence[str]) -> str:
    if wanted not in ISAS:
        raise ValueError(f"SYMCELL_ISA={wanted!r} is not an instruction set; the names are {_listed(ISAS)}.")
    if wanted not in supported:
        raise ValueError(f"SYMCELL_ISA={wanted!r} does not run here; this machine runs {_listed(supported)}.")
    if wanted not in available:
        raise ValueError(f"SYMCELL_ISA={wanted!r} is not in this kernel; it holds {_listed(available)}.")
    return wanted


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "nothing"


def _features() -> frozenset[str]:
    """The processor's features under NumPy's names; empty where nothing tells."""
    names = _from_numpy() or _from_cpuinfo(Path("/proc/cpuinfo")) or _from_sysctl()
    levels = (feature for name in names for feature in _LEVELS.get(name, ()))
    return names.union(levels)


def _from_numpy() -> frozenset[str]:
    # NumPy also asks whether the operating system saves the wide registers, which cpuid alone does not tell.
    for package in ("numpy._core", "numpy.core"):
        try:
            module = importlib.import_module(f"{package}._multiarray_umath")
            features: Mapping[str, bool] = module.__cpu_features__
        except (ImportError, AttributeError):
            continue
        return frozenset(name for name, present in features.items() if present)
    return frozenset()


def _from_cpuinfo(path: Path) -> frozenset[str]:
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        if line.startswith("flags"):
            return _named(line.partition(":")[2])
    return frozenset()


def _from_sysctl() -> frozenset[str]:
    command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.features", "machdep.cpu.leaf7_features"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.SubprocessError):
        return frozenset()
    return _named(done.stdout)


def _named(words: str) -> frozenset[str]:
    return frozenset(_ALIASES.get(word, word) for word in words.upper().split())
