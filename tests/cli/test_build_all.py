"""`symcell build --all`: every cell once, errors at the end, and nothing left behind by Ctrl-C."""

import os
import signal
import time

import pytest

from symcell import zoo
from symcell.cli.everything import Outcome, summary

FEW = ("rnn", "mgu", "sru")


@pytest.fixture
def few(monkeypatch):
    """A zoo of a prebuilt cell and two others."""
    monkeypatch.setattr(zoo, "names", lambda: FEW)


def compiler(folder, case):
    """A compiler that answers to --version, and then does what a line of shell says."""
    path = folder / "cc"
    path.write_text(f'#!/bin/sh\ncase "$*" in *--version*) echo fake; exit 0;; esac\n{case}\nexec cc "$@"\n',
                    encoding="utf-8")
    path.chmod(0o700)
    return str(path)


def entries(cache):
    """What lies in the cache as if it could be loaded."""
    return sorted(path.parent.name.partition("-")[0] for path in cache.glob("*/*.so"))


def test_all_cells_are_built_once(symcell, few, folder):
    cache = folder / "cache"
    first = symcell("build", "--all", "--jobs", 2, SYMCELL_CACHE_DIR=str(cache))
    assert first.stdout.startswith("3 cells: 2 compiled, 1 prebuilt; ")
    assert first.stdout.endswith(" s per compiled cell and job\n")
    assert entries(cache) == ["mgu", "sru"]
    shown = [line.split()[:2] for line in first.stderr.splitlines()]
    assert [line[0] for line in shown] == ["1/3", "2/3", "3/3"]
    assert {line[1] for line in shown} == {"rnn:", "mgu:", "sru:"}
    second = symcell("build", "--all", SYMCELL_CACHE_DIR=str(cache))
    assert second.stdout.startswith("3 cells: 2 found in the cache, 1 prebuilt; ")
    assert "per compiled cell" not in second.stdout


def test_a_cell_that_cannot_be_compiled_does_not_stop_the_others(symcell, few, folder):
    cache, broken = folder / "cache", compiler(folder, 'case "$*" in *mgu.c*) echo "error: [red]no" >&2; exit 1;; esac')
    result = symcell("build", "--all", code=4, CC=broken, SYMCELL_CACHE_DIR=str(cache))
    assert result.stdout.startswith("3 cells: 1 compiled, 1 prebuilt, 1 failed; ")
    assert "Error: mgu: BuildError: " in result.stderr
    assert "error: [red]no" in result.stderr
    assert entries(cache) == ["sru"]


def test_a_cell_that_is_not_well_formed_does_not_stop_the_others(symcell, monkeypatch, folder):
    monkeypatch.setattr(zoo, "names", lambda: ("lem_of_nobody", "sru"))
    result = symcell("build", "--all", code=4, SYMCELL_CACHE_DIR=str(folder / "cache"))
    assert result.stdout.startswith("2 cells: 1 compiled, 1 failed; ")
    assert "Error: lem_of_nobody: CellError: The zoo has no cell 'lem_of_nobody'." in result.stderr


def test_no_compiler_is_said_once(refused, few, folder):
    said = refused("build", "--all", code=4, CC="no-such-compiler", SYMCELL_CACHE_DIR=str(folder / "cache"))
    assert said.count("no-such-compiler") == 1


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_ctrl_c_ends_the_compilers_and_leaves_nothing_that_looks_like_success(process, folder):
    cache, slow = folder / "cache", compiler(folder, f"echo $$ >> {folder}/began; sleep 60")
    running = process("build", "--all", "--jobs", "2", CC=slow, SYMCELL_CACHE_DIR=str(cache))
    began = folder / "began"
    while not began.exists() or len(began.read_text().split()) < 2:
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGINT)
    output, errors = running.communicate(timeout=30)
    assert (running.returncode, output) == (130, "")
    assert errors.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in errors
    assert not [pid for pid in began.read_text().split() if alive(int(pid))]
    assert not list(cache.rglob("*.so"))
    assert not list(cache.rglob("*.pyx")), "a folder of half a build"


def test_wrong_usage(refused):
    assert "Name a CELL, or say --all" in refused("build")
    assert "Name a CELL, or say --all" in refused("build", "lstm", "--all")
    assert "--jobs goes with --all" in refused("build", "lstm", "--jobs", "2")


def test_the_summary_counts_seconds_of_cores():
    outcomes = [Outcome("a", "compiled", 3.0), Outcome("b", "compiled", 3.0), Outcome("c", "prebuilt", 0.0)]
    assert summary(outcomes, 2, 4.0) == ("3 cells: 2 compiled, 1 prebuilt; 4.0 s with 2 jobs, "
                                         "4.0 s per compiled cell and job")
    assert summary(outcomes, 8, 4.0).endswith("8 jobs, 4.0 s per compiled cell and job")  # six had nothing to do
    assert summary([Outcome("c", "failed", 1.0, "no")], 1, 1.0) == "1 cells: 1 failed; 1.0 s with 1 job"
