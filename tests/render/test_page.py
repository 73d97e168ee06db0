"""Nothing runs over the margin: by the estimate, which needs no TeX, and by pdflatex where that is installed."""

import shutil

import pytest

from symcell.render.lines import Equation, aligned
from tests.render.long_cells import CELLS, LONG, SEEDS, derivation
from tests.render.pages import ARTICLE, PAPER, estimated, measured

needs_tex = pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")


@pytest.mark.parametrize("standalone", [True, False])
@pytest.mark.parametrize("cell", [*CELLS.values(), *SEEDS], ids=[*CELLS, *map(str, SEEDS)])
def test_every_line_fits_the_page(cell, standalone):
    assert estimated(derivation(cell).latex(standalone), standalone) == []


@needs_tex
@pytest.mark.parametrize("cell", [*CELLS.values(), *SEEDS], ids=[*CELLS, *map(str, SEEDS)])
def test_the_document_compiles_and_fits_the_page(cell, tmp_path):
    assert measured(derivation(cell).latex(standalone=True), tmp_path) == []


@needs_tex
@pytest.mark.parametrize("cell", [*LONG.values(), *SEEDS[::4]], ids=[*LONG, *map(str, SEEDS[::4])])
def test_the_fragment_compiles_and_fits_an_article(cell, tmp_path):
    assert measured(ARTICLE % derivation(cell).latex(), tmp_path) == []


WIDE = [
    aligned([Equation("h_t", " + ".join(["U_f x_t"] * 13))], limit=1000).join(["\\begin{align*}\n", "\n\\end{align*}"]),
    "\\begin{align*}\n" + r" &\quad ".join([r"\bar{W}_f &= \sum_{t=1}^{T} \bar{a}_t x_t^\top"] * 6) + "\n\\end{align*}",
    "\\begin{tabular}{lll}\n\\hline\n" + ", ".join(["$x_{f,t}$"] * 24) + " & state & $H$ \\\\\n\\hline\n\\end{tabular}",
    rf"The name $\mathit{{{'m' * 60}}}$.",
]


@pytest.mark.parametrize("text", WIDE)
def test_a_line_that_is_too_wide_is_found(text):
    assert estimated(text)
    assert all(size > PAPER[True] for size, _ in estimated(text))


@needs_tex
@pytest.mark.parametrize("text", WIDE)
def test_tex_finds_it_too(text, tmp_path):
    page = derivation("mgu").latex(standalone=True)
    assert measured(page.replace("\\endgroup", text + "\n\n\\endgroup"), tmp_path)


def test_what_a_long_condition_is_written_as_is_explained():
    nested = derivation(LONG["nested"])
    assert r"\mathbf{1}_{a > b}" in nested.latex()
    assert r"\mathbf{1}[" not in derivation("lstm").latex()
    long = derivation(next(seed for seed in SEEDS if r"\mathbf{1}[" in derivation(seed).latex().split("Dimensions")[1]))
    assert r"\mathbf{1}[a > b]" in long.latex()
