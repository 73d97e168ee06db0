"""Whole derivations: golden text, strict parsers, hostile text. What fits the page is in test_page.py."""

import difflib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from symcell.render.derivation import Derivation
from symcell.zoo import find, names
from tests.oracle import graphs
from tests.render.cells import Bare, Derived, Odd, Shared
from tests.render.syntax import problems

HERE = Path(__file__).parent
CELLS = {**{name: name for name in names()}, "odd": Odd, "shared": Shared, "bare": Bare, "derived": Derived}


def derivation(name):
    cell = CELLS[name] if not isinstance(CELLS[name], str) else find(name)
    return Derivation(cell.spec, *graphs(cell))


def formulas():
    return [formula for name in CELLS for formula in derivation(name).formulas()]


@pytest.mark.parametrize("suffix", ["tex", "md"])
def test_mgu_is_the_golden_text(suffix):
    """Set SYMCELL_UPDATE_GOLDEN=1 to accept what is printed now."""
    made = derivation("mgu")
    text = made.latex() if suffix == "tex" else made.markdown()
    golden = HERE / f"mgu.golden.{suffix}"
    if os.environ.get("SYMCELL_UPDATE_GOLDEN"):
        golden.write_text(text, encoding="utf-8")
    expected = golden.read_text(encoding="utf-8")
    diff = difflib.unified_diff(expected.splitlines(), text.splitlines(), "golden", "printed", lineterm="")
    assert text == expected, "\n".join(diff)


@pytest.mark.parametrize("name", CELLS)
def test_sections_in_order(name):
    text = derivation(name).markdown()
    titles = re.findall(r"^## (.*)$", text, re.MULTILINE)
    gradients = ["Gradients of the parameters"] if derivation(name).spec.parameters else []
    once = ["Once per call"] if any(not derivation(name).forward.value(node.out).anonymous
                                    for node in derivation(name).forward.once) else []
    assert titles == ["Notation", "Dimensions", "Size", *once, "Forward pass", "Adjoints of one step", *gradients,
                      "State Jacobian"]
    assert str(derivation(name)) == derivation(name)._repr_markdown_() == text


@pytest.mark.parametrize("name", CELLS)
def test_every_quantity_is_in_the_table(name):
    made = derivation(name)
    table = next(section.table for section in made.sections if section.title == "Dimensions")
    cells = " ".join(row[0] for row in table)
    named = [v for v in made.forward.values if not v.anonymous and not v.name.endswith(".next")]
    assert cells.count("$") == 2 * len(named)


@pytest.mark.parametrize("name", CELLS)
def test_formulas_pass_the_strict_check_of_our_own(name):
    assert [problem for formula in derivation(name).formulas() for problem in problems(formula)] == []


@pytest.mark.parametrize("formula", [
    r"\frac{a}{b", r"a}", r"\left(a", r"\input{x}", r"a_b_c", "a $ b", r"\begin{aligned} a", r"\_", "50% of x", "α",
    r"\begin{document}\end{document}", r"x^{2}^{3}",
])
def test_our_own_check_refuses(formula):
    assert problems(formula)


def test_formulas_pass_katex():
    """KaTeX parses all formulas with throwOnError and strict mode; .ci/run says where it comes from."""
    katex, node = os.environ.get("SYMCELL_KATEX"), shutil.which("node")
    if not katex or not node:
        pytest.skip("set SYMCELL_KATEX to the KaTeX package to parse the formulas with it (see .ci/run)")
    bad = r"\frac{a}{b"
    done = subprocess.run([node, str(HERE / "katex_check.mjs"), katex], input=json.dumps([*formulas(), bad]),
                          capture_output=True, text=True, check=True)
    refused = json.loads(done.stdout)
    assert [message.split(": ")[0] for message in refused] == [bad], refused


def test_no_hostile_text_is_live():
    made = derivation("odd")
    latex, markdown = made.latex(), made.markdown()
    assert r"\textbackslash{}input\{x\} \$x\$ \textless{}b\textgreater{}" in latex
    assert r"\end{document}" not in latex
    assert latex.isascii()
    assert r"\\input\{x\} \$x\$ &lt;b&gt;\*bold\*" in markdown
    assert "<b>" not in markdown


@pytest.mark.parametrize("name", CELLS)
def test_markdown_is_safe_for_github_and_jupyter(name):
    text = derivation(name).markdown()
    prose, displays = text.split("\n$$\n")[::2], text.split("\n$$\n")[1::2]
    assert len(displays) == sum(bool(section.equations) for section in derivation(name).sections)
    for formula in displays + [f for part in prose for f in re.findall(r"(?<!\\)\$([^$]+?)(?<!\\)\$", part)]:
        assert "\n\n" not in formula, "a blank line ends a formula"
        assert not re.search(r"\\[^A-Za-z]", formula.replace(r"\\", "")), "Markdown would take the backslash"
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_notebooks_get_formulas_only():
    text = derivation("mgu")._repr_latex_()
    assert re.fullmatch(r"(\$\$\n\\begin\{aligned\}[^$]*\\end\{aligned\}\n\$\$\s*)+", text)
    assert r"\textbf{Forward pass}" in text


def test_the_fragment_needs_amsmath_only():
    text = derivation("lstm_peephole").latex()
    assert "usepackage" not in text
    assert set(re.findall(r"\\begin\{(\w+\*?)\}", text)) == {"align*", "tabular"}
