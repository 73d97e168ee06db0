"""Sizes of dimensions, as C or Python text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from symcell.declare.symbols import ROW

IN_C = "c->n_"


def size(dim: str, prefix: str = IN_C) -> str:
    """Return the size of a dimension; a number per row takes one place."""
    return "1" if dim == ROW else prefix + dim


def extent(dims: Iterable[str], prefix: str = IN_C) -> str:
    """Return the sum of the sizes of dimensions side by side, as a term of other sums: 2 * c->n_H + c->n_I."""
    counts = Counter(size(dim, prefix) for dim in dims)
    return " + ".join(str(count) if one == "1" else one if count == 1 else f"{count} * {one}"
                      for one, count in counts.items()) or "0"


def factor(dims: Iterable[str], prefix: str = IN_C) -> str:
    """Return the same sum as a factor of a product."""
    text = extent(dims, prefix)
    return f"({text})" if " " in text else text


def short(dims: Iterable[str]) -> str:
    """Return the dimensions as a part of a name: 2H_I."""
    return "_".join(dim if count == 1 else f"{count}{dim}" for dim, count in Counter(dims).items())
