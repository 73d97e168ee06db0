"""Reads printed equations back and evaluates them: a strict parser of the LaTeX that derivations use.

A formula is read to a function of an environment: the values of one step and one row, by printed name (spaces
removed). It knows the commands below and nothing else; whatever is left over is an error.
"""

import numpy as np

from tests.render.printed_values import FUNCTIONS, OPERATORS, RELATIONS, powered, together, transposed
from tests.render.tokens import Tokens, Unreadable, unsized

OPEN = {r"\left": r"\right", r"\biggl": r"\biggr"}
STOP = {")", "]", "}", "|", ",", "&", "+", "-", "/", r"\odot", r"\\", r"\right", r"\biggr", r"\end", r"\wedge", None,
        *RELATIONS}


def read(formula):
    """The formula as a function: environment -> number, vector or matrix."""
    reader = Reader(formula)
    meaning = reader.sum()
    reader.expect(None)
    return meaning


class Reader(Tokens):
    def __init__(self, formula):
        super().__init__(formula)
        self.bars = False  # whether a bar would close

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
