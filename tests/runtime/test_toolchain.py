"""Finding and running the tools: what they are given, what is said when one is missing, fails or hangs."""

import importlib.metadata
import os
import pickle
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from symcell.runtime import process, toolchain
from symcell.runtime.errors import BuildError

REFUSED = [
    "-march=native", "-mtune=native", "-mcpu=power9", "-Ofast", "-ffast-math", "-ffinite-math-only", "-mavx2",
    "-funsafe-math-optimizations", "-fassociative-math", "-mfma",
]  # fmt: skip


@pytest.fixture(autouse=True)
def clean(cache_folder):
    """No test here depends on the CC of whoever runs it."""


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "it's a $(touch gone) `place`"
    folder.mkdir()
    path = folder / "unit.c"
    path.write_text("int unit(void) { return 0; }\n")
    return path


def compile_unit(source, **options):
    toolchain.compile_extension(source, source.with_name("unit.so"), options.pop("include", []), **options)


def test_the_compiler_is_described():
    compiler = toolchain.find_compiler()
    assert Path(compiler.command[0]).is_absolute()
    assert compiler.path == os.path.realpath(compiler.command[0])
    assert compiler.version == compiler.version_text.splitlines()[0]
    assert compiler.version in str(compiler)


def test_cc_may_hold_words_but_none_that_change_results(fake_cc, tmp_path, monkeypatch):
    fake_cc("exit 1")
    monkeypatch.setenv("CC", f"'{tmp_path}/fake-cc' -m64 {' '.join(REFUSED)} -pipe")
    assert toolchain.find_compiler().command == (f"{tmp_path}/fake-cc", "-m64", "-pipe")


def test_words_of_the_python_build_are_filtered_too(fake_cc, tmp_path, monkeypatch):
    fake_cc("exit 1")
    monkeypatch.delenv("CC")
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: f"{tmp_path}/fake-cc -march=native -g")
    assert toolchain.find_compiler().command == (f"{tmp_path}/fake-cc", "-g")


def test_cc_may_be_a_path_with_spaces(fake_cc, tmp_path):
    fake_cc("exit 1", name="my cc")
    assert toolchain.find_compiler().command == (f"{tmp_path}/my cc",)


def test_pythons_compiler_may_be_gone(fake_cc, tmp_path, monkeypatch):
    fake_cc("exit 1", name="gcc")
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: "/build/machine/cc")
    assert toolchain.find_compiler().command == (f"{tmp_path}/gcc",)


@pytest.mark.parametrize("name", ["nonexistent", "/no/such/cc", "'unclosed", "-march=native", "/"])
def test_a_wrong_cc_is_named(name, monkeypatch):
    monkeypatch.setenv("CC", name)
    with pytest.raises(BuildError, match=r"environment variable CC is .* no such program") as caught:
        toolchain.find_compiler()
    assert repr(name) in str(caught.value)


def test_no_compiler_at_all_names_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: None)
    with pytest.raises(BuildError, match=r"apt install gcc.*dnf install gcc.*xcode-select --install"):
        toolchain.find_compiler()


@pytest.mark.parametrize("body", ["echo broken; exit 1", "kill -9 $$"])
def test_a_compiler_that_cannot_tell_its_version(body, tmp_path, monkeypatch):
    (tmp_path / "cc").write_text(f"#!/bin/sh\n{body}\n")
    (tmp_path / "cc").chmod(0o700)
    monkeypatch.setenv("CC", str(tmp_path / "cc"))
    with pytest.raises(BuildError, match="does not answer to --version"):
        toolchain.find_compiler()


def test_a_program_that_the_system_cannot_start(tmp_path, monkeypatch):
    (tmp_path / "cc").write_bytes(b"\x7fELF of another machine")
    (tmp_path / "cc").chmod(0o700)
    monkeypatch.setenv("CC", str(tmp_path / "cc"))
    with pytest.raises(BuildError, match="Exec format error"):
        toolchain.find_compiler()


