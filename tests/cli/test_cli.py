"""Each command, on names of the zoo and on a user's files."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import symcell as package
from symcell.cli import main
from symcell.compiler import stages
from symcell.zoo.gated import MGU

STAGES = ("declaration", "graph", "adjoint", "schedule", "source")


def test_version(symcell):
    assert symcell("--version").output == f"symcell {package.__version__}\n"


def test_help_lists_the_commands_in_the_order_of_the_work_and_the_exit_codes(symcell):
    text = symcell("--help").output
    assert re.findall(r"^  (\w+)  +[A-Z]", text, re.MULTILINE) == list(main.commands)
    assert "130  interrupted" in text
    assert "cell.py:MyCell" in text
    assert text == symcell("-h").output
    assert max(map(len, text.splitlines())) <= 80


def test_without_a_command_the_help_is_shown(symcell):
    assert "Commands:" in symcell(code=2).stderr


def examples():
    """Every line that a help text gives as an example."""
    found = []
    for command in (main, *main.commands.values()):
        words = [] if command is main else [command.name]
        text = CliRunner().invoke(main, [*words, "--help"]).output
        lines = re.findall(r"^ +symcell (.*)$", text.split("Example:")[1], re.MULTILINE)
        assert lines, f"the help of {command.name} has no example"
        found += lines
    return found


@pytest.mark.parametrize("line", examples())
def test_examples_of_the_help_texts_run(symcell, line):
    symcell(*shlex.split(line))


def test_every_command_has_an_example_of_itself():
    assert {line.split()[0] for line in examples()} == set(main.commands)


def test_no_colour_where_it_is_not_wanted(symcell):
    wanted = {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": "80"}
    assert "\x1b[" not in symcell("list").output
    assert "\x1b[1;31m" in symcell("show", "nosuch.py", code=2, **wanted).output
    assert "31m" not in symcell("show", "nosuch.py", code=2, **wanted, NO_COLOR="1").output


# --- show ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("cell", ["mgu", "plain.py", "plain.py:Plain", "symcell.zoo.gated:MGU"])
def test_show(symcell, cell, stage):
    text = symcell("show", cell, "--stage", stage).output
    name = "Plain" if "plain" in cell else "MGU"
    expected = {
        "declaration": f"cell {name}\n  input  x (I)\n  state  h (H)\n",
        "graph": f"graph {name}, steps 0 .. T-1",
        "adjoint": "steps T-1 .. 0",
        "schedule": "tape, per step and member of the batch",
        "source": f"---- {name.lower()}.h ----",
    }
    assert expected[stage] in text


def test_show_prints_the_stages_of_the_compiler(symcell):
    found = stages("lstm")
    assert symcell("show", "lstm", "--stage", "graph").output == f"{found.forward}\n"
    assert symcell("show", "lstm", "--stage", "adjoint").output == f"{found.backward}\n"
    assert symcell("show", "lstm", "--stage", "schedule").output == f"{found.program}\n"
    assert all(text in symcell("show", "lstm", "--stage", "source").output for text in found.source.files.values())


def test_show_prints_the_declaration_first_and_says_how_large_it_is(symcell):
    text = symcell("show", "plain.py").output
    assert text.startswith("A plain [bold]cell[/bold]. After nobody 2020.\n\ncell Plain\n")
    assert text.endswith("\n\nLearned numbers: HI + H^2\n")


# --- derive --------------------------------------------------------------------------------------------------


def test_derive_prints_what_the_library_does(symcell):
    derivation = package.derive(MGU)
    assert symcell("derive", "mgu").output.rstrip() == derivation.latex().rstrip()
    assert symcell("derive", "mgu", "--standalone").output.rstrip() == derivation.latex(standalone=True).rstrip()
    assert symcell("derive", "mgu", "--format", "markdown").output.rstrip() == derivation.markdown().rstrip()
    assert symcell("derive", "mgu", "-o", "-").output == symcell("derive", "mgu").output


def test_derive_writes_a_file(symcell, folder):
    printed = symcell("derive", "plain.py", "--standalone").output
    assert not symcell("derive", "plain.py", "--standalone", "-o", "plain.tex").output
    assert (folder / "plain.tex").read_text(encoding="utf-8") == printed


def test_derive_leaves_the_cell_itself_alone(refused, folder):
    before = (folder / "plain.py").read_bytes()
    assert "file of the cell itself" in refused("derive", "plain.py", "-o", "./plain.py")
    assert (folder / "plain.py").read_bytes() == before


def test_standalone_markdown_is_refused(refused):
    assert "Markdown" in refused("derive", "mgu", "--format", "markdown", "--standalone")


# --- generate ------------------------------------------------------------------------------------------------


def test_generate_writes_what_is_committed(symcell, folder):
    symcell("generate", "lstm", "-o", "made/here")
    committed = Path(package.__file__).parents[1] / "generated"
    for file in ("lstm.pyx", "lstm.h"):
        assert (folder / "made/here" / file).read_bytes() == (committed / file).read_bytes()


def test_generate_replaces_only_what_was_generated(symcell, refused, folder):
    symcell("generate", "plain.py")
    first = (folder / "plain.h").read_bytes()
    assert symcell("generate", "plain.py").output == "wrote plain.pyx\nwrote plain.h\n"
    assert (folder / "plain.h").read_bytes() == first
    (folder / "plain.h").write_text("mine", encoding="utf-8")
    assert "plain.h was not generated by symcell" in refused("generate", "plain.py")
    assert (folder / "plain.h").read_text(encoding="utf-8") == "mine"


# --- build ---------------------------------------------------------------------------------------------------


def built(result):
    """What `build` printed, as a dictionary."""
    return dict(re.split(r"  +", line, maxsplit=1) for line in result.stdout.splitlines())


def test_build_finds_a_prebuilt_kernel(symcell):
    found = built(symcell("build", "lstm"))
    assert found["kernel"].startswith("lstm, prebuilt in ")
    assert Path(found["extension"]).parent.name == "generated"


def test_build_compiles_once_with_progress(symcell, folder):
    cache = folder / "cache of its own"
    first = symcell("build", "plain.py", SYMCELL_CACHE_DIR=str(cache))
    assert "Plain: cython plain.pyx\n" in first.stderr
    assert built(first)["kernel"].startswith("plain, compiled in ")
    assert built(first)["instructions"] in ("avx512", "avx2", "neon", "base")
    assert Path(built(first)["extension"]).is_file()
    assert Path(built(first)["extension"]).is_relative_to(cache)

    second = symcell("build", "plain.py", SYMCELL_CACHE_DIR=str(cache))
    assert not second.stderr
    assert built(second)["kernel"].startswith("plain, found in the cache in ")
    assert built(second)["extension"] == built(first)["extension"]


def test_build_without_a_compiler(symcell, folder):
    result = symcell("build", "two.py:Second", code=4, CC="no-such-compiler", SYMCELL_CACHE_DIR=str(folder / "cache"))
    assert "CC is 'no-such-compiler'" in result.stderr
    assert "apt install gcc" in result.stderr


def test_build_with_a_compiler_that_fails(symcell, folder):
    compiler = folder / "cc"
    compiler.write_text('#!/bin/sh\ncase "$*" in *--version*) echo fake; exit 0;; esac\n'
                        'echo "error: [red]no[/red]" >&2; exit 1\n', encoding="utf-8")
    compiler.chmod(0o700)
    result = symcell("build", "plain.py", code=4, CC=str(compiler), SYMCELL_CACHE_DIR=str(folder / "cache"))
    assert "error: [red]no[/red]" in result.stderr
    assert "Full log: " in result.stderr
    assert not result.stdout


def test_build_for_an_instruction_set_that_is_none(refused):
    assert "SYMCELL_ISA='sse9' is not an instruction set" in refused("build", "plain.py", SYMCELL_ISA="sse9")


@pytest.mark.slow
def test_build_in_a_cache_that_cannot_be_used_says_so_and_goes_on(symcell, folder, monkeypatch):
    from symcell.runtime import root

    monkeypatch.setattr(root, "_temporary", None)
    (folder / "file").touch()
    result = symcell("build", "plain.py", SYMCELL_CACHE_DIR=str(folder / "file"))
    assert result.stderr.startswith("Warning: symcell's cache folder cannot be used: ")
    assert "compiled" in built(result)["kernel"]


# --- new -----------------------------------------------------------------------------------------------------


def test_new_writes_a_file_that_declares_a_cell(symcell, folder):
    text = symcell("new", "my_unit").output
    assert text == "wrote my_unit.py: edit the equations of MyUnit, then `symcell check my_unit.py`\n"
    assert "cell MyUnit" in symcell("show", "my_unit.py").output
    assert not symcell("show", "my_unit.py").stderr  # nothing in it is unused
    symcell("derive", "my_unit.py")
    assert max(map(len, (folder / "my_unit.py").read_text(encoding="utf-8").splitlines())) <= 110


def test_new_file_runs_by_itself(symcell, folder):
    symcell("new", "my_unit")
    done = subprocess.run([sys.executable, "-W", "error", "my_unit.py"], cwd=folder, capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("name", "cls", "file"), [
    ("MyCell", "MyCell", "mycell.py"),
    ("a", "A", "a.py"),
    ("A_b", "A_b", "a_b.py"),
    ("two_words", "TwoWords", "two_words.py"),
    ("Random", "Random", "random_cell.py"),
    ("while", "While", "while_cell.py"),
    ("sympy", "Sympy", "sympy_cell.py"),
])
def test_new_chooses_names(symcell, name, cls, file):
    assert f"wrote {file}: edit the equations of {cls}," in symcell("new", name).output
    assert f"cell {cls}\n" in symcell("show", file).output


def test_new_prints(symcell, folder):
    assert "class Mine(Cell):" in symcell("new", "Mine", "-o", "-").output
    assert not (folder / "mine.py").exists()


def test_new_does_not_overwrite(refused, folder):
    before = (folder / "plain.py").read_bytes()
    assert "plain.py exists and is left as it is" in refused("new", "Plain")
    assert "plain.py exists" in refused("new", "Other", "-o", "plain.py")
    (folder / "link.py").symlink_to("nowhere")
    assert "link.py exists" in refused("new", "Link")
    assert (folder / "plain.py").read_bytes() == before
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize("name", [
    "", "1x", "a-b", "a b", "é", "x.py", "../up", "Cell", "x" * 65, "_x", "_", "None", "NULL"])
def test_new_refuses_what_cannot_name_a_cell(refused, folder, name):
    before = sorted(folder.iterdir())
    assert refused("new", "--", name).startswith("Error: ")
    assert sorted(folder.iterdir()) == before


def test_new_writes_python_files_only(refused):
    assert "ends in .py" in refused("new", "Unit", "-o", "unit.txt")


# --- files that cannot be written ----------------------------------------------------------------------------


@pytest.mark.parametrize(("words", "message", "code"), [
    (("bench", "lstm", "--json", "missing/rows.json"), "missing/rows.json cannot be written", 5),
    (("bench", "lstm", "--plot", "rows.foo"), "rows.foo does not end in one of ", 2),
    (("bench", "nosuch"), "nosuch", 2),
])
def test_bench_says_what_is_wrong_before_the_first_row(refused, monkeypatch, words, message, code):
    if "--plot" in words:
        pytest.importorskip("matplotlib")
    monkeypatch.setattr("symcell.cli.bench.collect", lambda *_: pytest.fail("rows were measured"))
    monkeypatch.setattr("symcell.bench.machine.describe", lambda _: {})
    assert message in refused(*words, code=code)


@pytest.mark.parametrize("words", [
    ("derive", "mgu", "-o", "missing/mgu.tex"),
    ("new", "Unit", "-o", "missing/unit.py"),
    ("generate", "mgu", "-o", "plain.py"),
    ("generate", "mgu", "-o", "plain.py/below"),
])
def test_a_file_that_cannot_be_written(refused, folder, words):
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert "cannot be written" in refused(*words, code=5)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("words", [
    ("bench",), ("show",), ("show", "lstm", "--stage", "asm"), ("derive", "lstm", "--format", "word"),
    ("check", "lstm", "--dtype", "float16"), ("build", "lstm", "extra"), ("--nonsense",), ("derive", "lstm", "-o", "."),
])
def test_wrong_usage(refused, words):
    assert "Error: " in refused(*words)
