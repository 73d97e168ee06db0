"""Packages and prebuilt kernels of symcell; everything declarative stands in pyproject.toml.

`templates/` and `generated/` lie at the top level, where a reader finds them, and install as
`symcell.templates` and `symcell.generated`. Each committed `generated/*.pyx` becomes one extension, and so does
`symcell/runtime/native.pyx`, which all kernels share. This file never imports symcell: a kernel is compiled from its
committed source as it stands.
"""

import hashlib
import os
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

HEADERS = "symcell/runtime/include"
NATIVE = Path("symcell/runtime/native.pyx")

# The flags of symcell/runtime/toolchain.py, which explains them, copied since symcell is not imported here
# (a test compares): the same source gives the same kernel at install and on demand. Never -march=native: an
# installed kernel holds every instruction set and picks at load.
CFLAGS = [
    "-O3",
    "-std=c11",
    "-DNDEBUG",
    "-ffp-contract=off",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-fwrapv",
    "-fno-strict-aliasing",
    "-fPIC",
    "-pthread",
    "-fvisibility=hidden",
    "-Wno-unused-function",
    "-Wno-psabi",
]


def interface() -> str:
    """What kernels and native.pyx have to agree in, as symcell/runtime/fingerprint.py hashes it (a test compares)."""
    digest = hashlib.sha256()
    for path in [*sorted(Path(HEADERS).rglob("*.h")), Path("symcell/runtime/native.pxd")]:
        digest.update(path.read_bytes())
    return digest.hexdigest()


class BuildKernels(build_ext):
    """Translate the kernels from Cython to C when they are built, not each time metadata is read."""

    def build_extensions(self) -> None:
        """Cython first, its C files kept out of the source tree; then the C compiler, on all cores."""
        if self.extensions:
            from Cython.Build import cythonize

            build_dir = str(Path(self.build_temp, "cython"))
            translated = {ext.name: ext for ext in cythonize(self.extensions, build_dir=build_dir)}
            for extension in self.extensions:
                extension.sources = translated[extension.name].sources
        super().build_extensions()


def kernels() -> list[Extension]:
    """What all kernels share, and one extension per committed kernel."""
    sources = [NATIVE, *sorted(Path("generated").glob("*.pyx"))]
    headers = sorted(str(path) for folder in (HEADERS, "generated") for path in Path(folder).rglob("*.h"))
    return [
        Extension(
            ".".join(["symcell", *path.with_suffix("").parts[path.parts[0] == "symcell":]]),
            sources=[str(path)],
            include_dirs=[HEADERS, "generated"],
            depends=[*headers, "symcell/runtime/native.pxd", "setup.py"],
            libraries=["m"],
            define_macros=[("SC_INTERFACE", f'"{interface()}"')] if path == NATIVE else [],
            extra_compile_args=CFLAGS,
            extra_link_args=["-pthread"],
        )
        for path in sources
    ]


setup(
    packages=[*find_packages(include=["symcell", "symcell.*"]), "symcell.templates", "symcell.generated"],
    package_dir={"symcell.templates": "templates", "symcell.generated": "generated"},
    package_data={
        "symcell": ["py.typed"],
        "symcell.runtime": ["include/symcell/*.h", "native.pyx", "native.pxd", "native.pyi"],
        "symcell.templates": ["*.jinja", "**/*.jinja"],
        "symcell.generated": ["*.pyx", "*.h"],
    },
    include_package_data=False,
    ext_modules=kernels(),
    cmdclass={"build_ext": BuildKernels},
    options={"build_ext": {"parallel": os.cpu_count() or 1}},
)
