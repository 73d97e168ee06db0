"""The pages about the cells: what is committed is what `make docs` writes, and GitHub can show it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from symcell import zoo
from symcell.cli import pages

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "cells"
SPEED = ROOT / "docs" / "zoo_speed.json"
IN_EVERY_RUN = {"mgu", "lem", "antisymmetric_gated", "lstm_layer_norm"}
TIMES = {"about": "Training at some sizes.", "cells": {
    "lem": {"seconds": {"symcell": 0.002, "torchrecurrent": 0.02, "JAX": 0.003}, "variant": "lem(new_memory=False)"}}}

every_name = pytest.mark.parametrize("name", [
    pytest.param(name, marks=() if name in IN_EVERY_RUN else pytest.mark.slow) for name in zoo.names()])


def recorded():
    return pages.read_speed(SPEED if SPEED.exists() else None)


@every_name
def test_a_page_is_what_is_committed(name):
    committed = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert pages.page(name, recorded()) == committed, "run `make docs`"


def test_the_index_is_what_is_committed():
    assert pages.index(recorded()) == (DOCS / pages.INDEX).read_text(encoding="utf-8"), "run `make docs`"


def test_every_cell_has_a_page_and_every_page_a_cell():
    assert {path.name for path in DOCS.iterdir()} == {f"{name}.md" for name in zoo.names()} | {pages.INDEX}


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_bytes_do_not_depend_on_the_process(seed, tmp_path):
    cells = sorted(IN_EVERY_RUN)
    command = [sys.executable, "-m", "symcell", "docs", "-o", str(tmp_path), *cells]
    subprocess.run([*command, *(["--speed", str(SPEED)] if SPEED.exists() else [])], check=True, capture_output=True,
                   env={**os.environ, "PYTHONHASHSEED": seed})
    assert {path.name for path in tmp_path.iterdir()} == {f"{cell}.md" for cell in cells}
    for cell in cells:
        assert (tmp_path / f"{cell}.md").read_bytes() == (DOCS / f"{cell}.md").read_bytes()


# --- what GitHub shows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_github_can_show_it(path):
    """Its MathJax refuses \\operatorname; Markdown takes a backslash before punctuation out of inline formulas."""
    text = path.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$|^\$\$\n.*?^\$\$$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert "\\operatorname" not in text
    assert text.count("\n$$\n") % 2 == 0
    for formula in re.findall(r"(?<!\\)\$([^$]+)\$", prose):
        assert not re.search(r"\\[^a-zA-Z]|[|<]", formula), formula
        assert formula == formula.strip()
    for block in re.findall(r"^\$\$\n(.*?)^\$\$$", text, re.MULTILINE | re.DOTALL):
        assert "\n\n" not in block
        assert not re.search(r"^\s*([-+*=#>]|\d+\.)", block, re.MULTILINE), "a line that Markdown takes for a list"
    for row in re.findall(r"^\|.*$", prose, re.MULTILINE):
        assert row.endswith("|")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (path.parent / target).exists(), target


def test_the_check_of_formulas_finds_an_error():
    assert re.search(r"\\[^a-zA-Z]|[|<]", r"a \, b")
    assert not re.search(r"\\[^a-zA-Z]|[|<]", r"\bar{h}_{t-1}^+")


def test_papers_are_linked():
    assert pages.linked("A 2020, arXiv:2110.04744, eq. 3.") == (
        "A 2020, [arXiv:2110.04744](https://arxiv.org/abs/2110.04744), eq. 3.")
    assert pages.linked("arXiv:1603.09420v1.") == "[arXiv:1603.09420v1](https://arxiv.org/abs/1603.09420v1)."
    assert pages.linked(r"B, doi:10.1162/a\_b.2.") == r"B, [doi:10.1162/a\_b.2](https://doi.org/10.1162/a_b.2)."


# --- speed -----------------------------------------------------------------------------------------------------


def test_a_page_shows_what_was_measured(tmp_path):
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(TIMES), encoding="utf-8")
    speed = pages.read_speed(path)
    text = pages.page("lem", speed)
    assert "symcell takes 2 ms. Training at some sizes. Measured on `lem(new_memory=False)`" in text
    assert "| torchrecurrent | 10.0 |\n| JAX | 1.5 |\n" in text
    assert "Not measured yet." in pages.page("mgu", speed)
    assert "## Speed" not in pages.page("mgu", {})
    assert "| [lem](lem.md) | h, m | 2 | 10.0 | 1.5 | " in pages.index(speed)


@pytest.mark.parametrize(("name", "settings"), [
    ("fastgrnn", "torchrecurrent's FastGRNN with nonlinearity='sigmoid'"),
    ("miru1", "torchrecurrent's MiRU1 with update_coefficient=0.3, symcell's cell with lam=0.3"),
    ("janet", "symcell's cell with beta=0.3, torchrecurrent's JANET with the parameter beta=0.3"),
])
def test_a_page_says_with_which_settings_was_measured(name, settings):
    speed = {"about": "Training.", "cells": {name: {"seconds": {"symcell": 0.002, "torchrecurrent": 0.02}}}}
    assert f"Training. Not at their defaults: {settings}.\n" in pages.page(name, speed)
    assert "defaults" not in pages.page("mgu", {"about": "", "cells": {"mgu": {"seconds": {"symcell": 1.0}}}})


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cells": [], "about": ""}'])
def test_a_file_without_times_is_refused(refused, folder, text):
    (folder / "speed.json").write_text(text, encoding="utf-8")
    assert "holds no times" in refused("docs", "-o", "pages", "--speed", "speed.json")


def test_pages_of_cells_that_are_gone_go_too_and_nothing_else(symcell, monkeypatch, folder):
    monkeypatch.setattr(zoo, "REGISTRY", {"mgu": zoo.REGISTRY["mgu"]})
    made = folder / "pages"
    made.mkdir()
    (made / "old.md").write_text(pages.MARK + "\n", encoding="utf-8")
    (made / "mine.md").write_text("Notes\n", encoding="utf-8")
    assert symcell("docs", "-o", "pages").output == "wrote 3 pages to pages\n"
    assert sorted(path.name for path in made.iterdir()) == ["README.md", "mgu.md", "mine.md"]


def test_a_cell_that_there_is_not(refused):
    assert "The zoo has no cell 'mguu'" in refused("docs", "-o", "pages", "mguu", code=3)
