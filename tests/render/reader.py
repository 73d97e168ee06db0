"""Reads printed equations back and evaluates them: a strict parser of the LaTeX that derivations use.

A formula is read to a function of an environment: the values of one step and one row, by printed name (spaces
removed). It knows the commands below and nothing else; whatever is left over is an error.
"""

import re

import numpy as np

TOKENS = re.compile(r"\\\\|\\[A-Za-z]+|\d+(?:\.\d+)?|[A-Za-z]|[{}_^()|&+\-,=<>/\[\]]|\s+")
FUNCTIONS = {
    r"\sigma": lambda x: 1 / (1 + np.exp(-x)), r"\tanh": np.tanh, r"\exp": np.exp, r"\log": np.log,
    r"\max": lambda *of: np.max(of[0]) if len(of) == 1 else np.maximum(*of), r"\min": np.minimum,
}  # fmt: skip
OPERATORS = {
    "softplus": lambda x: np.log1p(np.exp(x)), "relu": lambda x: np.maximum(x, 0), "sign": np.sign, "diag": np.diag,
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "tr": np.trace,
    "argmax": lambda vector: Place(vector), "colmax": lambda m: m.max(axis=0), "rowmax": lambda m: m.max(axis=1),
}  # fmt: skip
RELATIONS = {"<": np.less, ">": np.greater, "=": np.equal, r"\leq": np.less_equal, r"\geq": np.greater_equal}
OPEN = {r"\left": r"\right", r"\biggl": r"\biggr"}
STOP = {")", "]", "}", "|", ",", "&", "+", "-", "/", r"\odot", r"\\", r"\right", r"\biggr", r"\end", r"\wedge", None,
        *RELATIONS}
GREEK = {rf"\{word}" for word in (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "mu", "nu", "tau", "sigma")}
ACCENTS = {r"\bar", r"\tilde", r"\hat", r"\overline", r"\widetilde", r"\widehat", r"\mathit", r"\mathrm", r"\mathcal"}


class Place(int):
    """The index of the first of the largest components of a vector, and `here`, where that is."""

    def __new__(cls, vector):
        made = super().__new__(cls, np.argmax(vector))
        made.size, made.here = len(vector), np.arange(len(vector)) == np.argmax(vector)
        return made


class Unreadable(ValueError):
    """The formula is not in the language of derivations."""


def read(formula):
    """The formula as a function: environment -> number, vector or matrix."""
    reader = Reader(formula)
    meaning = reader.sum()
    reader.expect(None)
    return meaning


