"""A peer that has most cells of the zoo: layers of torchrecurrent, which run a cell step by step in Python.

A layer takes x (T, B, I) and states (1, B, H), and answers y with the last states; where our weights lie in it is a
table, `symcell.bench.packaged`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from symcell.bench.packaged import Package, delayed, twice
from symcell.bench.problem import Candidate, MissingError, Problem, Results, Work, load

Array = Any


def torchrecurrent_candidate(problem: Problem) -> Candidate:
    """A layer of torchrecurrent, with our weights and its other biases zero."""
    package = problem.package
    if package is None:
        raise MissingError("has no such cell")
    if dict(package.constants) != {name: problem.constants[name] for name in package.constants}:
        raise MissingError("has it, compared with other constants only: python -m benchmarks --zoo")
    torch, library = load("torch"), load("torchrecurrent")
    torch.set_num_threads(problem.threads)
    x, dy = torch.tensor(problem.inputs["x"]).requires_grad_(), torch.tensor(problem.dy)
    layer = getattr(library, package.name)(x.shape[2], dy.shape[2], **package.options).to(x.dtype)
    _fill(torch, layer.cells[0], package, problem)
    initial = [torch.tensor(array)[None].requires_grad_() for array in problem.state.values()]
    weights = dict(layer.cells[0].named_parameters())
    leaves = [x, *weights.values(), *initial]

    def run() -> Any:
        return _sequence(torch, package, layer, x, initial)

    def infer() -> Any:
        with torch.no_grad():
            return run()

    def train() -> Any:
        y, final = run()
        return y, final, torch.autograd.grad(y, leaves, dy, allow_unused=True, materialize_grads=True)

    def read(found: Any) -> Results:
        y, final, *rest = found
        results = {"y": y.detach().numpy()}
        results |= {f"final {n}": s.detach().numpy() for n, s in zip(problem.state, final, strict=True)}
        for dx, *others in rest:
            arrays = [other.numpy() for other in others]
            results |= {"d x": dx.numpy(), **_gradients(package, problem, dict(zip(weights, arrays, strict=False)))}
            started = zip(problem.state, arrays[len(weights):], strict=True)
            results |= {f"d initial {name}": array[0] for name, array in started}
        return results

    return Candidate("torchrecurrent", {"infer": Work(infer, read), "forward": Work(run, read),
                                        "training": Work(train, read)})


def _sequence(torch: Any, package: Package, layer: Any, x: Any, initial: Sequence[Any]) -> tuple[Any, list[Any]]:
    """Return y (T, B, H) and the last states, (B, H) each."""
    if package.step is delayed:  # the layer knows of no delay
        values, outputs = [state[0] for state in initial], []
        for now in x:
            y, *values = package.step(layer.cells[0], now, *values)
            outputs.append(y)
        return torch.stack(outputs), values
    states = tuple(initial) * (2 if package.step is twice else 1)
    y, final = layer(x, states if len(states) > 1 else states[0])
    return y, [state[0] for state in (final if len(states) > 1 else (final,))][:len(initial)]


def _fill(torch: Any, cell: Any, package: Package, problem: Problem) -> None:
    tensors = dict(cell.named_parameters()) | dict(cell.named_buffers())
    with torch.no_grad():
        for name, tensor in tensors.items():
            value = package.weights.get(name, 0.0)
            if isinstance(value, float):
                tensor.fill_(value)
                continue
            for ours, part in _parts(value, tensor, problem):
                part.copy_(torch.tensor(np.atleast_1d(problem.params[ours]))) if ours else part.zero_()


def _parts(names: str, stacked: Any, problem: Problem) -> Iterator[tuple[str, Any]]:
    """Yield (our parameter, its rows of a stacked array); "" for rows that stay zero."""
    start = 0
    for name in names.split():
        rows = np.atleast_1d(problem.params[name]).shape[0] if name != "0" else problem.dy.shape[2]
        yield name.removeprefix("0"), stacked[start:start + rows]
        start += rows
    assert start == len(stacked), names


def _gradients(package: Package, problem: Problem, found: dict[str, Array]) -> dict[str, Array]:
    results: dict[str, Array] = {}
    for tensor, names in package.weights.items():
        for ours, part in _parts(names, found[tensor], problem) if isinstance(names, str) else ():
            if ours:
                shaped = part.reshape(np.shape(problem.params[ours]))
                results[f"d {ours}"] = results.get(f"d {ours}", 0) + shaped
    return results
