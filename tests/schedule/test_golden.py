"""The text of a program."""

import difflib
import os
from pathlib import Path

from tests.schedule.programs import program

GOLDEN = Path(__file__).parent / "mgu.golden.txt"


def test_mgu_is_the_golden_text():
    """Set SYMCELL_UPDATE_GOLDEN=1 to accept what is printed now."""
    text = "\n".join(line.rstrip() for line in str(program("mgu")).splitlines()) + "\n"
    if os.environ.get("SYMCELL_UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    expected = GOLDEN.read_text(encoding="utf-8")
    diff = difflib.unified_diff(expected.splitlines(), text.splitlines(), "golden", "printed", lineterm="")
    assert text == expected, "\n".join(diff)


def test_what_is_computed_once_is_in_the_text_of_both_passes():
    made = program("antisymmetric")
    forward, backward = str(made.forward).splitlines(), str(made.backward).splitlines()
    at = forward.index("  once per call, before the first step:")
    assert forward[at + 1] == "    A = U - U.T - gamma*I"
    assert not any("before the first step" in line for line in backward)
    assert "    d_U = d_A - d_A.T" in backward[backward.index("  once per call, after the last step:"):]