class Reader:
    def __init__(self, formula):
        found = list(TOKENS.finditer(formula))
        if "".join(token[0] for token in found) != formula:
            raise Unreadable(f"a character that no formula has: {formula}")
        self.tokens = [token[0] for token in found if token[0].strip() not in ("", r"\thinspace")]
        self.at = 0
        self.bars = False  # whether a bar would close

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

    def sum(self):
        parts = [self.product(-1 if self.next == "-" and self.take() else 1)]
        while self.next in ("+", "-"):
            parts.append(self.product(-1 if self.take() == "-" else 1))
        return lambda env: sum(part(env) for part in parts[1:]) + parts[0](env) if parts[1:] else parts[0](env)

    def product(self, sign=1):
        chosen = self.tokens[self.at:self.at + 4] == [r"\mathbf", "{", "1", "}"]  # an indicator may meet a number
        factors = [("", self.applied())]
        while self.next in (r"\odot", "/"):
            factors.append((self.take(), self.applied()))

        def meaning(env):
            result = factors[0][1](env)
            for operator, factor in factors[1:]:
                other = factor(env)
                if operator == "/":
                    result = result / other
                    continue
                repeated = np.ndim(result) == np.ndim(other) == 2 and 1 in (*np.shape(result), *np.shape(other))
                repeated |= chosen and np.ndim(other) == 0
                assert repeated or np.shape(result) == np.shape(other), r"\odot stands between vectors of one size"
                result = result * other
            return -result if sign < 0 else result

        return meaning

    def applied(self):
        """Juxtaposition: W x, 2 x, a x^T, 1^T v."""
        if self.next == r"\sum":
            self.expect(r"\sum", "_", "{", "t", "=", "1", "}", "^", "{", "T", "}")
            body = self.product()
            return lambda env: sum(body(row) for row in env["rows"])
        factors = [self.factor()]
        while self.next not in STOP or (self.next == "|" and not self.bars):
            if self.next == r"\cdot":
                self.take()
            factors.append(self.factor())

        def meaning(env):
            *rest, result = [factor(env) for factor in factors]
            for left in reversed(rest):
                result = together(left, result)
            return result

        return meaning

    def factor(self):
        base = self.atom()
        if self.next != "^":
            return base
        self.take()
        if self.next == r"\top":
            self.take()
            return lambda env: transposed(base(env))
        exponent = self.group()
        return lambda env: base(env) ** exponent(env)

    def group(self):
        if self.next != "{":
            return Reader(self.take()).sum()
        self.expect("{")
        inside = self.sum()
        self.expect("}")
        return inside

    def atom(self):
        token = self.next
        if token == "|":
            self.take()
            self.bars = True
            inside = self.sum()
            self.bars = False
            self.expect("|")
            return lambda env: np.abs(inside(env))
        if token == "(" or token in OPEN:
            closing = [")"] if token == "(" else [OPEN[token], ")"]
            self.expect(*(["("] if token == "(" else [token, "("]))
            inside = self.sum()
            self.expect(*closing)
            return inside
        if token == "|":
            self.take()
            inside = self.sum()
            self.expect("|")
            return lambda env: abs(inside(env))
        if token and token[0].isdigit():
            number = float(self.take())
            return lambda env: number
        if token in (r"\frac", r"\tfrac"):
            return self.fraction()
        if token == r"\sqrt":
            self.take()
            inside = self.group()
            return lambda env: np.sqrt(inside(env))
        if token == r"\operatorname":
            self.expect(r"\operatorname", "{")
            return self.call(OPERATORS[self.word()])
        if token in FUNCTIONS:
            return self.call(FUNCTIONS[self.take()])
        if token == r"\begin":
            return self.cases()
        if token == r"\mathbf":
            return self.bold()
        if token == r"\partial":
            return self.adjoint()
        return self.name()

    def word(self):
        letters = ""
        while self.next != "}":
            letters += self.take()
        self.expect("}")
        return letters

    def fraction(self):
        start, _ = self.at, self.take()
        if self.tokens[self.at + 1] == r"\partial":
            for _ in range(2):
                self.expect("{", r"\partial")
                self.name()
                self.expect("}")
            key = "".join(self.tokens[start:self.at])
            return lambda env: env[key]
        above, below = self.group(), self.group()
        return lambda env: above(env) / below(env)

    def call(self, function):
        power = 1
        if self.next == "^":
            self.take()
            power = int(self.take())
        if self.next == r"\sigma" and function is np.log:  # \log\sigma(a), as logsigmoid is printed
            inner = self.call(FUNCTIONS[self.take()])
            return lambda env: powered(np.log(inner(env)), power)
        opening = self.take()
        if opening in OPEN:
            self.expect("(")
        elif opening != "(":
            raise Unreadable(f"a function without parentheses: {opening}")
        arguments = [self.sum()]
        while self.next == ",":
            self.take()
            arguments.append(self.sum())
        self.expect(*([OPEN[opening]] if opening in OPEN else []), ")")
        return lambda env: powered(function(*(argument(env) for argument in arguments)), power)

    def cases(self):
        self.expect(r"\begin", "{", *"cases", "}")
        rows = []
        while True:
            value = self.sum()
            self.expect("&", r"\text", "{")
            if self.word() == "otherwise":
                break
            rows.append((self.condition(), value))
            self.expect(r"\\")
        self.expect(r"\end", "{", *"cases", "}")

        def meaning(env):
            result = value(env)
            for condition, chosen in reversed(rows):
                result = np.where(condition(env), chosen(env), result)
            return result

        return meaning

    def adjoint(self):
        """A bar over a long formula, written out."""
        self.expect(r"\partial", r"\mathcal", "{", "L", "}", "/", r"\partial")
        start = self.at
        self.expect(r"\biggl", "(")
        self.sum()
        self.expect(r"\biggr", ")")
        key = unsized(rf"\overline{{{''.join(self.tokens[start + 2:self.at - 2])}}}")
        return lambda env: env[key]

    def condition(self):
        if self.next == r"\neg":
            self.expect(r"\neg", "(")
            inside = self.condition()
            self.expect(")")
            return lambda env: ~inside(env)
        left, relation, right = self.sum(), RELATIONS[self.take()], self.sum()
        if self.next == r"\wedge":
            self.take()
            rest = self.condition()
            return lambda env: relation(left(env), right(env)) & rest(env)
        return lambda env: right(env).here if isinstance(left(env), str) else relation(left(env), right(env))

    def bold(self):
        self.expect(r"\mathbf", "{")
        what = self.take()
        self.expect("}")
        if what == "1" and self.next == "_":
            self.expect("_", "{")
            condition = self.condition()
            self.expect("}")
            return lambda env: np.where(condition(env), 1.0, 0.0)
        if what == "1" and self.next == "[":
            self.take()
            condition = self.condition()
            self.expect("]")
            return lambda env: np.where(condition(env), 1.0, 0.0)
        if what == "B" and self.next == "_":
            self.take()
            count = int(self.take())
            return lambda env: np.equal.outer(*[np.arange(env["size"]) * count // env["size"]] * 2) * 1.0
        if what == "e":
            self.expect("_", "{")
            first = self.sum()
            self.expect("}", "^", r"\top")
            return lambda env: np.eye(first(env).size)[[first(env)]]
        return {"1": lambda env: "ones", "I": lambda env: np.eye(env["size"])}[what]

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


def powered(value, power):
    return value if power == 1 else value**power


def transposed(value):
    if isinstance(value, str):
        return "sum"
    return value.T if value.ndim == 2 else value[None, :]


def together(left, right):
    if isinstance(right, str) and right == "ones":
        return left.sum(axis=1)
    if isinstance(left, str) and left == "sum":
        return right.sum() if right.ndim == 1 else right.sum(axis=0)[None]
    if isinstance(right, str):  # a column in front of a row of ones
        return left[:, None]
    if isinstance(left, str):
        return right  # a column of ones in front of a row: the row, as often as its neighbours ask for
    if np.ndim(left) == 0 or np.ndim(right) == 0:
        return left * right
    if np.ndim(left) == 1:
        assert np.shape(right)[0] == 1, "a vector in front of something other than a row"
        assert right.ndim == 2
        return np.outer(left, right)
    return left @ (np.broadcast_to(right, (left.shape[1], right.shape[1])) if np.shape(right)[0] == 1 else right)
