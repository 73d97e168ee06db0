"""`symcell check`: its table, its exit code, and a failure that was planted."""

import math
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from symcell.proof import report
from symcell.proof.result import Outcome, not_run
from symcell.runtime.kernel import Kernel

TERMINAL = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "80"}
PROOF = "proof: T=2, every dimension 2, the difference is 0 as a polynomial"
OUTCOMES = (
    Outcome("symbolic", "output", 0.0, 0.0, PROOF),
    Outcome("symbolic", "gradients of parameters", 0.0, 0.0, PROOF),
    Outcome("differences", "gradients of parameters, worst a_parameter_of_a_long_name", 2.5e-3, 1e-9,
            "complex steps of 1e-30, T=5, B=3, H=4, I=[red]6[/red]"),
    not_run("by hand", "no implementation was written for this cell"),
    Outcome("kernel float32", "final states", math.nan, 1e-5, "against the interpreter, T=7, B=5, H=13, I=9"),
)

AT_80_COLUMNS = """\
quantity                                               error  tolerance  result

symbolic: proof: T=2, every dimension 2, the
difference is 0 as a polynomial
  output                                                   0          0  passed
  gradients of parameters                                  0          0  passed

differences: complex steps of 1e-30, T=5, B=3, H=4,
I=[red]6[/red]
  gradients of parameters, worst                     2.5e-03    1.0e-09  FAILED
  a_parameter_of_a_long_name

by hand: no implementation was written for this
cell
  everything                                               -          -  not run

kernel float32: against the interpreter, T=7, B=5,
H=13, I=9
  final states                                           nan    1.0e-05  FAILED

Plain: 2 of 4 checks FAILED (differences, kernel float32), 1 not run, in 0.0 s.
"""


@pytest.fixture
def oracles(monkeypatch):
    """Make the oracles say what a test wants; return a list of what they were asked."""
    asked = []

    def plant(*outcomes):
        def check():
            for outcome in outcomes:
                if isinstance(outcome, BaseException):
                    raise outcome
            return list(outcomes)

        def parts(spec, kernels):
            asked.append((spec, kernels))
            return (SimpleNamespace(title="a planted oracle", run=check),)

        monkeypatch.setattr(report, "parts", parts)
        return asked

    return plant


def plain(result):
    """Standard output without colours, spaces at ends of lines, and the time."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    return re.sub(r"in [0-9.]+ s\.", "in 0.0 s.", re.sub(r" +$", "", text, flags=re.MULTILINE))


def test_the_table_at_80_columns(symcell, oracles):
    oracles(*OUTCOMES)
    assert plain(symcell("check", "plain.py", code=1, **TERMINAL)) == AT_80_COLUMNS


def test_the_table_where_another_program_reads(symcell, oracles):
    oracles(*OUTCOMES)
    lines = symcell("check", "plain.py", code=1).stdout.splitlines()
    assert lines[0].split() == ["oracle", "quantity", "error", "tolerance", "result", "how"]
    assert len(lines) == 1 + len(OUTCOMES) + 2
    for line, outcome in zip(lines[1:], OUTCOMES, strict=False):
        words = re.split(r" {2,}", line)
        assert (words[0], words[1], words[-1]) == (outcome.oracle, outcome.what, outcome.how)
    assert "\x1b" not in "".join(lines)


@pytest.mark.parametrize(("outcomes", "code", "line"), [
    (OUTCOMES[:2], 0, "All 2 checks passed, in 0.0 s."),
    ((*OUTCOMES[:2], OUTCOMES[3]), 0, "All 2 checks passed, 1 not run, in 0.0 s."),
    (OUTCOMES[2:3], 1, "1 of 1 checks FAILED (differences), in 0.0 s."),
    ((replace(OUTCOMES[0], error=math.nan),), 1, "1 of 1 checks FAILED (symbolic), in 0.0 s."),
    (OUTCOMES[3:4], 1, "Nothing could be checked, 1 not run, in 0.0 s."),
    ((), 1, "Nothing could be checked, in 0.0 s."),
])
def test_the_exit_code(symcell, oracles, outcomes, code, line):
    oracles(*outcomes)
    assert plain(symcell("check", "plain.py", code=code)).splitlines()[-1] == f"Plain: {line}"


def test_an_oracle_that_breaks_down_is_a_defect(symcell, oracles):
    oracles(RuntimeError("boom"))
    assert "Internal error: RuntimeError: boom." in symcell("check", "plain.py", code=70).stderr


@pytest.mark.parametrize(("words", "dtypes"), [
    ((), ["float32", "float64"]),
    (("--dtype", "float64"), ["float64"]),
    (("--dtype", "float64", "--dtype", "float32", "--dtype", "float64"), ["float64", "float32"]),
])
def test_precisions(symcell, oracles, words, dtypes):
    seen = oracles(OUTCOMES[0])
    symcell("check", "plain.py", *words)
    [(spec, kernels)] = seen
    assert spec.name == "Plain"
    assert {name: str(kernel.dtype) for name, kernel in kernels.items()} == {name: name for name in dtypes}
    assert list(kernels) == dtypes


def test_ctrl_c_while_it_works(symcell, oracles):
    oracles(KeyboardInterrupt())
    assert symcell("check", "plain.py", code=130).stderr.endswith("Interrupted.\n")


def test_progress_is_shown_while_it_works(symcell, oracles):
    oracles(*OUTCOMES[:2])
    assert "Plain: 1 of 1, a planted oracle\n" in symcell("check", "plain.py").stderr


# --- the real oracles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["rnn", "two.py:Second"])
def test_a_cell_passes(symcell, cell):
    result = symcell("check", cell)
    assert "All " in result.stdout
    assert "symbolic" in result.stdout


def test_a_new_file_passes(symcell):
    symcell("new", "my_unit")
    assert "MyUnit: All " in symcell("check", "my_unit.py").stdout


def test_a_planted_error_in_the_kernel_is_found(symcell, monkeypatch):
    backward = Kernel.backward

    def wrong(self, *arguments, **options):
        grads = backward(self, *arguments, **options)
        return replace(grads, params={name: array * 1.01 for name, array in grads.params.items()})

    monkeypatch.setattr(Kernel, "backward", wrong)
    text = symcell("check", "rnn", code=1).stdout
    assert "FAILED" in text
    assert "gradients of parameters" in text


def test_a_planted_error_in_the_adjoint_is_found(symcell, monkeypatch):
    from symcell.proof import symbolic

    adjoint = symbolic.adjoint

    def wrong(graph):
        """The adjoint with the last operation of the step twice as large."""
        made = adjoint(graph)
        node = next(node for node in reversed(made.nodes) if hasattr(node, "expression"))
        nodes = [replace(n, expression=2 * n.expression) if n is node else n for n in made.nodes]
        return replace(made, nodes=tuple(nodes))

    monkeypatch.setattr(symbolic, "adjoint", wrong)
    lines = symcell("check", "rnn", code=1).stdout.splitlines()
    assert any(line.startswith("symbolic") and "FAILED" in line for line in lines)
