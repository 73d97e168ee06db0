"""README and docs: their code runs, what they quote is what symcell prints now, and their links lead somewhere."""

import os
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/language.md", "docs/format.md")
FENCE = re.compile(r"^```(\w*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what follows the language, its text, and the line it starts in."""

    language: str
    words: str
    text: str
    line: int


def blocks(page, *languages):
    text = (ROOT / page).read_text(encoding="utf-8")
    return [Block(match[1], match[2].strip(), match[3], text.count("\n", 0, match.start()) + 2)
            for match in FENCE.finditer(text) if not languages or match[1] in languages]


def shell(command, folder):
    """Run a command line that starts with `symcell` or `python`, in a folder that has the examples."""
    program, *arguments = command.split()
    start = {"symcell": [sys.executable, "-m", "symcell"], "python": [sys.executable]}[program]
    return subprocess.run([*start, *arguments], cwd=folder, env={**os.environ, "PYTHONIOENCODING": "utf-8"},
                          capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder from which the examples can be seen."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def table():
    """What a page registers is forgotten after it."""
    from symcell.declare.functions import FUNCTIONS

    before = dict(FUNCTIONS)
    yield
    FUNCTIONS.clear()
    FUNCTIONS.update(before)


# --- code that runs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks_run(page, folder):
    """In order and in one namespace. ```python raises: the block raises a CellError with the text it ends in."""
    from symcell import CellError

    namespace = {"__name__": "page"}
    for block in blocks(page, "python"):
        code = compile("\n" * (block.line - 1) + block.text, str(ROOT / page), "exec")
        if block.words != "raises":
            exec(code, namespace)
            continue
        with pytest.raises(CellError) as raised:
            exec(code, namespace)
        expected = " ".join(line.lstrip("# ") for line in block.text.splitlines() if line.startswith("#"))
        assert expected == str(raised.value), f"{page}, line {block.line}"


@pytest.mark.parametrize("page", PAGES)
def test_commands_run(page, folder):
    """Each line `$ command`; the lines below it occur in what it prints, in this order."""
    for block in blocks(page, "console"):
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            done = shell(command, folder)
            assert done.returncode == 0, f"{page}: {command}\n{done.stdout}{done.stderr}"
            rest = done.stdout
            for line in shown:
                assert line in rest, f"{page}: {command} no longer prints {line!r}"
                rest = rest.partition(line)[2]


def test_make_targets_exist():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"\bmake ([a-z-]+)(?= |`|$|,)", "\n".join(
            [block.text for block in blocks(page, "sh")]
            + re.findall(r"`make [^`]*`", (ROOT / page).read_text(encoding="utf-8")))))
        assert named <= targets, page
    assert {"demo", "test"} <= targets


# --- quotations --------------------------------------------------------------------------------------------


def occurs(quoted, text):
    """Whether the pieces of a quotation, between lines of `...`, occur in a text, in this order."""
    for piece in re.split(r"^\.\.\.\n", quoted, flags=re.MULTILINE):
        _, found, text = text.partition(piece.strip("\n"))
        if not found:
            return False
    return True


def test_the_declaration_is_that_of_the_example():
    assert blocks("README.md", "python")[0].text == (ROOT / "examples/mgu.py").read_text(encoding="utf-8").split(
        '"""\n\n', 1)[1]


def test_the_quoted_derivation_is_what_is_printed(folder):
    printed = shell("symcell derive examples/mgu.py --format markdown", folder).stdout
    for page in PAGES:
        for formula in re.findall(r"^\$\$\n.*?^\$\$$", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S):
            assert formula in printed, f"{page} quotes what `symcell derive` no longer prints:\n{formula}"
    assert "$$" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("stage", ["source", "schedule", "graph", "adjoint"])
def test_quoted_stages_are_what_is_printed(stage, folder):
    """C is quoted from the source; a ```text block says from which stage it is."""
    printed = shell(f"symcell show examples/mgu.py --stage {stage}", folder).stdout
    for page in PAGES:
        quoted = [block for block in blocks(page, "text") if block.words == stage]
        quoted += blocks(page, "c") if stage == "source" else []
        for block in quoted:
            message = f"{page}, line {block.line}: `symcell show --stage {stage}` prints something else now"
            assert occurs(block.text, printed), message


def test_a_quotation_that_went_stale_is_found():
    assert occurs("a\nb\n...\nd\n", "x\na\nb\nc\nd\n")
    assert not occurs("a\nb\n...\nd\n", "d\na\nb\nc\n")
    assert not occurs("a\nc\n", "a\nb\nc\n")


# --- the rest ----------------------------------------------------------------------------------------------


def test_every_function_and_word_is_described():
    from symcell import __all__ as names

    readme, reference = ((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/language.md"))
    from symcell.declare.functions import FUNCTIONS

    for name in [*FUNCTIONS, "leaky_relu", "equal", "Input", "State", "Matrix", "Vector", "Scalar",
                 "Constant", "Output"]:
        assert name == "abs" or name in names
        assert re.search(rf"`[^`]*\b{name}\b", readme), f"README.md does not name {name}"
        assert re.search(rf"`[^`]*\b{name}\b", reference), f"docs/language.md does not name {name}"


def test_every_base_cell_is_named():
    from symcell import zoo

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert not [name for name in zoo.PREBUILT if f"`{name}`" not in readme]


@pytest.mark.parametrize("page", PAGES)
def test_links_and_paths_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / page).parent.joinpath(target).exists(), f"{page} links to {target}"
    for path in re.findall(r"`((?:symcell|templates|generated|tests|examples|docs|benchmarks)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), f"{page} names {path}"


def test_the_paragraphs_of_this_file_are_plain():
    """The pages are wrapped; tables, formulas and code may be wider."""
    for page in PAGES:
        text = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
        wide = [line for line in text.splitlines() if len(line) > 120 and not line.startswith(("|", "\\"))]
        assert not wide, textwrap.shorten(f"{page}: {wide[:1]}", 200)
