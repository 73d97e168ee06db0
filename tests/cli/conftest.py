"""Commands run in a folder of the test's own; whatever happens, no traceback is ever shown."""

import os
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from symcell.cli import main

CELLS = '''
from symcell import Cell, Input, Matrix, State, tanh


class Plain(Cell):
    """A plain [bold]cell[/bold]. After nobody 2020."""

    x, h = Input(), State()
    W, U = Matrix(h, x), Matrix(h, h)
    h.next = tanh(W @ x + U @ h)
'''
SECOND = '''

class Second(Cell):
    x, h = Input(), State()
    W = Matrix(h, x)
    h.next = tanh(W @ x) + h / 2
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, with a file of one cell and a file of two."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "SYMCELL_ISA", "SYMCELL_TRACEBACK", "CC"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "plain.py").write_text(CELLS, encoding="utf-8")
    (tmp_path / "two.py").write_text(CELLS + SECOND, encoding="utf-8")
    return tmp_path


@pytest.fixture
def symcell(folder):
    """Run the command in this process: symcell("show", "lstm", code=0) returns its result."""

    def run(*words, code=0, **environment):
        result = CliRunner().invoke(main, [str(word) for word in words], env=environment)
        assert "Traceback" not in result.output
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def refused(symcell):
    """Run a command that fails, and return its one paragraph as one line."""

    def run(*words, code=2, **environment):
        result = symcell(*words, code=code, **environment)
        assert not result.stdout
        return " ".join(result.stderr.split())

    return run


@pytest.fixture
def process(folder):
    """Start the command in a Python of its own, with warnings as errors."""
    started = []

    def start(*words, stdout=subprocess.PIPE, **environment):
        command = [sys.executable, "-W", "error", "-m", "symcell", *words]
        running = subprocess.Popen(command, cwd=folder, env=os.environ | environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)
        started.append(running)
        return running

    # A shell has its background jobs ignore Ctrl-C, and so would their children.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield start
    signal.signal(signal.SIGINT, before)
    for running in started:
        running.kill()
        running.communicate()
