"""The trial of a registered function: its derivatives against differences of its NumPy form."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import sympy
from sympy.core import relational
from sympy.logic import boolalg

from symcell.declare.errors import CellError
from symcell.declare.functions import Elementwise, Function

Array = Any
POINTS = 64
COMPLEX, CENTRAL = 1e-10, 1e-6  # what complex steps and central differences agree to
STEP = 1e-6  # to each side, of the width of the domain
FEWEST = 8  # points at which the function is finite
_OPERATIONS: Mapping[type, Callable[[Any, Any], Any]] = {
    sympy.Add: operator.add, sympy.Mul: operator.mul, sympy.Pow: operator.pow,
    boolalg.And: np.logical_and, boolalg.Or: np.logical_or,
    relational.StrictGreaterThan: np.greater, relational.GreaterThan: np.greater_equal,
    relational.StrictLessThan: np.less, relational.LessThan: np.less_equal,
    relational.Equality: np.equal, relational.Unequality: np.not_equal,
}


class Trial:
    """Random points of the domain, the same in each session, and the function's values there."""

    def __init__(self, row: Function, domain: tuple[float, float]) -> None:
        """Evaluate the NumPy form.

        Raises:
            CellError: it fails, or gives no float64 array of the shape of its arguments, or is finite almost nowhere.
        """
        self.row, self.where = row, f"register_function: {row.name}"
        low, high = _bounds(self.where, domain)
        points = np.random.default_rng(0).uniform(low, high, (len(row.partials), POINTS))
        values = self._numpy(*points)
        finite = np.isfinite(values)
        if finite.sum() < FEWEST:
            raise CellError(f"{self.where}: `numpy` is finite at {finite.sum()} of {POINTS} points between {low:g} and "
                            f"{high:g}; give the domain= in which it is.")
        self.points, self.values = list(points[:, finite]), values[finite]
        self.width = high - low

    def check(self, formulas: Sequence[sympy.Expr]) -> bool:
        """Compare each derivative; say whether complex steps hold for the NumPy form.

        Raises:
            CellError: a derivative is not that of the NumPy form.
        """
        names = {f"a{index}": point for index, point in enumerate(self.points)} | {"y": self.values}
        analytic = True
        for index, formula in enumerate(formulas):
            with np.errstate(all="ignore"):
                ours = np.broadcast_to(np.asarray(_evaluate(formula, names), dtype=np.float64), self.values.shape)
                sides, exact = self._sides(index), self._complex(index)
                analytic &= exact is not None and not self._wrong(exact, sides, CENTRAL).any()
                self._compare(index, ours, (exact, exact) if analytic else sides, COMPLEX if analytic else CENTRAL)
        return bool(analytic)

    def same_values(self, numpy: Callable[..., Any]) -> bool:
        """Say whether another NumPy form gives the same values."""
        with np.errstate(all="ignore"):
            return np.array_equal(numpy(*self.points), self.values)

    def _compare(self, index: int, ours: Array, sides: tuple[Array, Array], tolerance: float) -> None:
        wrong = self._wrong(ours, sides, tolerance)
        if not wrong.any():
            return
        first = int(np.argmax(wrong))
        at = ", ".join(f"{point[first]:.4g}" for point in self.points)
        how = "complex steps" if tolerance == COMPLEX else "central differences"
        expected = (sides[0][first] + sides[1][first]) / 2
        raise CellError(f"{self.where}: the derivative by argument {index} is not that of `numpy`: at ({at}) expected "
                        f"{expected:.6g}, by {how}, got {ours[first]:.6g}; {wrong.sum()} of {len(wrong)} points "
                        "differ. Correct one of the two.")

    def _wrong(self, ours: Array, sides: tuple[Array, Array], tolerance: float) -> Array:
        """Say where a slope lies outside of those to both sides: at a kink they differ, elsewhere by rounding only.

        Digits count as the derivative's largest value, or 1, has them: between its zeros it may be small everywhere.
        """
        low, high = np.minimum(*sides), np.maximum(*sides)
        there = np.isfinite(low) & np.isfinite(high)
        if there.sum() < FEWEST:
            raise CellError(f"{self.where}: the differences of `numpy` are finite at {there.sum()} of {len(there)} "
                            "points; give the domain= in which they are.")
        size = np.maximum(np.abs(low), np.abs(high))
        apart = self.width if tolerance == COMPLEX else self.width * STEP
        rounding = 16 * np.finfo(np.float64).eps * np.abs(self.values) / apart
        allowed = tolerance * np.maximum(size, min(1.0, size[there].max())) + rounding
        return there & ~((ours >= low - allowed) & (ours <= high + allowed))

    def _sides(self, index: int) -> tuple[Array, Array]:
        """Return the slopes to the left and to the right of each point."""
        at, slopes = self.points[index], []
        for moved in (at - self.width * STEP, at + self.width * STEP):
            values = self._numpy(*self.points[:index], moved, *self.points[index + 1:])
            slopes.append((values - self.values) / (moved - at))
        return slopes[0], slopes[1]

    def _complex(self, index: int) -> Array | None:
        moved = list(self.points)
        moved[index] = moved[index] + 1e-20j
        try:
            found = np.asarray(self.row.numpy(*moved))
        except Exception:  # many functions take real numbers only
            return None
        complete = np.iscomplexobj(found) and found.shape == self.values.shape
        return found.imag / 1e-20 if complete else None

    def _numpy(self, *points: Array) -> Array:
        try:
            with np.errstate(all="ignore"):
                found = self.row.numpy(*points)
        except Exception as error:
            raise CellError(f"{self.where}: `numpy` fails on arrays of float64: {type(error).__name__}: {error}."
                            ) from error
        if not isinstance(found, np.ndarray) or found.shape != points[0].shape or found.dtype != np.float64:
            got = f"{found.dtype} {found.shape}" if isinstance(found, np.ndarray) else type(found).__name__
            raise CellError(f"{self.where}: `numpy` is expected to give a float64 array of the shape {points[0].shape} "
                            f"of its arguments; got {got}.")
        return found


def _bounds(where: str, domain: Any) -> tuple[float, float]:
    try:
        low, high = map(float, domain)
    except (TypeError, ValueError, OverflowError):
        low, high = np.inf, -np.inf
    # Between numbers closer than that, a step to the side of a point would be lost in rounding.
    if not low < high or not max(1e-6 * max(abs(low), abs(high)), 1e-280) < high - low < np.inf:
        raise CellError(f"{where}: `domain` is two numbers, the lower first, a millionth of the larger apart or more, "
                        f"and at most 1.7e308; got {domain!r}.")
    return low, high


def _evaluate(node: sympy.Basic, names: Mapping[str, Array]) -> Array:
    if isinstance(node, sympy.Symbol):
        return names[node.name]
    if not node.args:
        return float(node)
    arguments = [_evaluate(argument, names) for argument in node.args]
    if isinstance(node, Elementwise):
        return node.row.numpy(*arguments)
    if isinstance(node, boolalg.Not):
        return np.logical_not(arguments[0])
    return reduce(_OPERATIONS[node.func], arguments)
