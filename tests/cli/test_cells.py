"""What CELL means, and what is said when it means nothing."""

import sys

import pytest

from symcell import zoo
from symcell.cli.cells import resolve
from symcell.cli.errors import CliError
from symcell.zoo.gated import MGU

HEAD = "from symcell import Cell, Input, Matrix, State, tanh\n"
BODY = "    x, h = Input(), State()\n    W = Matrix(h, x)\n    h.next = tanh(W @ x)\n"


@pytest.mark.parametrize("name", zoo.names())
def test_names_of_the_zoo(name):
    found = resolve(name)
    assert (found.cell, found.spec, found.file) == (name, zoo.find(name).spec, None)


def test_a_file_with_one_cell(folder):
    for text in ("plain.py", "./plain.py", str(folder / "plain.py"), "plain.py:Plain"):
        found = resolve(text)
        assert found.cell.__name__ == found.spec.name == "Plain"
        assert found.file.samefile(folder / "plain.py")


def test_one_of_several(folder):
    assert resolve("two.py:Second").spec.name == "Second"
    assert resolve("two.py:Plain").spec.name == "Plain"


def test_a_module(folder):
    assert resolve("symcell.zoo.gated:MGU").cell is MGU
    assert resolve("symcell.zoo.gated").cell is MGU
    (folder / "kit").mkdir()
    (folder / "kit" / "cells_of_the_kit.py").write_text(HEAD + "class Kit(Cell):\n" + BODY, encoding="utf-8")
    assert resolve("kit.cells_of_the_kit:Kit").spec.name == "Kit"


def test_a_file_sees_its_neighbours_and_leaves_no_trace_on_the_path(folder):
    below = folder / "below"
    below.mkdir()
    (below / "neighbour_of_cell.py").write_text(HEAD + "class Other(Cell):\n" + BODY, encoding="utf-8")
    text = HEAD + "from neighbour_of_cell import Other\nclass Mine(Cell):\n" + BODY
    (below / "mine.py").write_text(text, encoding="utf-8")
    before = list(sys.path)
    assert resolve("below/mine.py").spec.name == "Mine"  # Other is imported, not meant
    assert resolve("below/mine.py:Other").spec.name == "Other"  # unless it is named
    assert sys.path == before


def test_a_file_named_like_a_module_does_not_stand_for_it(folder):
    import random

    (folder / "random.py").write_text(HEAD + "class Mine(Cell):\n" + BODY, encoding="utf-8")
    assert resolve("random.py").spec.name == "Mine"
    assert sys.modules["random"] is random


def test_main_is_not_run_and_prints_go_to_standard_error(symcell, folder):
    text = HEAD + "print('hello')\nclass Mine(Cell):\n" + BODY + "if __name__ == '__main__':\n    1 / 0\n"
    (folder / "mine.py").write_text(text, encoding="utf-8")
    result = symcell("show", "mine.py")
    assert "hello" not in result.stdout
    assert result.stderr == "hello\n"


def test_dataclasses_of_a_file_work(folder):
    text = ("from __future__ import annotations\nimport dataclasses\n@dataclasses.dataclass\nclass D:\n    a: int\n"
            + HEAD + "class Mine(Cell):\n" + BODY)
    (folder / "mine.py").write_text(text, encoding="utf-8")
    assert resolve("mine.py").spec.name == "Mine"


def test_an_unused_parameter_is_a_short_warning(symcell, folder):
    (folder / "mine.py").write_text(HEAD + "class Mine(Cell):\n    V = Matrix('H', 'I')\n" + BODY, encoding="utf-8")
    result = symcell("show", "mine.py")
    assert result.stderr == "Warning: Mine: no state and no output depends on V.\n"


# --- what is not a cell --------------------------------------------------------------------------------------


def test_the_file_decides_where_a_name_could_be_both(folder):
    (folder / "lstm").mkdir()
    with pytest.raises(CliError, match="lstm is a folder"):
        resolve("lstm/")


