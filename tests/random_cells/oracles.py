"""What every random cell must pass. Each check returns "" where all is well, or says what is wrong.

The gradient is compared with complex steps of the declaration itself, run by `symcell.proof.handwritten`: functions
written anew, no graph, no adjoint. A complex step looks at real parts, so that it is exact beside a kink, and random
data do not lie on one.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

import symcell
from symcell import Cell, CellError
from symcell.compiler import stages
from symcell.declare.spec import CellSpec
from symcell.graph.adjoint import adjoint
from symcell.graph.ir import Graph
from symcell.graph.lower import lower
from symcell.proof.handwritten import run_declaration
from symcell.proof.problem import Problem, random_problem, run_graphs
from symcell.proof.result import FINAL, OUTPUT, Results
from tests.random_cells.generator import Drawn
from tests.random_cells.noise import change

STEP = 1e-30
TOLERANCE = 1e-10
MODERATE = 1e4  # beyond it the rounding of one step is no longer small after some others
ATTEMPTS = 8
NO_POINT = "no random point at which the cell is finite and of moderate size"
BY_ROUNDING = "at each of some random points rounding decides a comparison"
POINTS = 4
NO_FORM = "has no form in a document"


def check(drawn: Drawn, seed: int = 0) -> str:
    """Run a cell through graph, interpreter and document; return "", or the name of what could not be checked.

    Raises:
        AssertionError: something is wrong.
    """
    if drawn.cell is None:
        raise CellError(drawn.refused)
    spec = drawn.cell.spec
    forward = lower(spec)
    backward = adjoint(forward)
    skipped = check_document(drawn.cell, forward, backward)
    for attempt in range(POINTS):
        problem = finite_problem(spec, drawn.small, seed + attempt)
        if problem is None:
            return NO_POINT
        derived = run_graphs(forward, backward, problem)
        try:
            values(spec, problem, derived)
            gradients(spec, problem, derived)
        except AssertionError:
            # A comparison of what differs by rounding only: neither side is right.
            if not change(forward, backward, problem, derived) > TOLERANCE:
                raise
        else:
            return skipped
    return BY_ROUNDING


def check_texts(drawn: Drawn) -> str:
    """Everything that is printed of a cell comes without an error."""
    if drawn.cell is None:
        raise CellError(drawn.refused)
    found = stages(drawn.cell)
    assert all(map(str, (found.forward, found.backward, found.program))), "an empty text"
    derivation = symcell.derive(drawn.cell)
    assert all((found.source.files, derivation.latex(standalone=True), derivation.markdown())), "an empty text"
    return ""


def finite_problem(spec: CellSpec, sizes: dict[str, int], seed: int, dtype: Any = np.float64) -> Problem | None:
    """Random data at which the declaration, and its derivative in a random direction, are of moderate size."""
    inner = {dim: size for dim, size in sizes.items() if dim != "T"}
    inner |= {dim: 2 for dim in spec.dims if dim not in inner}
    for attempt in range(ATTEMPTS):
        problem = random_problem(spec, sizes["T"], inner, seed * ATTEMPTS + attempt, attempt % 2 == 1,
                                 0.25 if attempt >= ATTEMPTS // 2 else 1.0, 1.0, dtype)
        try:
            with np.errstate(all="raise", under="ignore"):
                run_declaration(spec, problem)  # tanh(log(0)) is finite, and has no derivative
        except FloatingPointError:
            continue
        with np.errstate(all="ignore"):
            results = run_declaration(spec, along(problem, directions(problem, 0)))
        if all(np.all(np.abs(array.real) < MODERATE) and np.all(np.abs(array.imag) < MODERATE * STEP)
               for array in map(np.asarray, results.values())):
            return problem
    return None


def directions(problem: Problem, seed: int) -> dict[tuple[str, str], Any]:
    """A random direction for everything that gradients are taken by."""
    random = np.random.default_rng(seed)
    return {key: random.normal(size=at.shape) for key, at in problem.variables.items()}


def along(problem: Problem, moves: dict[tuple[str, str], Any]) -> Problem:
    """The problem one complex step further in these directions."""
    for key, move in moves.items():
        problem = problem.with_variable(key, problem.variables[key] + 1j * STEP * move)
    return problem


def values(spec: CellSpec, problem: Problem, derived: Results) -> None:
    """Outputs and final states are those of the declaration."""
    with np.errstate(all="ignore"):
        for key, expected in run_declaration(spec, problem).items():
            assert_near(np.asarray(derived[key]), np.asarray(expected), f"{key[0]} {key[1]}")


def gradients(spec: CellSpec, problem: Problem, derived: Results) -> None:
    """The gradient by everything at once, then by each: one wrong array shows in both, and the second names it."""
    moves = directions(problem, 1)
    if off(spec, problem, derived, moves):
        wrong = [f"{group} {name}" for (group, name), move in moves.items()
                 if off(spec, problem, derived, {(group, name): move})]
        raise AssertionError(f"wrong: {', '.join(wrong) or 'the sum of all gradients only'}")


def off(spec: CellSpec, problem: Problem, derived: Results, moves: dict[tuple[str, str], Any]) -> bool:
    """Whether the derivative in these directions is not that of the declaration."""
    with np.errstate(all="ignore"):
        results = run_declaration(spec, along(problem, moves))
    final = {name: results[FINAL, name] for name in problem.dstate}
    expected = float(np.imag(problem.loss(results[OUTPUT, "y"], final))) / STEP
    terms = [derived[key] * move for key, move in moves.items()]
    got, size = sum(float(term.sum()) for term in terms), sum(float(np.abs(term).sum()) for term in terms)
    return not abs(got - expected) <= TOLERANCE * max(1.0, size, abs(expected))


def assert_near(got: Any, expected: Any, what: str) -> None:
    """Compare shape and entries; NaN fails."""
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    error = float(np.max(np.abs(got - expected), initial=0.0))
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    assert math.isfinite(error), f"{what}: not finite"
    assert error <= TOLERANCE * scale, f"{what}: error {error / scale:.2e}"


def check_document(cell: Any, forward: Graph, backward: Graph) -> str:
    """The cell comes back from its document as it was; return "", or why it has none."""
    try:
        text = cell.to_json()
    except CellError as error:
        if NO_FORM not in str(error):
            raise
        return NO_FORM
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", symcell.UnusedParameterWarning)
        back = Cell.from_json(text)
    assert back.to_json() == text, "the document of what came back is another"
    assert str(back.spec) == str(cell.spec), f"another cell came back:\n{back.spec}"
    again = lower(back.spec)
    assert (str(again), str(adjoint(again))) == (str(forward), str(backward)), "another graph came back"
    return ""
