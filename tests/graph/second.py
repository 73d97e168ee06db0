"""The backward graph of a cell, as a function of its own that has an adjoint."""

import numpy as np

from symcell.graph.adjoint import adjoint
from symcell.graph.interpret import interpret
from symcell.proof.handwritten import NumPy
from tests.graph.cells import SIZES
from tests.oracle import Sample, graphs


class Second:
    """The backward graph of a cell as a function of all it reads, on random data, and the adjoint of that."""

    def __init__(self, cell, T=3, B=2):
        sample, random = Sample.draw(cell, T=T, B=B, seed=5, **SIZES), np.random.default_rng(2)
        forward, self.graph = graphs(cell)
        self.T, self.sizes, self.constants = T, sample.sizes, sample.constants

        def draw(value, *leading):
            return random.normal(size=(*leading, *(self.sizes[dim] for dim in value.dims)))

        trace = interpret(forward, T, sample.inputs(cell), {**sample.params, **sample.constants}, sample.state,
                          self.sizes)
        given = {v.name: trace.steps[v.name] for v in self.graph.with_role("saved")}
        given |= {v.name: draw(v, T, B) for v in self.graph.with_role("input")}
        self.fixed = [p.name for p in cell.spec.parameters if not p.learned]
        self.reads = {"steps": given, "params": sample.params,
                      "carries": {v.name: draw(v, B) for v in self.graph.with_role("carry")}}
        # A softmax of a matrix is shifted by a maximum, through which no gradient flows. That is right for what is made
        # of the softmax, and not for the sums inside it: there only what the author asked for, gradients, has weight.
        shifted = any(node.kind == "shift" for node in forward.once)
        learned = {self.graph.adjoints[p.name] for p in cell.spec.parameters if p.learned}
        self.weights = {
            "steps": {name: draw(self.graph.value(name), *(() if self.graph.is_whole(name) else (T,)), B)
                      for name in self.graph.outputs},
            "carries": {name: draw(self.graph.value(name), B) for name in self.reads["carries"]},
            "sums": {v.name: draw(v) * (v.name in learned or not shifted)
                     for v in self.graph.with_role("sum", "total")}}

    def run(self, reads):
        # Functions that take complex steps at kinks, too: NumPy's own abs of a complex number is its modulus.
        return interpret(self.graph, self.T, reads["steps"], {**reads["params"], **self.constants}, reads["carries"],
                         self.sizes, lambda function: NumPy().function(function.row.name))

    def loss(self, reads):
        trace = self.run(reads)
        return sum((weight * getattr(trace, part)[name]).sum()
                   for part, weights in self.weights.items() for name, weight in weights.items())

    def gradients(self):
        second, first = adjoint(self.graph), self.run(self.reads)
        names = second.adjoints
        steps = {v.name: first.steps[v.name] for v in second.with_role("saved")}
        steps |= {names[f"{name}.out"]: weight for name, weight in self.weights["steps"].items()}
        params = {**self.reads["params"], **self.constants, **first.sums}
        params |= {names[name]: weight for name, weight in self.weights["sums"].items()}
        pairs = list(zip(second.carries, self.graph.carries, strict=True))
        later = {ours.previous: self.weights["carries"][theirs.previous] for ours, theirs in pairs}
        trace = interpret(second, self.T, steps, params, later, self.sizes)
        return {
            "steps": {name: trace.steps[names[name]] for name in self.reads["steps"]},
            "params": {name: trace.sums[names[name]] for name in self.reads["params"] if name not in self.fixed},
            "carries": {theirs.previous: trace.carries[ours.previous] for ours, theirs in pairs}}
