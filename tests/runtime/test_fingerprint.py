"""Everything that can change a kernel changes its key; what cannot, does not."""

import json
import sys
import sysconfig

import pytest

from symcell.runtime import cpu, fingerprint, toolchain

from .conftest import PROBE


def key(files=PROBE, isas=("base",), name="probe"):
    return fingerprint.key_of(fingerprint.key_inputs(name, files, isas))


@pytest.fixture
def headers(tmp_path, monkeypatch, cache_folder):
    folder = tmp_path / "include"
    (folder / "panels").mkdir(parents=True)
    (folder / "panels" / "vector.h").write_text("#define VL 8\n")
    monkeypatch.setattr(fingerprint, "INCLUDE", folder)
    return folder


def test_what_kernels_take_from_native_is_in_the_key(headers, tmp_path, monkeypatch):
    before = key()
    changed = tmp_path / "native.pxd"
    changed.write_text(fingerprint.NATIVE.read_text() + "\n")
    monkeypatch.setattr(fingerprint, "NATIVE", changed)
    assert key() != before


def test_the_key_is_stable_and_independent_of_order(headers):
    assert key() == key(dict(reversed(PROBE.items())))
    assert len(key()) == 64


def test_sources_headers_names_and_instruction_sets_are_in_the_key(headers):
    keys = {
        key(),
        key({**PROBE, "probe.h": PROBE["probe.h"] + " "}),
        key({**PROBE, "more.h": ""}),
        key({"other.h": PROBE["probe.h"], "probe.pyx": PROBE["probe.pyx"]}),
        key(isas=("avx2",)),
        key(isas=("avx2", "base")),
        key(name="other"),
    }
    (headers / "panels" / "vector.h").write_text("#define VL 4\n")
    keys.add(key())
    (headers / "panels" / "vector.h").rename(headers / "vector.h")
    keys.add(key())
    assert len(keys) == 9


CHANGES = [
    (toolchain, "FLAGS", (*toolchain.FLAGS, "-O1")),
    (toolchain, "platform_flags", lambda: ("-bundle",)),
    (toolchain, "cython_version", lambda: "4.0.0"),
    (fingerprint, "SCHEMA", fingerprint.SCHEMA + 1),
    (fingerprint, "_symcell_version", lambda: "9.9.9"),
    (fingerprint, "_libc", lambda: "glibc 2.17"),
    (cpu, "cpu_features", lambda: "z80"),
    (sys, "hexversion", 0),
    (sysconfig, "get_platform", lambda: "plan9"),
    (sysconfig, "get_config_var", lambda name: {"CC": "cc"}.get(name, "another ABI")),
]


@pytest.mark.parametrize(("owner", "name", "value"), CHANGES, ids=[name for _, name, _ in CHANGES])
def test_the_circumstances_are_in_the_key(owner, name, value, headers, monkeypatch):
    monkeypatch.setenv("CC", toolchain.find_compiler().command[0])
    before = key()
    monkeypatch.setattr(owner, name, value)
    assert key() != before


@pytest.mark.parametrize("variable", toolchain.ENVIRONMENT)
def test_variables_that_compilers_read_are_in_the_key(variable, headers, monkeypatch):
    before = key()
    monkeypatch.setenv(variable, "/somewhere")
    assert key() != before


@pytest.mark.parametrize("variable", ["CFLAGS", "CPPFLAGS", "LDFLAGS", "PATH_OF_NOBODY"])
def test_variables_that_nobody_reads_are_not(variable, headers, monkeypatch):
    before = key()
    monkeypatch.setenv(variable, "-march=native -ffast-math")
    assert key() == before


def test_another_compiler_or_another_version_of_it_changes_the_key(headers, fake_cc, tmp_path):
    keys = {key()}
    fake_cc("exit 1")
    keys.add(key())
    script = tmp_path / "fake-cc"
    script.write_text(script.read_text().replace("fake 1.0", "fake 1.0.1"))
    keys.add(key())
    fake_cc("exit 1", name="same-version-elsewhere")
    keys.add(key())
    assert len(keys) == 4


def test_the_inputs_can_be_written_down(headers):
    assert json.loads(json.dumps(fingerprint.key_inputs("probe", PROBE, ("base",))))["name"] == "probe"
