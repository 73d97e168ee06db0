"""The command, with the machine's rates measured on little."""

import pytest
from click.testing import CliRunner

from symcell.bench import machine
from symcell.cli import main


@pytest.fixture
def symcell_bench(monkeypatch):
    monkeypatch.setattr(machine, "sgemm", lambda dtype: 1e9)
    monkeypatch.setattr(machine, "bandwidth", lambda threads=1: 1e9)

    def run(*words, code=0):
        result = CliRunner().invoke(main, ["bench", *words])
        assert result.exit_code == code, result.output
        return result

    return run