@pytest.mark.parametrize(("text", "message"), [
    ("ltsm", "no cell 'ltsm'. Did you mean 'lstm'?"),
    ("LSTM", "Did you mean 'lstm'?"),
    ("plain", "Did you mean the file plain.py?"),
    ("", "CELL is empty"),
    (" ", "CELL is empty"),
    ("nothing.py", "There is no file nothing.py."),
    ("./nothing", "There is no file nothing."),
    (".", "is a folder"),
    ("folder.py", "folder.py is a folder. Name a Python file in it, such as folder.py/cell.py."),
    ("text.txt", "text.txt is not a Python file"),
    ("pipe.py", "pipe.py is not a regular file"),
    ("two.py", "two.py declares several cells: Plain, Second. Name one, as in two.py:Plain."),
    ("two.py:Secnd", "declares no cell Secnd. Did you mean 'Second'? Cells declared there: Plain, Second."),
    ("two.py:tanh", "tanh does not extend symcell.Cell"),
    ("two.py:Cell", "Cell does not extend symcell.Cell"),
    ("two.py:", "after the colon comes the name of a class"),
    ("two.py:A B", "after the colon comes the name of a class"),
    ("two.py:A:B", "after the colon comes the name of a class"),
    ("no.such.module:X", "There is no module no.such.module"),
    ("nosuchmodule:X", "There is no module nosuchmodule"),
    ("symcell.zoo.lstm", "declares several cells: LSTM, "),
    ("symcell.zoo.lstm:", "after the colon comes the name of a class"),
    ("json:JSONDecoder", "does not extend symcell.Cell. Cells declared there: none."),
    ("[bold]", "no cell '[bold]'"),
    ("\x1b[31mred", r"no cell '\x1b[31mred'"),
])
def test_there_is_no_such_cell(refused, folder, text, message):
    import os

    (folder / "folder.py").mkdir()
    (folder / "text.txt").write_text("text", encoding="utf-8")
    os.mkfifo(folder / "pipe.py")
    said = refused("show", "--", text)
    assert said.startswith("Error: ")
    assert message in said
    assert "\x1b" not in said


@pytest.mark.parametrize(("text", "message"), [
    ("", "mine.py declares no cell"),
    ("x = 1\ny = x / 0\n", "mine.py:2: ZeroDivisionError: division by zero, in `y = x / 0`."),
    ("import sympy\nif sympy.Symbol('a') > 0:\n    pass\n", "write `&` for `and`, `|` for `or`, `maximum` for `max`"),
    ("x = 1\nclass A(:\n", "mine.py:2: this is not valid Python: invalid syntax, in `class A(:`."),
    ("if True:\nx = 1\n", "mine.py:2: this is not valid Python: expected an indented block"),
    ("from symcell import Matrx\n", "mine.py:1: an import failed: cannot import name 'Matrx' from 'symcell'"),
    ("from symcell import Matrx\n", "Did you mean 'Matrix'?"),
    ("\nimport nosuchmodule\n", "mine.py:2: an import failed: No module named 'nosuchmodule'."),
    ("import broken_neighbour\n", "broken_neighbour.py:3: this is not valid Python"),
    ("import failing_neighbour\n", "mine.py:1: KeyError: 'gone', in `import failing_neighbour`."),
    ("import sys\nsys.exit(0)\n", "mine.py:2: the file ends the program (sys.exit)"),
    ("raise SystemExit\n", "mine.py:1: the file ends the program (sys.exit)"),
    ("class Odd(BaseException):\n    def __str__(self):\n        1 / 0\nraise Odd\n", "mine.py:4: Odd: its message"),
    ("def f():\n    f()\nf()\n", "mine.py:2: RecursionError: "),
    ("raise ValueError('a\\x1b[31mb')\n", r"ValueError: a\x1b[31mb"),
    (HEAD + "class A(Cell):\n    x, h = Input(), State()\n", "mine.py:2: A: the state h has no update"),
    (HEAD + "class A(Cell):\n    x, h = Input(), State()\n    h.next = tnh(x)\n", "mine.py:4: A: the name 'tnh' "),
    (HEAD + "class A(Cell):\n    x, h = Input(), State()\n    h.next = h / 0\n", "mine.py:4: "),
    ("def make():\n" + "    " + HEAD + "    class A(Cell):\n        x = Input()\nmake()\n", "mine.py:3: A: no State"),
])
def test_a_file_that_declares_nothing_or_fails(refused, folder, text, message):
    (folder / "mine.py").write_text(text, encoding="utf-8")
    (folder / "broken_neighbour.py").write_text("\n\nclass (\n", encoding="utf-8")
    (folder / "failing_neighbour.py").write_text("{}['gone']\n", encoding="utf-8")
    for command in ("show", "build", "check", "derive", "generate"):
        said = refused(command, "mine.py", code=3)
        assert said.startswith("Error: ")
        assert message in said
        assert "\x1b" not in said
        sys.modules.pop("failing_neighbour", None)


