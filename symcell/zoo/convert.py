"""Weights in the concatenated form, W [h, x], to the split form of the zoo, W x + U h. NumPy only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def split_concatenated(weights: Mapping[str, Array], order: str = "hx", *, state: int | None = None,
                       keep: Collection[str] = ("W_y",)) -> dict[str, Array]:
    """Split each matrix W or W_k that applies to [h, x] into W, for x, and U, for h.

    Everything else (biases, peepholes) is copied under its own name, so what comes out are parameters of
    the cell in split form: `kernel.forward(x, split_concatenated(weights))`. The candidate of "gru" has no
    concatenated form, since r scales its U h alone; that of "gru_reset_before" is W_n [r*h, x].

    Args:
        weights: by name; W_k is (rows, H + I), as in W_k @ concatenate([h, x]).
        order: "hx" where h comes first in the concatenation, "xh" where x does.
        state: H, the size of h; left out, each matrix has as many rows as h has elements, as gates do.
        keep: names that begin with W but do not apply to [h, x]: the matrix of the zoo's output layers.

    Returns:
        New arrays of the same dtype: W_k (rows, I), U_k (rows, H), and the copies.

    Raises:
        ValueError: an unknown order, a matrix that leaves no columns for x, or two weights for one name.
    """
    if order not in ("hx", "xh"):
        raise ValueError(f'order is "hx" (h first) or "xh" (x first); got {order!r}.')
    split: dict[str, Array] = {}
    for name, value in weights.items():
        array, parts = np.asarray(value), {}
        if (name == "W" or name.startswith("W_")) and name not in keep:
            W, U = _columns(name, array, order, state)
            parts = {name: W, "U" + name[1:]: U}
        for key, part in (parts or {name: array}).items():
            if key in split:
                raise ValueError(
                    f"{key} comes twice: once as given, once from splitting a matrix into W and U. "
                    "Name the matrices that do not apply to [h, x] in keep.")
            split[key] = part.copy()
    return split


def _columns(name: str, array: Array, order: str, state: int | None) -> tuple[Array, Array]:
    """Return the columns of x and those of h."""
    H = array.shape[0] if state is None and array.ndim else state
    if array.ndim != 2 or H is None or not 0 < H < array.shape[1]:
        raise ValueError(
            f"{name} has the shape {array.shape}; expected (rows, H + I) with H = {H} and I of at least 1. "
            "Give state=H if the rows are not H, or name it in keep if it does not apply to [h, x].")
    if order == "hx":
        return array[:, H:], array[:, :H]
    return array[:, : array.shape[1] - H], array[:, array.shape[1] - H :]
