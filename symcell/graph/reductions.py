"""The kinds of reduction, a row each: what it is in NumPy, and how its operand's components count in its adjoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from symcell.declare.functions import where_
from symcell.graph.builder import Builder, symbol
from symcell.graph.ir import Graph

Array = Any
Constant = Callable[[sympy.Expr], Any]  # a number -> what stands for it in the arrays


@dataclass(frozen=True)
class Kind:
    """A reduction over the last axis of an array.

    numpy: (..., n) -> (..., 1); the second argument makes numbers of SymPy's. weight: d(out)/d(component), as an
    expression over the vectors of a backward graph; None where no gradient passes.
    """

    numpy: Callable[[Array, Constant], Array]
    weight: Callable[[Builder, str], sympy.Expr] | None = None


def _first(array: Array) -> Array:
    """The index of the largest component, of complex numbers by real part; the first of equals."""
    return np.argmax(np.real(array), axis=-1)[..., None]


def _sum(array: Array, constant: Constant) -> Array:
    return array.sum(axis=-1, keepdims=True)


def _mean(array: Array, constant: Constant) -> Array:
    return _sum(array, constant) * constant(sympy.Rational(1, array.shape[-1]))


def _max(array: Array, constant: Constant) -> Array:
    return np.take_along_axis(array, _first(array), axis=-1)


def _argmax(array: Array, constant: Constant) -> Array:
    return np.vectorize(lambda k: constant(sympy.Integer(k)), otypes=[np.result_type(array, np.float64)])(_first(array))


def _weight_of_first(build: Builder, operand: str) -> sympy.Expr:
    """1 for the first of the largest components, as PyTorch's max(dim); 0 for all others."""
    first, [dim] = symbol(build.reduce("argmax", operand)), build.dims(operand)
    return where_(sympy.Eq(build.index(dim), first, evaluate=False), sympy.S.One, sympy.S.Zero)


KINDS: dict[str, Kind] = {
    "sum": Kind(_sum, lambda build, operand: sympy.S.One),
    "mean": Kind(_mean, lambda build, operand: 1 / build.size(build.dims(operand)[0])),
    "max": Kind(_max, _weight_of_first),
    "shift": Kind(_max),  # a maximum that is subtracted where that changes nothing (softmax)
    "argmax": Kind(_argmax),  # the index of the first maximum: in backward graphs
}


def reduced(kind: str, array: Array, constant: Constant) -> Array:
    """Return the reduction of an array (..., n) as (..., 1)."""
    return KINDS[kind].numpy(np.asarray(array), constant)


def counts(graph: Graph, sizes: Mapping[str, int], constant: Constant) -> dict[str, Array]:
    """Return the values of the roles "size" and "index": numbers that the sizes give."""
    found = {value.name: constant(sympy.Integer(sizes[value.name.partition(".")[2]]))
             for value in graph.with_role("size")}
    indices = {value.name: np.array([constant(sympy.Integer(k)) for k in range(sizes[value.dims[0]])])
               for value in graph.with_role("index")}
    return found | indices