@pytest.mark.parametrize("content", [b"\x7fELF\x02\0\0\0", b"x = 1\0", b"\xff\xfe\xfa = 1\n"])
def test_a_binary_file(refused, folder, content):
    (folder / "mine.py").write_bytes(content)
    said = refused("show", "mine.py", code=3)
    assert "binary data" in said or "not valid Python: (unicode error)" in said


def test_the_traceback_of_a_file_is_shown_on_request(folder, process):
    (folder / "mine.py").write_text("def deep():\n    1 / 0\ndeep()\n", encoding="utf-8")
    running = process("show", "mine.py", SYMCELL_TRACEBACK="1")
    _, errors = running.communicate()
    assert running.returncode == 3
    assert "Traceback" in errors
    assert errors.endswith("(SYMCELL_TRACEBACK=1 prints the traceback.)\n")


# --- cells made by functions, cells as data -----------------------------------------------------------------

MADE = HEAD + """
def cell(name):
    from symcell.transforms.body import Body, declaration
    old = declaration(name)
    body = Body(old, f"Copied{old.name}", "A copy.")
    for equation in old.equations:
        body.enter(equation, body.copied(equation.expression))
    return body.cell()
"""


def test_a_cell_that_a_function_returned(folder):
    (folder / "made.py").write_text(MADE + "Mine = cell('mgu')\n", encoding="utf-8")
    found = resolve("made.py")
    assert (found.spec.name, found.cell.__module__) == ("CopiedMGU", "symcell_file_made")
    (folder / "user.py").write_text("from made import cell\nMine = cell('mgu')\nBest = Mine\n", encoding="utf-8")
    assert resolve("user.py").spec.name == "CopiedMGU"
    sys.modules.pop("made", None)


def test_a_cell_and_what_was_made_of_it_are_two(refused, folder):
    (folder / "made.py").write_text(MADE + "class Old(Cell):\n" + BODY + "New = cell(Old)\n", encoding="utf-8")
    assert "declares several cells: Old, New. Name one, as in made.py:Old." in refused("show", "made.py")
    assert resolve("made.py:New").spec.name == "CopiedOld"


def test_a_document_stands_for_a_cell(symcell, folder):
    text = symcell("show", "mgu", "--stage", "json").stdout
    assert text == MGU.to_json()
    (folder / "cell.json").write_text(text, encoding="utf-8")
    found = resolve("cell.json")
    assert str(found.spec) == str(MGU.spec)
    assert found.file.name == "cell.json"
    for stage in ("declaration", "graph", "adjoint", "schedule", "source"):
        assert symcell("show", "cell.json", "--stage", stage).stdout == symcell("show", "mgu", "--stage", stage).stdout
    assert symcell("derive", "cell.json").stdout == symcell("derive", "mgu").stdout
    assert "is the file of the cell itself" in symcell("derive", "cell.json", "-o", "cell.json", code=2).stderr


@pytest.mark.parametrize(("text", "message"), [
    ("{}", "cell.json: the document lacks format, version, name, doc, members, equations, output."),
    ("{", "cell.json: the document is not JSON: Expecting property name enclosed in double quotes, line 1."),
    ("[1]", "cell.json: the document: expected an object with format, "),
    ("[" * 10_000, "cell.json: the document is nested too deeply to be a cell."),
    (MGU.to_json().replace('["tanh"', '["__import__"'), "MGU: equations[1] ('n'): the function '__import__' is not"),
    (MGU.to_json().replace('"doc": "', '"doc": "\\u001b[31m'),
     "MGU: doc holds a character that cannot be printed: '\\x1b'."),
])
def test_a_document_that_is_no_cell(refused, folder, text, message):
    (folder / "cell.json").write_text(text, encoding="utf-8")
    for command in ("show", "build", "check", "derive", "generate"):
        said = refused(command, "cell.json", code=3)
        assert said.startswith("Error: cell.json: ")
        assert message in said


def test_there_is_no_such_document(refused, folder):
    (folder / "folder.json").mkdir()
    (folder / "binary.json").write_bytes(b"{\0}")
    (folder / "latin.json").write_bytes(b'{"doc": "\xe9"}')
    assert "There is no file nothing.json." in refused("show", "nothing.json")
    assert "folder.json is a folder." in refused("show", "folder.json")
    assert "binary.json holds binary data" in refused("show", "binary.json", code=3)
    assert "latin.json: the document is not UTF-8 text" in refused("show", "latin.json", code=3)
