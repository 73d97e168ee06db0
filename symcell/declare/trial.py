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
        try:
            low, high = map(float, domain)
        except (TypeError, ValueError):
            low, high = np.inf, -np.inf
        if not (np.isfinite([low, high]).all() and low < high):
            raise CellError(f"{self.where}: `domain` is two numbers, the lower first; got {domain!r}.")
        points = np.random.default_rng(0).uniform(low, high, (len(row.partials), POINTS))
        values = self._numpy(*points)
        finite = np.isfinite(values)
        if finite.sum() < FEWEST:
            raise CellError(f"{self.where}: `numpy` is finite at {finite.sum()} of {POINTS} points between {low:g} and "
                            f"{high:g}; give the domain= in which it is.")
        self.points, self.values = list(points[:, finite]), values[finite]
        self.step = (high - low) * 1e-5

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
                central, exact = self._central(index), self._complex(index)
            analytic &= exact is not None and _close(exact, central, CENTRAL).all()
            expected, tolerance = (exact, COMPLEX) if analytic else (central, CENTRAL)
            self._compare(index, ours, expected, tolerance)
        return bool(analytic)

    def same_values(self, numpy: Callable[..., Any]) -> bool:
        """Say whether another NumPy form gives the same values."""
        with np.errstate(all="ignore"):
            return np.array_equal(numpy(*self.points), self.values)

    def _compare(self, index: int, ours: Array, expected: Array, tolerance: float) -> None:
        wrong = ~_close(ours, expected, tolerance) & np.isfinite(expected)
        # A point within one step of a kink has a difference of both sides; a wrong derivative is wrong at many points.
        if wrong.sum() <= (2 if tolerance == CENTRAL else 0):
            return
        first = int(np.argmax(wrong))
        at = ", ".join(f"{point[first]:.4g}" for point in self.points)
        how = "complex steps" if tolerance == COMPLEX else "central differences"
        raise CellError(f"{self.where}: the derivative by argument {index} is not that of `numpy`: at ({at}) expected "
                        f"{expected[first]:.6g}, by {how}, got {ours[first]:.6g}; {wrong.sum()} of {len(wrong)} points "
                        "differ. Correct one of the two.")

    def _central(self, index: int) -> Array:
        up, down = (list(self.points) for _ in range(2))
        up[index], down[index] = up[index] + self.step, down[index] - self.step
        return (self._numpy(*up) - self._numpy(*down)) / (2 * self.step)

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


def _close(a: Array, b: Array, tolerance: float) -> Array:
    return np.abs(a - b) <= tolerance * np.maximum(1.0, np.abs(b))


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
