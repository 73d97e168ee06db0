"""Text of the author (a docstring, the name of a class) -> LaTeX and Markdown that show exactly that text."""

from __future__ import annotations

import re
import unicodedata

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "`": r"\textasciigrave{}",
    "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\ldots{}",
    "§": r"\S{}", "©": r"\copyright{}",
    "×": r"\(\times\)", "±": r"\(\pm\)", "·": r"\(\cdot\)", "≤": r"\(\leq\)", "≥": r"\(\geq\)", "≠": r"\(\neq\)",
    "→": r"\(\to\)", "⊙": r"\(\odot\)", "∂": r"\(\partial\)", "²": r"\(^2\)", "³": r"\(^3\)", "−": r"\(-\)",
    "ß": r"{\ss}", "æ": r"{\ae}", "Æ": r"{\AE}", "ø": r"{\o}", "Ø": r"{\O}", "å": r"{\aa}", "Å": r"{\AA}", "ł": r"{\l}",
    "Ł": r"{\L}", "œ": r"{\oe}", "Œ": r"{\OE}", "ı": r"{\i}",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
_GREEK = re.compile(r"GREEK (SMALL|CAPITAL) LETTER ([A-Z]+)\Z")
_LATIN_CAPITALS = {"Gamma", "Delta", "Theta", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega"}


_LONG = 24  # letters of a word that no dictionary divides
_JOINT = re.compile(r"(?<=[^\s:/]/)(?=[^\s/])")  # within an address, which has no hyphens


def latex_text(text: str) -> str:
    """Return ASCII LaTeX, text mode. What no font of a small TeX has comes out as its code point.

    A line may end within an address or a very long word, which TeX would let run over the margin.
    """
    words = re.split(r"(\s+)", unicodedata.normalize("NFC", text))
    return "".join(r"\allowbreak{}".join(_latex_word(part) for part in _parts(word)) for word in words)


def _parts(word: str) -> list[str]:
    return [part[at:at + _LONG] for part in _JOINT.split(word) for at in range(0, max(len(part), 1), _LONG)]


def _latex_word(word: str) -> str:
    return "".join(map(_latex_character, word))


def _latex_character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isspace():
        return "\n" if character == "\n" else " "
    if " " <= character <= "\x7e":
        return character
    letter, mark = (*unicodedata.normalize("NFD", character), "")[:2]
    if letter.isascii() and letter.isalpha() and mark in _ACCENTS:
        dotless = f"\\{letter}" if letter in "ij" and mark != "\u0327" else letter
        return f"\\{_ACCENTS[mark]}{{{dotless}}}"
    return _greek(character) or f"[U+{ord(character):04X}]"


def _greek(character: str) -> str:
    found = _GREEK.match(unicodedata.name(character, ""))
    if not found:
        return ""
    word = {"LAMDA": "LAMBDA"}.get(found[2], found[2]).lower()
    if found[1] == "SMALL":
        return rf"\(\{word}\)" if word not in ("omicron", "final") else ""
    word = word.capitalize()
    return rf"\(\{word}\)" if word in _LATIN_CAPITALS | {"Lambda"} else ""


_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|$~!])")
_LINE_START = re.compile(r"^(\s*)([-+=>]|\d+(?=[.)]))", re.MULTILINE)


def markdown_text(text: str) -> str:
    """Return Markdown that shows the text: no emphasis, links, HTML, math, lists or rules come out of it."""
    visible = "".join(character for character in text if character == "\n" or character.isprintable())
    escaped = _MARKDOWN.sub(r"\\\1", visible.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    return _LINE_START.sub(lambda m: m[1].lstrip() + (f"{m[2]}\\" if m[2].isdigit() else f"\\{m[2]}"), escaped)
