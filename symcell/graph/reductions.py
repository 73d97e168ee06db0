"""The kinds of reduction, a row each: what it is in NumPy, and what its adjoint is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy

from symcell.declare.functions import where_
from symcell.graph.builder import Builder, symbol
from symcell.graph.ir import Graph
from symcell.graph.names import dim_of

Array = Any
Constant = Callable[[sympy.Expr], Any]  # a number -> what stands for it in the arrays


@dataclass(frozen=True)
class Kind:
    """A reduction over the last axis of an array.

    numpy: (..., n) -> (..., 1); the second argument makes numbers of SymPy's. adjoint: what a backward graph adds to
    the adjoint of the operand (2nd argument), given that of the result (3rd); None where no gradient passes.
    """

    numpy: Callable[[Array, Constant], Array]
    adjoint: Callable[[Builder, str, sympy.Symbol], sympy.Expr] | None = None


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


def _shared(build: Builder, operand: str, d_out: sympy.Symbol) -> sympy.Expr:
    """The same part for each component; divided before it is broadcast, once per row."""
    return symbol(build.value_of(d_out / build.size(*build.dims(operand)), f"{d_out.name}_part"))


def _to_first(build: Builder, operand: str, d_out: sympy.Symbol) -> sympy.Expr:
    """All for the first of the largest components, as in PyTorch's max(dim)."""
    first = symbol(build.reduce("argmax", operand))
    return to_first(build.index(*build.dims(operand)), first, d_out)


def to_first(index: sympy.Symbol, first: sympy.Symbol, d_out: sympy.Symbol) -> sympy.Expr:
    """Return d_out for the component that has this index, and 0 for the others."""
    return where_(sympy.Eq(index, first, evaluate=False), d_out, sympy.S.Zero)


KINDS: dict[str, Kind] = {
    "sum": Kind(_sum, lambda build, operand, d_out: d_out),
    "mean": Kind(_mean, _shared),
    "max": Kind(_max, _to_first),
    "shift": Kind(_max),  # a maximum that is subtracted where that changes nothing (softmax)
    "argmax": Kind(_argmax),  # the index of the first maximum: in backward graphs
}


def reduced(kind: str, array: Array, constant: Constant) -> Array:
    """Return the reduction of an array (..., n) as (..., 1)."""
    return KINDS[kind].numpy(np.asarray(array), constant)


def counts(graph: Graph, sizes: Mapping[str, int], constant: Constant) -> dict[str, Array]:
    """Return the values of the roles "size" and "index": numbers that the sizes give."""
    found = {value.name: np.asarray(constant(sympy.Integer(sizes[dim_of(value.name)])))
             for value in graph.with_role("size")}
    indices = {value.name: np.array([constant(sympy.Integer(k)) for k in range(sizes[value.dims[0]])])
               for value in graph.with_role("index")}
    return found | indices
