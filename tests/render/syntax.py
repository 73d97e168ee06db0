"""A strict check of LaTeX that always runs: braces, \\left and \\right, environments, scripts, and known commands."""

import re

TOKENS = re.compile(r"\\[A-Za-z]+|\\.|[^\\]", re.DOTALL)
COMMANDS = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "mu", "nu", "tau", "sigma", "lambda", "bar", "tilde",
    "hat", "widetilde", "widehat", "overline", "mathit", "mathrm", "mathcal", "mathbf", "textbf",
    "text", "operatorname", "odot", "top", "sum", "frac", "tfrac", "sqrt", "partial",
    "left", "right", "biggl", "biggr", "begin", "end", "quad", "qquad", "thinspace", "times",
    "cdot", "tanh", "exp", "log", "max", "min", "leq", "geq", "neq",
    "wedge", "vee", "neg", "pi",
}  # fmt: skip
ENVIRONMENTS = {"aligned", "cases"}


def problems(formula):
    """What a strict parser would refuse, as a list."""
    found, stack = [], []
    tokens = [token for token in TOKENS.findall(formula) if token.strip()]
    for command in re.findall(r"\\([A-Za-z]+)", formula):
        if command not in COMMANDS:
            found.append(f"unknown command \\{command}")
    for symbol in re.findall(r"\\([^A-Za-z])", formula.replace("\\\\", "")):
        found.append(f"unknown command \\{symbol}")
    for token in tokens:
        if token in ("{", r"\left", r"\biggl"):
            stack.append(token)
        elif token in ("}", r"\right", r"\biggr"):
            opened = {"}": "{", r"\right": r"\left", r"\biggr": r"\biggl"}[token]
            if not stack or stack.pop() != opened:
                found.append(f"{token} without {opened}")
        elif token in "$#%~" or not token.isascii():
            found.append(f"{token!r} in a formula")
    opened = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", formula):
        if name not in ENVIRONMENTS:
            found.append(f"unknown environment {name}")
        if kind == "begin":
            opened.append(name)
        elif not opened or opened.pop() != name:
            found.append(f"\\end{{{name}}} without \\begin")
    if re.search(r"([_^])(\{[^{}]*\}|[^\s{}\\])\1", formula):
        found.append("a double sub- or superscript")
    return found + [f"never closed: {token}" for token in (*stack, *opened)]
