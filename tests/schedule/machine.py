"""Runs a Program as it is written, stage by stage and chunk by chunk, in NumPy and with the buffers it names.

A value that no buffer holds exists in its own stage only; a buffer of few slots is overwritten as the real one is.
Everything starts as NaN, so what is read before it is written shows.
"""

import numpy as np

from symcell.declare.symbols import ROW
from symcell.graph.evaluate import evaluate, number
from symcell.graph.reductions import counts, reduced


class Machine:
    """One pass on given data; `wide` holds every array that outlives the chunks, by buffer."""

    def __init__(self, made, T, chunk, sizes, params, mode="train"):
        self.made, self.T, self.chunk, self.mode = made, T, chunk, mode
        self.sizes, self.params = {**sizes, ROW: 1}, {**params, **counts(made.graph, sizes, number)}
        self.slots = {"all": T, "history": T + 1, "ring": 2, "chunk": chunk, "step": 1}
        self.memory = {b.name: np.full((self.slots[kind], sizes["B"], sum(self.sizes[d] for d in b.width)), np.nan)
                       for b in made.buffers if (kind := getattr(b, mode)) is not None}
        self.sums = {b.name: 0.0 for b in made.buffers if b.accumulates}

    def at(self, name, t):
        """The rows of a value at step t, as a view of its buffer."""
        place = self.made.places[name]
        kind = getattr(self.made.buffer(place.buffer), self.mode)
        start = sum(self.sizes[dim] for dim in place.before)
        slot = {"all": t, "history": t + place.shift, "ring": (t + place.shift) % 2, "chunk": t % self.chunk,
                "step": 0}[kind]
        return self.memory[place.buffer][slot, :, start:start + self.sizes[place.dim]]

    def rows(self, name):
        """A value at all steps, one row each."""
        if name in self.params:
            return np.broadcast_to(self.params[name], (self.T * self.sizes["B"], len(self.params[name])))
        return np.concatenate([self.at(name, t) for t in range(self.T)])

    def stage(self, stage, t):
        env = {name: self.params[name] if name in self.params else self.at(name, t) for name in stage.reads}
        for panel in stage.panels:
            for name, terms in panel.accumulators:
                assert tuple(term.operand for term in terms) == panel.operands
                env[name] = sum(self.at(term.operand, t) @ (
                    self.params[term.matrix] if term.transposed else self.params[term.matrix].T) for term in terms)
        for assign in stage.body:
            env[assign.name] = evaluate(assign.expression, env)
        for node in stage.reductions:
            env[node.out] = reduced(node.kind, env[node.operand], number)
        for name in stage.writes:
            place = self.made.places.get(name)
            if place is not None and place.buffer in self.memory:
                self.at(name, t)[...] = env[name]
                if place.buffer in self.sums:
                    self.sums[place.buffer] = self.sums[place.buffer] + self.at(name, t).sum(axis=0)

    def run(self):
        starts, order = range(0, self.T, self.chunk), -1 if self.made.graph.reverse else 1
        for start in starts[::order]:
            steps = range(start, min(start + self.chunk, self.T))[::order]
            for phase in self.made.phases:
                if phase.kind == "loop":
                    for t in steps:
                        for stage in phase.stages:
                            self.stage(stage, t)
                else:
                    for stage in phase.stages:
                        for t in steps:
                            self.stage(stage, t)

    def gradients(self):
        """The sums over time, by name."""
        graph = self.made.graph
        found = {v.name: np.zeros(tuple(self.sizes[dim] for dim in v.dims)) for v in graph.with_role("sum")}
        for product in self.made.products:
            left = np.concatenate([self.rows(name) for name in product.lefts], axis=1)
            for right, outs in zip(product.rights, product.outs, strict=True):
                stacked, row = left.T @ self.rows(right), 0
                for out in outs:
                    found[out] += stacked[row:row + len(found[out])]
                    row += len(found[out])
        for total in (total for product in self.made.products for total in product.sums):
            rows = self.sums[total.operand][None] if total.operand in self.sums else self.rows(total.operand)
            found[total.out] += rows.sum() if total.scalar else rows.sum(axis=0)
        return found
