"""Initial parameters, as the declaration asks."""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from symcell.runtime.arguments import Array, check_bytes, check_size, unknown


def init_params(metadata: Mapping[str, Any], dtype: np.dtype[Any], seed: int,
                dims: Mapping[str, object]) -> dict[str, Array]:
    """Return a full set of parameters for these sizes.

    Raises:
        TypeError, ValueError: a size is missing, unknown, or no positive integer.
    """
    for name in dims:
        if name not in metadata["dims"]:
            raise TypeError(f"{metadata['cell']}: init_params: {unknown('dimension', name, metadata['dims'])}")
    missing = [name for name in metadata["dims"] if name not in dims]
    if missing:
        raise TypeError(f"{metadata['cell']}: init_params needs the size{'s' if len(missing) > 1 else ''} "
                        f"{', '.join(missing)}, for instance {missing[0]}=64.")
    sizes = {name: check_size(name, size) for name, size in dims.items()}
    if isinstance(seed, bool) or not isinstance(seed, numbers.Integral) or seed < 0:
        raise TypeError(f"{metadata['cell']}: init_params: seed={seed!r} is not an integer of at least 0.")
    random = np.random.default_rng(int(seed))
    result = {}
    for name, parameter in metadata["params"].items():
        shape = tuple(sizes[dim] for dim in parameter["dims"])
        count = 8
        for size in shape:
            count *= size
        check_bytes(count, name)
        result[name] = np.array(_draw(parameter["init"], shape, random), dtype, order="C")
    return result


def _draw(init: str | float, shape: tuple[int, ...], random: np.random.Generator) -> Any:
    if not isinstance(init, str):
        return np.full(shape, init)
    if init == "identity":
        return np.eye(shape[0], shape[1])
    if init == "orthogonal":
        return _orthogonal(shape, random)
    if init == "normal":
        return random.normal(0.0, shape[-1] ** -0.5, shape)
    bound = (6.0 / sum(shape)) ** 0.5 if init == "glorot" else shape[-1] ** -0.5
    return random.uniform(-bound, bound, shape)


def _orthogonal(shape: tuple[int, ...], random: np.random.Generator) -> Any:
    """Return a matrix with orthonormal rows or columns, uniformly (Saxe et al. 2013, arXiv:1312.6120)."""
    rows, cols = shape
    q, r = np.linalg.qr(random.normal(size=(max(shape), min(shape))))
    q = q * np.sign(np.diagonal(r))
    return q if rows >= cols else q.T
