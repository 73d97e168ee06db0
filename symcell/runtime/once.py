"""What generated modules compute with NumPy once per call."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def added(first: Array, second: Array) -> Array:
    """Return the sum of two gradients; NaN and infinity pass in silence, as through the compiled part."""
    with np.errstate(all="ignore"):
        total: Array = first + second
    return total


def all_of(total: Array) -> Array:
    """Return the sum over the components of a gradient, of shape (): that of a number."""
    with np.errstate(all="ignore"):
        return total.sum(keepdims=True).reshape(())


def blocks(count: int, rows: int, cols: int) -> Array:
    """Return the matrix (rows, cols) with 1 in `count` blocks along the diagonal, and 0 elsewhere, in float64."""
    return np.equal.outer(np.arange(rows) * count // rows, np.arange(cols) * count // cols).astype(np.float64)
