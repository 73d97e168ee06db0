"""What every candidate is given, and the form in which it answers."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symcell.bench.packaged import Package
from symcell.bench.plan import Plan

Array = Any
Results = Mapping[str, Array]  # "y", "final h", "d x", "d W", "d initial h" -> array


@dataclass(frozen=True)
class Problem:
    """Inputs (T, B, dim), parameters, initial states (B, dim) and dy (T, B, dim) of one cell at one shape."""

    cell: str | None  # its name in the zoo, by which operators of other libraries are found; None: in no library
    T: int
    B: int
    dtype: str
    threads: int
    plan: Plan
    inputs: Mapping[str, Array]
    params: Mapping[str, Array]
    constants: Mapping[str, float]
    state: Mapping[str, Array]
    dy: Array
    package: Package | None = None  # the cell of torchrecurrent that is the same
    given: Mapping[str, float] | None = None  # constants that are not the cell's own

    @property
    def output(self) -> str:
        """The name of the output in the graph."""
        return self.plan.graph.outputs[0]

    def in_float64(self) -> Problem:
        """Return the same numbers in float64."""
        def wide(arrays: Mapping[str, Array]) -> dict[str, Array]:
            return {name: array.astype(np.float64) for name, array in arrays.items()}

        return replace(self, dtype="float64", inputs=wide(self.inputs), params=wide(self.params),
                       state=wide(self.state), dy=self.dy.astype(np.float64))


@dataclass(frozen=True)
class Work:
    """One thing to time, and how to read what it returns."""

    run: Callable[[], Any]
    read: Callable[[Any], Results]


@dataclass(frozen=True)
class Candidate:
    """A name, and work for some of the rows "infer", "forward", "training"."""

    name: str
    rows: Mapping[str, Work]
    exact: Callable[[str], Results] | None = None  # symcell's only: the results of a row in float64


TOLERANCES = {"float32": 3e-4, "float64": 1e-10}  # of a result's largest value
MAGNIFIED = 10.0  # times that, from the results in float64: an error in a formula shows in whole parts


class MissingError(Exception):
    """A candidate cannot take part: not installed, or without this cell. The message says which."""


def load(module: str) -> Any:
    """Import a framework, which is optional.

    Raises:
        MissingError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingError(f"not installed: pip install {error.name or module}") from None


def kernel_candidate(kernel: Any, problem: Problem) -> Candidate:
    """The kernel itself: inference from prepared parameters, as ONNX Runtime's session holds them."""
    single = len(problem.inputs) == 1
    x = next(iter(problem.inputs.values())) if single else dict(problem.inputs)
    ready = kernel.prepare(problem.params)

    def train() -> Any:
        run = kernel.forward(x, problem.params, problem.state, constants=problem.given)
        return run, kernel.backward(run, problem.dy)

    def finals(y: Array, state: Mapping[str, Array]) -> dict[str, Array]:
        return {"y": y} | {f"final {name}": array for name, array in state.items()}

    def gradients(pair: Any) -> Results:
        run, found = pair
        dx = {next(iter(problem.inputs)): found.x} if single else found.x
        named = {**dx, **found.params, **{f"initial {name}": array for name, array in found.state.items()}}
        return finals(run.y, run.state) | {f"d {name}": array for name, array in named.items()}

    def exact(row: str) -> Results:
        work = kernel_candidate(kernel.astype("float64"), problem.in_float64()).rows[row]
        return work.read(work.run())

    return Candidate("symcell", {
        "infer": Work(lambda: kernel.infer(x, ready, problem.state, constants=problem.given),
                      lambda pair: finals(*pair)),
        "forward": Work(lambda: kernel.forward(x, problem.params, problem.state, constants=problem.given),
                        lambda r: finals(r.y, r.state)),
        "training": Work(train, gradients),
    }, exact if problem.dtype == "float32" else None)


def compare(name: str, row: str, expected: Results, found: Results, dtype: str,
            exact: Callable[[], Results] | None = None) -> None:
    """Compare every quantity that the peer returns.

    Where the two differ by more than a cell's rounding usually comes to, `exact` tells who is right: a cell that
    divides by small numbers, as a normalisation does, magnifies it. Both must then be near to that.

    Raises:
        AssertionError: one differs by more than the precision explains, with peer, row and quantity.
    """
    tolerance = TOLERANCES[dtype]
    for quantity, theirs in found.items():
        error = _distance(theirs, expected[quantity])
        if error <= tolerance:
            continue
        if exact is not None:
            true = exact()[quantity]
            if all(_distance(each, true) <= MAGNIFIED * tolerance for each in (theirs, expected[quantity])):
                continue
        raise AssertionError(f"{name}, {row}: {quantity} differs from symcell's by {error:.2g} of its largest "
                             f"value, expected at most {tolerance:g}; nothing was timed")


def _distance(found: Array, expected: Array) -> float:
    """Return the largest difference, in parts of the largest value; NaN where there is one, or shapes differ."""
    found, expected = np.asarray(found), np.asarray(expected)
    if found.shape != expected.shape:
        return math.nan
    return float(np.max(np.abs(found - expected))) / max(1.0, float(np.max(np.abs(expected))))
