"""The LaTeX of a formula as tokens, read one by one; and the names in it, of which the text is all that counts."""

import re

TOKENS = re.compile(r"\\\\|\\[A-Za-z]+|\d+(?:\.\d+)?|[A-Za-z]|[{}_^()|&+\-,=<>/\[\]]|\s+")
GREEK = {rf"\{word}" for word in (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "mu", "nu", "tau", "sigma")}
ACCENTS = {r"\bar", r"\tilde", r"\hat", r"\overline", r"\widetilde", r"\widehat", r"\mathit", r"\mathrm", r"\mathcal"}


class Unreadable(ValueError):
    """The formula is not in the language of derivations."""


class Tokens:
    def __init__(self, formula):
        found = list(TOKENS.finditer(formula))
        if "".join(token[0] for token in found) != formula:
            raise Unreadable(f"a character that no formula has: {formula}")
        self.tokens = [token[0] for token in found if token[0].strip() not in ("", r"\thinspace")]
        self.at = 0

    @property
    def next(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else None

    def expect(self, *tokens):
        for token in tokens:
            got = self.take()
            if got != token:
                raise Unreadable(f"expected {token!r}, got {got!r} after {' '.join(self.tokens[:self.at])}")

    def word(self):
        letters = ""
        while self.next != "}":
            letters += self.take()
        self.expect("}")
        return letters

    def name(self):
        start = self.at
        self.base()
        if self.next == "_":
            self.take()
            self.skip()
        if self.tokens[self.at:self.at + 2] == ["^", "+"]:
            self.at += 2
        key = unsized("".join(self.tokens[start:self.at]))
        return lambda env: env[key]

    def base(self):
        token = self.take()
        if token in ACCENTS:
            self.skip()
        elif token not in GREEK and not (token and token.isalpha() and len(token) == 1):
            raise Unreadable(f"{token!r} is no name")

    def skip(self):
        """Over one character or a group: of a name, its text is all that counts."""
        depth = 0
        while True:
            token = self.take()
            depth += (token == "{") - (token == "}")
            if token is None or depth < 0:
                raise Unreadable("unbalanced braces")
            if not depth:
                return


def unsized(name):
    """The name of a value; of a formula with a bar the letters, however it is broken."""
    dropped = r"\\(left|right|biggl|biggr|t?frac)(?![A-Za-z])|\\cdot|[{}()/]" if name.startswith(r"\overline") else " "
    return re.sub(dropped, "", name.replace(" ", ""))
