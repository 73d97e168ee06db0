"""Compares printed equations with what the interpreter computes: the formulas are read back and evaluated.

The printed names of values are spelled out here, apart from the printer's own code.
"""

import numpy as np

from symcell.graph.interpret import interpret
from symcell.render.derivation import Derivation
from tests.oracle import Sample, graphs
from tests.render.reader import read, unsized

SPELLED = {
    "h_tilde": (r"\tilde{h}",), "c_hat": (r"\hat{c}",), "gamma": (r"\gamma",), "alpha": (r"\alpha",), "tau": (r"\tau",),
    **{word: (rf"\{word}",) for word in ("beta", "epsilon", "zeta", "nu")},
    "gate": (r"\mathit{gate}",), "a_gate": ("a", r"\mathrm{gate}"), "a_h_next": ("a", "h"), "a_y_next": ("a", "y"),
}  # fmt: skip


def key(name, time="", bar=False, plus=""):
    base, *below = SPELLED.get(name) or name.split("_")
    if base == "mu":  # the mean of a layer norm; of h.next it is that of h
        base, below = r"\mu", below[:1] if below[1:] == ["next"] else below
    below = below[:1] if base in "se" and below[1:] == ["next"] else below
    base = rf"\mathit{{{base}}}" if len(base) > 1 and base.isalpha() else base
    below = [rf"\mathrm{{{word}}}" if len(word) > 2 and word.isalpha() else word for word in below]
    if bar:
        base = rf"\overline{{{base}}}" if "mathit" in base else rf"\bar{{{base}}}"
    below = ",".join([*below, *([time] if time else [])])
    return unsized(base + (f"_{{{below}}}" if len(below) > 1 else f"_{below}" if below else "") + plus)


class Case:
    """A cell with values for everything that its derivation mentions."""

    def __init__(self, cell, T=3, B=2, seed=0, **sizes):
        self.cell, (self.forward, self.backward) = cell, graphs(cell)
        self.derivation = Derivation(cell.spec, self.forward, self.backward)
        self.sample = Sample.draw(cell, T=T, B=B, seed=seed, **sizes)
        self.T, self.B = T, B
        given = {**self.sample.params, **self.sample.constants}
        self.trace = interpret(
            self.forward, T, self.sample.inputs(cell), given, self.sample.state, self.sample.sizes)
        self.params = {**given, **self.trace.derived}
        self.swept = self._sweep()
        adjoints = self.backward.adjoints
        self.sums = {key(name, bar=True): self.swept.sums[adjoints[name]] for name in self.params if name in adjoints}
        self.rows = [self._row(t, b) for t in range(T) for b in range(B)]

    def _sweep(self):
        forward, backward = self.forward, self.backward
        steps = {value.name: self.trace.steps[value.name] for value in backward.with_role("saved")}
        steps[backward.adjoints[f"{forward.outputs[0]}.out"]] = self.sample.dy
        later = {back.previous: self.sample.dstate[carry.previous]
                 for back, carry in zip(backward.carries, forward.carries, strict=True)}
        return interpret(backward, self.T, steps, self.params, later, self.sample.sizes)

    def _row(self, t, b):
        row = {key(name): value for name, value in self.params.items()} | self.sample.sizes | {"j": "index"}
        for value in self.forward.values:
            if value.role in ("param", "constant", "derived") or value.anonymous:
                continue
            name, adjoint = value.name.removesuffix(".next"), self.backward.adjoints.get(value.name)
            time = "t-1" if value.role == "carry" else "t"
            row[key(name, time)] = number_or_vector(value, self.trace.steps[value.name][t, b])
            if adjoint is not None:
                bar = key(name, time, bar=True, plus="^+" if value.role == "carry" else "")
                row[bar] = number_or_vector(value, self.swept.steps[adjoint][t, b])
        for back, carry in zip(self.backward.carries, self.forward.carries, strict=True):
            row[key(carry.previous, "t", bar=True, plus="^+")] = self.swept.steps[back.previous][t, b]
        output = self.forward.outputs[0]
        own = self.backward.adjoints[output] == self.backward.adjoints[f"{output}.out"]
        taken = any(value.name == "y" for value in self.forward.values)
        seed = key(output, "t", bar=True) if own else r"\bar{y}_{\mathrm{out},t}" if taken else r"\bar{y}_t"
        row[seed] = self.sample.dy[t, b]
        return row

    def section(self, title):
        return next((section.equations for section in self.derivation.sections if section.title == title), ())

    def wrong(self, equations, rows=None):
        """The equations whose right sides do not have the values of the left sides."""
        rows = [dict(row) for row in self.rows] if rows is None else rows
        sums = {**self.params_row(), **self.sums, "rows": rows, "size": self.sample.sizes["H"]}
        wrong = []
        for equation in equations:
            left, right = unsized(equation.left), read(equation.right)
            if left in self.sums:
                if not close(right(sums), self.sums[left]):
                    wrong.append(equation)
                continue
            if left.startswith(r"\overline") and left not in rows[0]:  # of what has no name: this equation defines it
                try:
                    sums[left] = right(sums)
                    continue
                except KeyError:
                    pass  # it changes from step to step
            for row in rows:
                value = right(row)
                if left not in row:  # the adjoint of a formula: this equation defines it
                    assert left.startswith(r"\overline"), f"{left} is no value of the cell"
                    row[left] = value
                elif not close(value, row[left]):
                    wrong.append(equation)
                    break
        return wrong

    def params_row(self):
        return {key(name): value for name, value in self.params.items()} | self.sample.sizes | {"j": "index"}


def number_or_vector(value, array):
    """The components of a value of one row; of a number per row the number."""
    return array if value.is_vector else array[0]


def close(got, expected):
    return np.shape(got) in (np.shape(expected), ()) and np.allclose(got, expected, rtol=1e-10, atol=1e-12)
