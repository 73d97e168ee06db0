"""A peer that is a layer of PyTorch with the cell inside: torch.nn (oneDNN).

It takes x (T, B, I) and states (1, B, H), and answers y with the last states. A layer's parameter is a row of
symcell's, one after the other; what the cell does not have, the second bias of most gates, stays zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from symcell.bench.problem import Candidate, MissingError, Problem, Results, Work, load

Array = Any


@dataclass(frozen=True)
class Layer:
    """A class of layers, and for each of its parameters, in their order, symcell's names."""

    cls: str
    parameters: tuple[tuple[str, ...], ...]


def _gates(letters: str, gates: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(f"{letter}_{gate}" for gate in gates) for letter in letters)


TORCH_NN = {
    "rnn": Layer("RNN", (("W",), ("U",), ("b",), ("c",))),
    "lstm": Layer("LSTM", _gates("WUbc", "ifgo")),
    "gru": Layer("GRU", _gates("WUbc", "rzn")),
}


def torch_nn_candidate(problem: Problem) -> Candidate:
    """torch.nn.RNN, LSTM or GRU."""
    if problem.cell not in TORCH_NN:
        raise MissingError("has no such cell")
    torch, package = load("torch"), load("torch.nn")
    torch.set_num_threads(problem.threads)
    kind = TORCH_NN[problem.cell]
    x, dy = torch.tensor(problem.inputs["x"]).requires_grad_(), torch.tensor(problem.dy)
    layer = getattr(package, kind.cls)(x.shape[2], dy.shape[2]).to(x.dtype)
    _fill(torch, layer, kind, problem)
    names = [name for name in ("h", "c") if name in problem.state]
    initial = [torch.tensor(problem.state[name])[None].requires_grad_() for name in names]
    leaves = [x, *layer.parameters(), *initial]

    def run() -> Any:
        return layer(x, tuple(initial) if len(initial) > 1 else initial[0])

    def infer() -> Any:
        with torch.no_grad():
            return run()

    def train() -> Any:
        y, final = run()
        return y, final, torch.autograd.grad(y, leaves, dy)

    def read(found: Any) -> Results:
        y, final, *rest = found
        final = final if len(names) > 1 else (final,)
        results = {"y": y.detach().numpy()}
        results |= {f"final {n}": s.detach().numpy()[0] for n, s in zip(names, final, strict=True)}
        for dx, *others in rest:
            results["d x"] = dx.numpy()
            weights, states = others[:len(kind.parameters)], others[len(kind.parameters):]
            results |= {f"d {n}": part.numpy() for n, part in _parts(kind, weights, problem)}
            results |= {f"d initial {n}": s.numpy()[0] for n, s in zip(names, states, strict=True)}
        return results

    return Candidate("torch.nn", {"infer": Work(infer, read), "forward": Work(run, read),
                                  "training": Work(train, read)})


def _parts(kind: Layer, arrays: Any, problem: Problem) -> Iterator[tuple[str, Any]]:
    """Yield (symcell's parameter, its rows of the layer's array), for those that the cell has."""
    for array, names in zip(arrays, kind.parameters, strict=True):
        for name, part in zip(names, array.chunk(len(names)), strict=True):
            if name in problem.params:
                yield name, part


def _fill(torch: Any, layer: Any, kind: Layer, problem: Problem) -> None:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        for name, part in _parts(kind, layer.parameters(), problem):
            part.copy_(torch.tensor(np.asarray(problem.params[name])))
