"""Oracle 5: a compiled kernel against the float64 interpreter. It finds errors of schedule, tape and generated code.

The data are exact in the kernel's dtype, so that only the kernel's own rounding counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from symcell.declare.spec import CellSpec
from symcell.graph.adjoint import adjoint
from symcell.graph.lower import lower
from symcell.proof.kinks import clear_problem
from symcell.proof.problem import Problem, run_graphs
from symcell.proof.result import D_INPUT, D_PARAM, D_STATE, FINAL, OUTPUT, Outcome, Results, compare
from symcell.proof.rounding import changes

Array = Any
SHAPES = (  # (T, B, I, H): fills no vector; fills some; one of everything; whole vectors; nothing at all
    (4, 7, 13, 5), (2, 3, 5, 50), (3, 1, 1, 1), (5, 2, 16, 32), (0, 2, 3, 4), (2, 0, 3, 4),
)
CHUNKS = (2, 3)  # steps of the forward and backward chunks that the shapes run in a second time
_ODD = (3, 7, 11, 17)  # sizes of dimensions other than I and H
FLOOR = 0.1  # a gradient that cancels to below a tenth of the data's size 1 has rounding errors of terms of size 1
TIMES = 16  # what a kernel may differ by, in changes by noise
WORTHLESS = 0.01  # no array may differ by more, whatever noise changes


def tolerance(dtype: Any, sizes: Mapping[str, int], T: int) -> float:
    """What rounding may add up to, relative to the largest entry of an array.

    A dot product of n terms of random sign errs by about sqrt(n) * eps of its size; the longest here is over a
    dimension, or over T*B rows in a parameter's gradient. Each of T steps passes its error on and adds its own: a
    factor T, as random weights of norm about 1 neither damp nor amplify. exp and tanh err by some 2 eps, and a
    chain of ten operations per step by some ten: together the factor 16.
    """
    longest = max([T * sizes["B"], *sizes.values()])
    return 16 * float(np.finfo(dtype).eps) * (longest**0.5) * max(1, T)


def sizes_of(spec: CellSpec, shape: tuple[int, int, int, int]) -> dict[str, int]:
    """Sizes of all dimensions, and B."""
    _, B, I, H = shape
    others = [dim for dim in spec.dims if dim not in ("I", "H")]
    return {"B": B, "I": I, "H": H, **{dim: _ODD[k % len(_ODD)] for k, dim in enumerate(others)}}


def check(spec: CellSpec, kernel: Any, name: str = "") -> list[Outcome]:
    """Compare forward, backward and infer at all shapes, and the parameters that init_params makes.

    Each group of arrays has one row: that of the shape at which it comes nearest to its tolerance, or fails worst.

    kernel: anything with the methods and the dtype of a kernel. name: what its row is called.
    """
    oracle = f"kernel {name or np.dtype(kernel.dtype)}"
    by_shape = [_check_shape(spec, kernel, oracle, shape) for shape in SHAPES]
    # So short a sequence is one chunk otherwise, and errors at borders would hide.
    by_shape += [_check_shape(spec, kernel, oracle, shape, CHUNKS) for shape in SHAPES if shape[0] > CHUNKS[0]]
    groups: dict[str, list[Outcome]] = {}
    for row in (row for rows in by_shape for row in rows):
        groups.setdefault(row.what.partition(",")[0], []).append(row)
    return [_check_init(spec, kernel, oracle), *(max(rows, key=_badness) for rows in groups.values())]


def _badness(row: Outcome) -> float:
    """How near to its tolerance, or how far beyond it; NaN is worst."""
    return np.inf if np.isnan(row.error) else row.error / row.tolerance


def _check_init(spec: CellSpec, kernel: Any, oracle: str) -> Outcome:
    """Every parameter has the declared shape and the kernel's dtype, and is finite."""
    sizes = sizes_of(spec, SHAPES[0])
    made = kernel.init_params(seed=0, **{dim: sizes[dim] for dim in spec.dims})
    expected = {(D_PARAM, p.name): np.zeros([sizes[dim] for dim in p.dims], kernel.dtype) for p in spec.parameters}
    found = {(D_PARAM, name): np.asarray(array) * np.zeros((), np.asarray(array).dtype) for name, array in made.items()}
    rows = compare(oracle, found, expected, 0.0, "shapes, dtypes, finite", dtype=kernel.dtype)
    if not rows:
        return Outcome(oracle, "initial parameters", 0.0, 0.0, "the cell has none")
    return replace(rows[0], what=rows[0].what.replace(D_PARAM, "initial parameters"))


def _check_shape(spec: CellSpec, kernel: Any, oracle: str, shape: tuple[int, int, int, int],
                 chunks: tuple[int | None, int | None] = (None, None)) -> list[Outcome]:
    T, sizes, forward = shape[0], sizes_of(spec, shape), lower(spec)
    dtype = np.dtype(kernel.dtype)
    allowed = tolerance(dtype, sizes, T)
    # Rounding must not carry a value across a kink: the gradient would jump.
    problem = clear_problem(spec, forward, T, sizes, 4 * allowed, dtype, constants=1.25)
    backward = adjoint(forward)
    expected = dict(run_graphs(forward, backward, problem))
    found = run_kernel(kernel, problem, chunks)
    shown = ", ".join(f"{dim}={size}" for dim, size in {"T": T, **sizes}.items() if dim in ("T", "B", *spec.dims))
    how = f"against the float64 interpreter, {len(SHAPES)} shapes, worst {shown}"

    def rows(wider: Mapping[tuple[str, str], float]) -> list[Outcome]:
        return compare(oracle, found, with_inference(expected), allowed, how, floor=FLOOR, dtype=dtype, wider=wider)

    first = rows({})
    if all(row.passed for row in first):
        return first
    by_noise = with_inference(changes(forward, backward, problem, expected, dtype, FLOOR))
    return rows({key: min(TIMES * change, WORTHLESS) for key, change in by_noise.items()})


def with_inference(results: Mapping[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
    """The results, with outputs and final states once more as those of `infer`."""
    again = {(group, f"{name} of infer"): array for (group, name), array in results.items() if group in (OUTPUT, FINAL)}
    return {**results, **again}


def run_kernel(kernel: Any, problem: Problem, chunks: tuple[int | None, int | None] = (None, None)) -> Results:
    """What a kernel makes of a problem: forward and infer, then backward, with these lengths of chunks."""

    def cast(arrays: Mapping[str, Array]) -> dict[str, Array]:
        return {name: np.asarray(array).astype(kernel.dtype) for name, array in arrays.items()}

    inputs, params, state = cast(problem.inputs), cast(problem.params), cast(problem.state)
    x = inputs if len(inputs) > 1 else next(iter(inputs.values()))
    constants = {name: float(value) for name, value in problem.constants.items()}
    given: dict[str, Any] = {"constants": constants} if constants else {}
    kernel.chunk = chunks[0]
    run = kernel.forward(x, params, state, **given)
    y, last = kernel.infer(x, params, state, **given)
    kernel.chunk = chunks[1]
    grads = kernel.backward(run, problem.dy.astype(kernel.dtype), cast(problem.dstate))
    kernel.chunk = None
    dx = grads.x if isinstance(x, dict) else {next(iter(inputs)): grads.x}
    results = {(OUTPUT, "y"): run.y, (OUTPUT, "y of infer"): y}
    for group, arrays in ((FINAL, run.state), (D_INPUT, dx), (D_PARAM, grads.params), (D_STATE, grads.state)):
        results |= {(group, name): array for name, array in arrays.items()}
    return results | {(FINAL, f"{name} of infer"): array for name, array in last.items()}
