import re

import pytest

from symcell.render.escape import latex_text, markdown_text

HOSTILE = r"""\input{/etc/passwd} \end{document} $x$ $$ a & b # % _ ^ ~ { } | < > " ` ' <script>&amp; é Ω 你 \\"""


def test_latex_keeps_no_live_character():
    escaped = latex_text(HOSTILE)
    assert escaped.isascii()
    commands = set(re.findall(r"\\([A-Za-z]+|.)", escaped))
    assert commands <= {"textbackslash", "textasciicircum", "textasciitilde", "textless", "textgreater", "textbar",
                        "textasciigrave", "allowbreak", "{", "}", "$", "&", "#", "%", "_", "'", "(", ")", "Omega"}
    bare = re.sub(r"\\(?:[A-Za-z]+(?:\{\})?|.)", "", escaped)
    assert not re.search(r"[\\$&#%_^~|<>]", bare)


@pytest.mark.parametrize(("text", "printed"), [
    ("Zhou et al. 2016, arXiv:1603.09420.", "Zhou et al. 2016, arXiv:1603.09420."),
    ("http://a.b/c/d", r"http://a.b/\allowbreak{}c/\allowbreak{}d"), ("e.g. 0.5 : 1 / 2", "e.g. 0.5 : 1 / 2"),
    ("x" * 50, r"\allowbreak{}".join(["x" * 24, "x" * 24, "xx"])),
    ("Möller", r'M\"{o}ller'), ("café", r"caf\'{e}"), ("Ł", r"{\L}"), ("α", r"\(\alpha\)"), ("1–2", "1--2"),
    ("你", "[U+4F60]"), ("50%", r"50\%"),
])  # fmt: skip
def test_latex(text, printed):
    assert latex_text(text) == printed


def test_markdown_shows_the_text_and_no_more():
    escaped = markdown_text(HOSTILE + "\n- item\n1. item\n+ item\n# head\n    code")
    assert "<" not in escaped
    assert not re.search(r"(?<!\\)(?:\\\\)*[$*_`#|\[\]]", escaped)
    assert "\n\\- item\n1\\. item\n\\+ item\n\\# head" in escaped
