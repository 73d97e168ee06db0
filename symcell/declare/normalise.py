"""Normalisations made of reductions: plain functions of formulas, as a user could write them.

Each takes a vector, or a tuple of vectors of one dimension, which it treats as one stacked vector (the gates of a
cell, say) and gives back as a tuple. Every formula that occurs twice is `shared`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import sympy

from symcell.declare.dimensions import dims_of
from symcell.declare.entrywise import softmax_of
from symcell.declare.errors import CellError, cell_being_declared
from symcell.declare.functions import exp, is_formula, maximum, sqrt
from symcell.declare.matrices import MatrixAlgebra
from symcell.declare.reductions import (
    SharedMean,
    SharedSpread,
    SharedWeight,
    Shift,
    has_quantities,
    reduce_mean,
    reduce_sum,
    shared,
)
from symcell.declare.symbols import Quantity

Vectors = Any  # a formula, or a tuple of formulas


def softmax(v: Vectors, axis: str | None = None) -> Any:
    """Return exp(v) / sum(exp(v)), computed without overflow; of several vectors, over all their components.

    The maximum that is subtracted first changes nothing, so no gradient flows through it. Of a matrix with
    axis="columns" the softmax of each column, or with axis="rows" that of each row, computed once per call.
    """
    if isinstance(v, MatrixAlgebra):
        return softmax_of(v, axis)
    if axis is not None:
        raise CellError(f"{cell_being_declared()}softmax(v, axis={axis!r}): axis is for matrices; got {v!r}.")
    vectors = [shared(u) for u in _vectors("softmax", v)]
    shift = Shift(reduce(maximum, vectors))
    weights = [shared(exp(u - shift), SharedWeight) for u in vectors]
    scale = shared(1 / reduce_sum(sympy.Add(*weights)))
    return _like(v, [weight * scale for weight in weights])


def layer_norm(v: Vectors, gain: Vectors = None, bias: Vectors = None, eps: Any = 1e-5) -> Any:
    """Return gain * (v - mean) / sqrt(variance + eps) + bias (Ba et al. 2016, arXiv:1607.06450, eq. 4).

    The variance is the biased one, the mean of the squares, and `eps` stands inside the root, as in PyTorch (the paper
    leaves eps out). gain, bias: vectors, one for each of several `v`; without them 1 and 0.
    """
    vectors = [shared(u) for u in _vectors("layer_norm", v)]
    mean = shared(_mean(vectors), SharedMean)
    centred = [shared(u - mean) for u in vectors]
    return _like(v, _scaled("layer_norm", v, centred, eps, gain, bias))


def rms_norm(v: Vectors, gain: Vectors = None, eps: Any = 1e-5) -> Any:
    """Return gain * v / sqrt(mean(v**2) + eps) (Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4, which has no eps).

    gain: a vector, or one for each of several `v`; without it 1.
    """
    vectors = [shared(u) for u in _vectors("rms_norm", v)]
    return _like(v, _scaled("rms_norm", v, vectors, eps, gain, None))


def _scaled(word: str, v: Vectors, vectors: list[sympy.Expr], eps: Any, gain: Vectors, bias: Vectors,
            ) -> list[sympy.Expr]:
    if not is_formula(eps) or (sympy.sympify(eps).is_Number and not 0 < float(eps) < math.inf):
        raise CellError(f"{cell_being_declared()}{word}(): eps is {eps!r}; expected a positive number.")
    scale = shared(1 / shared(sqrt(_mean([u**2 for u in vectors]) + eps), SharedSpread))
    gains, biases = _each(word, "gain", gain, v, 1), _each(word, "bias", bias, v, 0)
    return [g * (u * scale) + b for u, g, b in zip(vectors, gains, biases, strict=True)]


def _mean(vectors: Sequence[sympy.Expr]) -> sympy.Expr:
    """Return the mean over all components; the vectors have one dimension, so that one reduction serves all."""
    return reduce_mean(sympy.Add(*vectors)) / len(vectors)


def _vectors(word: str, v: Vectors) -> list[sympy.Expr]:
    vectors = list(v) if isinstance(v, (tuple, list)) else [v]
    if not vectors or not all(isinstance(u, sympy.Expr) and has_quantities(u, word) for u in vectors):
        raise CellError(f"{cell_being_declared()}{word}() applies to a vector formula or a tuple of them, got {v!r}.")
    dims = {_dims(word, u): u for u in vectors}
    if len(dims) > 1:
        listed = " and ".join(f"{u} of {d[0] if d else 'no dimension'}" for d, u in dims.items())
        raise CellError(f"{cell_being_declared()}{word}() stacks vectors of one dimension, got {listed}.")
    return vectors


def _dims(word: str, formula: sympy.Expr) -> tuple[str, ...]:
    scopes = [symbol._scope for symbol in sorted(formula.atoms(Quantity), key=str)]
    return dims_of(formula, word, scopes[0]) if scopes else ()


def _each(word: str, what: str, given: Vectors, v: Vectors, default: int) -> list[Any]:
    """Return the gain or bias of each vector."""
    several = isinstance(v, (tuple, list))
    if given is None:
        return [default] * (len(v) if several else 1)
    if several != isinstance(given, (tuple, list)) or (several and len(given) != len(v)):
        wanted = f"a tuple of {len(v)}, one for each vector" if several else "one vector"
        raise CellError(f"{cell_being_declared()}{word}(): {what} is {given!r}; expected {wanted}.")
    each = list(given) if several else [given]
    wrong = [value for value in each if not is_formula(value)]
    if wrong:
        raise CellError(f"{cell_being_declared()}{word}(): {what} is {wrong[0]!r}; expected a vector or a number.")
    return each


def _like(v: Vectors, results: list[sympy.Expr]) -> Any:
    return tuple(results) if isinstance(v, (tuple, list)) else results[0]
