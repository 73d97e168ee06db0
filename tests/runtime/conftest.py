"""A tiny kernel, compiled once for real; stand-ins for the compilers, so that tests are quick; memory of NaN."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from symcell.runtime import cache, fingerprint, memory, root, store, toolchain

PROBE = {
    "probe.h": "static int probe_twice(int x) { return 2 * x; }\n",
    "probe.pyx": 'cdef extern from "probe.h":\n    int probe_twice(int x)\n\ndef twice(int x):\n'
    "    return probe_twice(x)\n",
}
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def no_headers(tmp_path_factory):
    """An include folder of the tests' own: the probe needs none of symcell's headers."""
    return tmp_path_factory.mktemp("include")


@pytest.fixture(scope="session")
def built(tmp_path_factory, no_headers):
    """The extension module of PROBE, from a real build in a folder whose name would hurt any shell."""
    folder = tmp_path_factory.mktemp('it\'s a "cache" $(touch gone) %s')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYMCELL_CACHE_DIR", str(folder))
        patch.setattr(fingerprint, "INCLUDE", no_headers)
        return cache.build("probe", PROBE, ["base"])


@pytest.fixture
def cache_folder(tmp_path, monkeypatch, no_headers):
    """A cache of the test's own, empty; the environment holds nothing that steers compilers."""
    for variable in ("CC", "CFLAGS", "LDFLAGS", "SYMCELL_ISA", *toolchain.ENVIRONMENT):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("SYMCELL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(root, "_temporary", None)
    monkeypatch.setattr(fingerprint, "INCLUDE", no_headers)
    return tmp_path / "cache"


class Tools:
    """Stand-ins for Cython and the compiler that count their runs, and deliver what was compiled before."""

    def __init__(self, extension):
        self.extension = extension.read_bytes()
        self.compiles = 0
        self.before = lambda: None  # called during the compilation

    def cythonize(self, pyx_path, module_name=None):
        c_path = pyx_path.with_suffix(".c")
        c_path.write_text("/* C */")
        (pyx_path.parent / toolchain.LOG).write_text("all is well")
        return c_path

    def compile_extension(self, c_path, out_path, include_dirs, defines=()):
        self.compiles += 1
        self.before()
        out_path.write_bytes(self.extension)


@pytest.fixture
def tools(built, cache_folder, monkeypatch):
    stand_in = Tools(built)
    monkeypatch.setattr(toolchain, "cythonize", stand_in.cythonize)
    monkeypatch.setattr(toolchain, "compile_extension", stand_in.compile_extension)
    return stand_in


@pytest.fixture
def entry(built, cache_folder):
    """The probe's entry in the test's own cache, valid, and with nothing loaded from it."""
    key = fingerprint.key_of(fingerprint.key_inputs("probe", PROBE, ["base"]))
    found = store.Entry(cache_folder, "probe", key)
    cache_folder.mkdir(mode=0o700)
    shutil.copytree(built.parent, found.folder)
    assert store.verified(found) == found.extension
    return found


@pytest.fixture
def fake_cc(tmp_path, monkeypatch):
    """Make CC a shell script, which may use $REAL, the compiler, and $LOG; return the path of that log."""
    real = toolchain.find_compiler().command[0]

    def make(body, name="fake-cc"):
        script = tmp_path / name
        log = tmp_path / f"{name}.calls"
        version = 'case "$*" in *--version*) echo "fake 1.0"; exit 0;; esac'
        script.write_text(f"#!/bin/sh\nREAL='{real}'\nLOG='{log}'\n{version}\n{body}\n")
        script.chmod(0o700)
        monkeypatch.setenv("CC", str(script))
        return log

    return make


@pytest.fixture
def python():
    """Start a Python that sees this checkout, with warnings as errors; `code` sees PROBE."""
    path = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    running = []

    def start(code, *options, **environment):
        process = subprocess.Popen(
            [sys.executable, "-W", "error", *options, "-c", f"PROBE = {PROBE!r}\n{code}"],
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:  # of a test that failed
        process.kill()
        process.communicate()


@pytest.fixture
def poisoned(monkeypatch):
    """Memory that nothing has written holds NaN, and not by chance the right values of an earlier run."""
    whole = memory.empty

    def empty(shape, dtype, what, zero=False):
        array = whole(shape, dtype, what, zero)
        if not zero:
            array.fill(np.nan)
        return array

    monkeypatch.setattr(memory, "empty", empty)
    monkeypatch.setattr(memory, "KEEP_BYTES", -1)  # nor from an earlier call
