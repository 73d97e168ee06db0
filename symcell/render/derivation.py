"""A derivation to read: LaTeX and Markdown of the graphs that are compiled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from symcell.declare.spec import CellSpec
from symcell.graph.ir import Graph
from symcell.render.environment import environment
from symcell.render.escape import latex_text, markdown_text
from symcell.render.lines import PAGE, WIDTH, Equation, aligned
from symcell.render.notation import Notation
from symcell.render.sections import Section, sections

ROWS = 25  # of a table that goes on one page
_INLINE = re.compile(r"\$([^$]+)\$")
_OPERATOR = re.compile(r"\\operatorname\{([^{}]*)\}")  # which GitHub refuses


@dataclass(frozen=True)
class Derivation:
    """The forward pass, its adjoint, the gradients and the state Jacobian of a cell.

    Printing it gives Markdown; notebooks show it as mathematics.
    """

    spec: CellSpec
    forward: Graph
    backward: Graph

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """What it says, in order."""
        return sections(self.spec, Notation(self.forward, self.backward))

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The docstring of the cell, a line per paragraph."""
        return tuple(" ".join(part.split()) for part in re.split(r"\n\s*\n", self.spec.doc) if part.strip())

    def latex(self, standalone: bool = False) -> str:
        """Return LaTeX.

        Args:
            standalone: a complete document for pdflatex; otherwise a fragment, which needs the package amsmath.
        """
        return self._fill("derivation.tex.jinja", latex_text(self.spec.name), map(latex_text, self.paragraphs),
                          standalone=standalone, limit=PAGE if standalone else WIDTH)

    def markdown(self) -> str:
        """Return Markdown with formulas between dollar signs, as GitHub and Jupyter read them."""
        text = self._fill("derivation.md.jinja", markdown_text(self.spec.name), map(markdown_text, self.paragraphs))
        return _OPERATOR.sub(r"\\mathop{\\mathrm{\1}}", text)

    def formulas(self) -> tuple[str, ...]:
        """Return every formula of the derivation, displayed and inline: what a strict parser can check."""
        displayed = [display(section.equations) for section in self.sections if section.equations]
        texts = [text for s in self.sections for text in (*s.text, *(cell for row in s.table for cell in row))]
        return (*displayed, *(found for text in texts for found in _INLINE.findall(text)))

    def _fill(self, template: str, title: str, paragraphs: object, **options: float) -> str:
        return environment().get_template(template).render(
            title=title, paragraphs=list(paragraphs), sections=self.sections,  # type: ignore[call-overload]
            display=display, aligned=aligned, rows_per_table=ROWS, **options)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_latex_(self) -> str:
        """The equations alone: MathJax sets formulas, not documents."""
        shown = [section for section in self.sections if section.equations]
        return "\n\n".join(f"$$\n{display(section.equations, section.title)}\n$$" for section in shown)

    def __str__(self) -> str:
        return self.markdown()


def display(equations: tuple[Equation, ...], title: str = "") -> str:
    r"""Return the equations as one formula, an `aligned`, with a title in bold as its first row."""
    head = rf"&\textbf{{{title}}} \\" + "\n" if title else ""
    rows = aligned(equations).replace(r"\\*", r"\\")  # a display is on one page
    return f"\\begin{{aligned}}\n{head}{rows}\n\\end{{aligned}}"
