"""How commands end: pipes that close, full disks, Ctrl-C, defects."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symcell.cli import listing


def ended(running):
    """(exit code, standard output, standard error) of a process, which shows no traceback."""
    output, errors = running.communicate(timeout=120)
    assert "Traceback" not in f"{output}{errors}"
    return running.returncode, output, errors


def test_python_m_symcell(process):
    code, output, errors = ended(process("show", "plain.py"))
    assert (code, errors) == (0, "")
    assert "cell Plain" in output


def test_the_installed_command(folder):
    command = Path(sys.executable).with_name("symcell")
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("symcell ")


@pytest.mark.parametrize("words", [("list",), ("--help",), ("--version",), ("show", "lstm", "--stage", "source")])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away(process, words, unbuffered):
    running = process(*words, PYTHONUNBUFFERED=unbuffered)
    running.stdout.close()
    errors = running.stderr.read()
    assert (running.wait(), errors) == (141, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [("list",), ("--help",), ("derive", "mgu", "-o", "/dev/full")])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk(process, words, unbuffered):
    with Path("/dev/full").open("w") as full:
        code, _, errors = ended(process(*words, stdout=full, PYTHONUNBUFFERED=unbuffered))
    assert code == 5
    assert "cannot be written: No space left on device." in errors
    assert errors.count("\n") == 1


def test_an_encoding_without_the_characters(folder, process):
    text = (folder / "plain.py").read_text(encoding="utf-8").replace("nobody", "Čapek ∂")
    (folder / "plain.py").write_text(text, encoding="utf-8")
    code, output, _ = ended(process("show", "plain.py", PYTHONIOENCODING="latin-1"))
    assert code == 0
    assert "After \\u010capek \\u2202 2020." in output
    assert ended(process("list", PYTHONIOENCODING="latin-1"))[0] == 0


def test_ctrl_c(folder, process):
    (folder / "slow.py").write_text("from pathlib import Path\nPath('began').touch()\n"
                                    "import time\ntime.sleep(60)\n", encoding="utf-8")
    running = process("show", "slow.py")
    while not (folder / "began").exists():
        assert running.poll() is None
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGINT)
    code, output, errors = ended(running)
    assert (code, output) == (130, "")
    assert errors.strip() == "Interrupted."


def test_a_defect_is_called_one(symcell, monkeypatch):
    def broken(spec):
        raise KeyError("[bold]lost")

    monkeypatch.setattr(listing, "parameters", broken)
    result = symcell("list", code=70)
    assert "Internal error: KeyError: '[bold]lost'. This is a defect of symcell" in " ".join(result.stderr.split())
    assert "SYMCELL_TRACEBACK=1" in result.stderr


def test_a_defect_shows_its_traceback_on_request(folder, process):
    # A folder that stands for a module which the command imports: as broken as an installation can be.
    (folder / "sympy.py").write_text("raise KeyError('lost')\n", encoding="utf-8")
    running = process("list", SYMCELL_TRACEBACK="1")
    _, errors = running.communicate()
    assert running.returncode == 70
    assert "Traceback" in errors
    assert "Internal error: KeyError: 'lost'." in errors
    assert ended(process("list"))[0] == 70


def test_help_and_version_load_nothing_heavy(folder):
    code = ("import sys\nfrom symcell.cli import main\n"
            "try:\n    main([sys.argv[1]])\nexcept SystemExit as end:\n    assert end.code == 0\n"
            "heavy = {'sympy', 'numpy', 'rich', 'jinja2', 'Cython'} & set(sys.modules)\nassert not heavy, heavy\n")
    for word in ("--help", "--version"):
        done = subprocess.run([sys.executable, "-c", code, word], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
