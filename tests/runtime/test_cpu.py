"""Choosing an instruction set, on processors that this machine is not."""

import platform
import subprocess
import sys

import pytest

from symcell.runtime import cpu

AVX2 = {"AVX2", "FMA3"}
AVX512 = AVX2 | {"AVX512F", "AVX512DQ", "AVX512BW", "AVX512VL"}


@pytest.fixture
def machine(monkeypatch):
    monkeypatch.delenv("SYMCELL_ISA", raising=False)

    def pretend(name, features=()):
        monkeypatch.setattr(platform, "machine", lambda: name)
        monkeypatch.setattr(cpu, "_from_numpy", lambda: frozenset(features))
        monkeypatch.setattr(cpu, "_from_cpuinfo", lambda path: frozenset())
        monkeypatch.setattr(cpu, "_from_sysctl", frozenset)

    return pretend


@pytest.mark.parametrize(
    ("name", "features", "isas"),
    [
        ("x86_64", AVX512, ("avx512", "avx2", "base")),
        ("AMD64", AVX2, ("avx2", "base")),
        ("x86_64", {"AVX2"}, ("base",)),  # AVX2 without FMA
        ("x86_64", (), ("base",)),
        ("x86_64", {"X86_V4"}, ("avx512", "avx2", "base")),
        ("x86_64", {"X86_V3"}, ("avx2", "base")),
        ("aarch64", {"NEON"}, ("neon", "base")),
        ("arm64", (), ("neon", "base")),
        ("ppc64le", {"VSX"}, ("base",)),
        ("riscv64", AVX512, ("base",)),
    ],
)
def test_supported(machine, name, features, isas):
    machine(name, features)
    assert cpu.supported_isas() == isas


@pytest.mark.parametrize("missing", sorted(AVX512 - AVX2))
def test_a_part_of_avx512_is_none(machine, missing):
    machine("x86_64", AVX512 - {missing})
    assert cpu.supported_isas() == ("avx2", "base")


def test_a_32_bit_python(machine, monkeypatch):
    machine("x86_64", AVX512)
    monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
    assert cpu.supported_isas() == ("base",)


def test_this_machine():
    assert cpu.supported_isas()[-1] == "base"
    assert set(cpu.supported_isas()) <= set(cpu.ISAS)
    assert cpu.cpu_features() == cpu.cpu_features()
    assert cpu.cpu_features().split()[0] == platform.machine().lower()


def test_the_fingerprint_is_sorted_and_holds_what_matters_only(machine):
    machine("x86_64", AVX2 | {"SSE42", "GFNI"})
    assert cpu.cpu_features() == "x86_64 AVX2 FMA3"


def test_numpy_tells_on_x86():
    if platform.machine() == "x86_64":
        assert "SSE2" in cpu._from_numpy()


def test_cpuinfo_tells_where_numpy_does_not(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text("processor : 0\nflags\t\t: fpu sse2 fma avx2 avx512f\nbogomips : 1\nflags : other\n")
    assert cpu._from_cpuinfo(path) == {"FPU", "SSE2", "FMA3", "AVX2", "AVX512F"}
    assert cpu._from_cpuinfo(tmp_path / "missing") == frozenset()


def test_sysctl_tells_where_neither_does(monkeypatch):
    answer = subprocess.CompletedProcess([], 0, "FPU FMA\nAVX2 BMI1\n", "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    assert cpu._from_sysctl() == {"FPU", "FMA3", "AVX2", "BMI1"}


def test_without_sysctl_nothing_is_known(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    assert cpu._from_sysctl() == frozenset()


def test_an_unknown_numpy_is_no_error(monkeypatch):
    def gone(name):
        raise ImportError(name)

    monkeypatch.setattr(cpu.importlib, "import_module", gone)
    assert cpu._from_numpy() == frozenset()


def test_the_best_available_is_chosen(machine):
    machine("x86_64", AVX512)
    assert cpu.chosen_isa(("base", "avx2", "avx512")) == "avx512"
    assert cpu.chosen_isa(("base", "avx2", "neon")) == "avx2"
    assert cpu.chosen_isa(("base",)) == "base"


def test_the_environment_chooses(machine, monkeypatch):
    machine("x86_64", AVX2)
    monkeypatch.setenv("SYMCELL_ISA", " Base ")
    assert cpu.chosen_isa(("avx2", "base")) == "base"
    monkeypatch.setenv("SYMCELL_ISA", "")
    assert cpu.chosen_isa(("avx2", "base")) == "avx2"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("sse2", r"'sse2' is not an instruction set; the names are avx512, avx2, neon, base"),
        ("avx512", r"'avx512' does not run here; this machine runs avx2, base"),
        ("base", r"'base' is not in this kernel; it holds avx2"),
    ],
)
def test_a_choice_that_cannot_be_met_is_refused(machine, monkeypatch, wanted, message):
    machine("x86_64", AVX2)
    monkeypatch.setenv("SYMCELL_ISA", wanted)
    with pytest.raises(ValueError, match=message):
        cpu.chosen_isa(("avx2",))


def test_a_kernel_for_another_processor_is_refused(machine):
    machine("x86_64", AVX2)
    with pytest.raises(ValueError, match="holds code for neon, but this machine runs avx2, base"):
        cpu.chosen_isa(("neon",))