def test_what_the_compiler_is_given(fake_cc, source, monkeypatch):
    log = fake_cc('for word; do echo "$word" >> "$LOG"; done')
    monkeypatch.setenv("CFLAGS", "-march=native -ffast-math -DFROM_CFLAGS")
    compile_unit(source, include=[source.parent], defines=["SC_ONLY_AVX2=1", "SC_ONLY_BASE=1"])
    words = log.read_text().splitlines()
    assert set(toolchain.FLAGS) < set(words)
    assert {"-O3", "-std=c11", "-ffp-contract=off", "-fvisibility=hidden", "-fPIC"} < set(words)
    assert {"-DSC_ONLY_AVX2=1", "-DSC_ONLY_BASE=1", f"-I{source.parent}"} < set(words)
    assert not [word for word in words if toolchain._REFUSED.fullmatch(word) or "CFLAGS" in word]
    assert not (source.parent / "gone").exists()


def test_no_flag_of_ours_is_one_that_we_refuse():
    assert not [flag for flag in toolchain.FLAGS if toolchain._REFUSED.fullmatch(flag)]
    assert all(toolchain._REFUSED.fullmatch(flag) for flag in REFUSED)


@pytest.mark.parametrize(
    ("system", "flags"),
    [("linux", ("-shared",)), ("darwin", ("-bundle", "-undefined", "dynamic_lookup", "-arch", "arm64"))],
)
def test_each_platform_links_its_own_way(system, flags, monkeypatch):
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(toolchain.platform, "machine", lambda: "arm64")
    assert toolchain.platform_flags() == flags


def test_errors_in_the_source_are_shown(source):
    source.write_text("int unit(void) { return nothing; }\n")
    with pytest.raises(BuildError, match=r"could not compile unit\.c: it ended with status 1") as caught:
        compile_unit(source)
    assert "nothing" in str(caught.value)
    assert caught.value.log == source.with_name(toolchain.LOG)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_compiler_that_is_killed(fake_cc, source):
    fake_cc("kill -9 $$")
    with pytest.raises(BuildError, match="ended by signal 9"):
        compile_unit(source)


def test_a_compiler_that_hangs_is_ended_with_all_its_children(fake_cc, source, monkeypatch):
    log = fake_cc('sleep 60 &\necho $! > "$LOG"\nwait')
    toolchain.find_compiler()
    monkeypatch.setattr(process, "TIMEOUT", 0.5)
    before = time.monotonic()
    with pytest.raises(BuildError, match=r"still running after 0\.5 s"):
        compile_unit(source)
    assert time.monotonic() - before < 5
    assert not running(int(log.read_text()))


def test_an_interrupt_ends_the_compiler_too(fake_cc, source, monkeypatch):
    log = fake_cc('echo $$ > "$LOG"\nexec sleep 60')
    toolchain.find_compiler()

    def interrupted(self, timeout=None):
        monkeypatch.undo()
        while not log.exists() or not log.read_text():
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compile_unit(source)
    assert not running(int(log.read_text()))


def running(pid):
    """Whether a process is alive; a killed one whose new parent has not looked yet is not."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
        if not state.strip() or state.startswith("Z"):
            return False
        time.sleep(0.02)
    return True


def test_missing_python_headers_name_the_package(source, monkeypatch):
    nowhere = {"include": "/no/include", "platinclude": "/no/include"}
    monkeypatch.setattr(sysconfig, "get_paths", lambda: nowhere)
    with pytest.raises(BuildError, match=r"no Python\.h in /no/include.*apt install python3-dev"):
        compile_unit(source)


def test_missing_cython_says_how_to_install_it(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    with pytest.raises(BuildError, match="pip install cython"):
        toolchain.cythonize(Path("unit.pyx"))


def test_what_cython_refuses_is_shown(tmp_path):
    (tmp_path / "enum.py").write_text("raise SystemExit('this is not your module')")
    (tmp_path / "unit.pyx").write_text("cdef int f(:\n")
    with pytest.raises(BuildError, match=r"could not translate unit\.pyx") as caught:
        toolchain.cythonize(tmp_path / "unit.pyx")
    assert "unit.pyx:1:" in str(caught.value)
