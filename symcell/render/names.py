r"""Names of quantities -> LaTeX: alpha is \alpha, h_tilde is \tilde{h}, W_hh_2 is W_{hh,2}, gate is \mathit{gate}.

An identifier holds letters, digits and underscores only (symcell.declare.names), and every part of it is printed
through the rules below: nothing of it reaches LaTeX as a command that the author did not mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi",
    "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon",
    "Phi", "Psi", "Omega", "lambda",
})  # fmt: skip
ACCENTS = {  # over one letter, over more
    "tilde": ("tilde", "widetilde"), "hat": ("hat", "widehat"), "dot": ("dot", "dot"), "bar": ("bar", "overline"),
}  # fmt: skip
_NARROW = re.compile(r"[A-Za-z]|\\[a-zA-Z]+")  # one letter, or one command


@dataclass(frozen=True)
class Name:
    """A printed name: base and subscripts are LaTeX. Time and adjoint come with each use."""

    base: str
    subscripts: tuple[str, ...] = ()

    def latex(self, time: str = "", bar: bool = False, superscript: str = "") -> str:
        """Return the name at a time ("t", "t-1"), with a bar for its adjoint."""
        base = accent(self.base, "bar") if bar else self.base
        subscript = ",".join((*self.subscripts, time) if time else self.subscripts)
        below = f"_{braced(subscript)}" if subscript else ""
        return base + below + (f"^{braced(superscript)}" if superscript else "")


def name_of(identifier: str) -> Name:
    """Return how an identifier is printed."""
    base, *tokens = [part for part in identifier.split("_") if part]
    split = re.fullmatch(r"([A-Za-z]+?)(\d+)", base)
    parts = [_base(split[1]), split[2]] if split else [_base(base)]
    for token in tokens:
        if token in ("tilde", "hat", "dot") and not parts[-1].isdigit():
            parts[-1] = accent(parts[-1], token)
        else:
            parts.append(_subscript(token))
    return Name(parts[0], tuple(parts[1:]))


def names_of(identifiers: Iterable[str], taken: Iterable[str] = ()) -> dict[str, Name]:
    """Name each identifier so that no two print alike: `a1` next to `a_1` gets a mark.

    A name also must not look like another at some time step: a bias `b_t` next to a quantity `b`.
    """
    seen, names = set(taken), {}
    for identifier in identifiers:
        plain = name_of(identifier)
        name, count = plain, 1
        while seen & _looks(name):
            count += 1
            name = replace(plain, subscripts=(*plain.subscripts, f"({count})"))
        seen |= _looks(name)
        names[identifier] = name
    return names


def _looks(name: Name) -> set[str]:
    return {name.latex(time) for time in ("", "t", "t-1")}


def accent(base: str, word: str) -> str:
    """Put an accent over one letter, or a wide one over more."""
    narrow, wide = ACCENTS[word]
    letter = re.sub(r"\\(?:tilde|hat|dot)\{(.*)\}", r"\1", base)
    return f"\\{narrow if _NARROW.fullmatch(letter) else wide}{{{base}}}"


def braced(text: str) -> str:
    """Return a sub- or superscript: braces unless it is one character."""
    return text if len(text) == 1 else f"{{{text}}}"


def _base(word: str) -> str:
    if word in GREEK:
        return f"\\{word}"
    return word if len(word) == 1 else f"\\mathit{{{word}}}"


def _subscript(token: str) -> str:
    if token in GREEK:
        return f"\\{token}"
    return token if token.isdigit() or len(token) <= 2 else f"\\mathrm{{{token}}}"
