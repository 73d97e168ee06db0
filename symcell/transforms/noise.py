"""The noise of cells that zoneout and variational dropout made: uniform numbers, seeded and reproducible."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from numbers import Integral
from typing import Any

import numpy as np
import sympy
from sympy.core.relational import StrictLessThan

from symcell.declare.cell import CellMeta
from symcell.declare.errors import CellError, suggestion
from symcell.declare.spec import CellSpec
from symcell.transforms.body import declaration

_DTYPES = ("float32", "float64")


def draw_noise(cell: CellMeta | str, seed: int | np.random.Generator, T: int, B: int, dtype: str = "float32",
               **sizes: int) -> dict[str, np.ndarray]:
    """Return an array for each noise input of a cell: (T, B, dim), or (B, dim) for one of the whole sequence.

    Numbers are uniform in [0, 1) and exact in float32, so that kernels of both precisions see the same noise.

    Args:
        cell: what `zoneout` or `variational_dropout` returned, or a cell of your own: noise is an input that is
            compared with a Constant, noise < rate, and read nowhere else.
        seed: an integer, or a Generator, which is advanced.
        T: time steps.
        B: members of the batch.
        dtype: that of the kernel.
        sizes: of the cell's dimensions, such as H=128; those that the noise does not have are ignored.

    Raises:
        CellError: the cell reads no noise.
        TypeError: a size is missing, of no dimension of the cell or no integer, or the seed is neither an integer nor
            a Generator.
        ValueError: a size or the seed is negative, or no kernel computes in this dtype.
    """
    spec = declaration(cell)
    names = list(noise_inputs(spec))
    if not names:
        raise CellError(f"{spec.name} reads no noise: no input is compared with a Constant, noise < rate, and nothing "
                        "else.")
    dims = {name: dim for name, dim in spec.inputs if name in names}
    check_draw(spec, "draw_noise", {*dims.values()}, sizes, seed, dtype, T=T, B=B)
    random = np.random.default_rng(seed)
    return {name: random.random((*(() if name in spec.whole else (T,)), B, sizes[dim]), np.float32).astype(dtype)
            for name, dim in dims.items()}


def check_draw(spec: CellSpec, word: str, needed: Collection[str], sizes: Mapping[str, Any], seed: Any, dtype: Any,
               **more: Any) -> None:
    """Check the arguments of a function that draws arrays of these dimensions, and of `more` sizes that it takes.

    Raises:
        TypeError: a size is missing, of no dimension of the cell or no integer, or the seed is neither an integer nor
            a Generator.
        ValueError: a size or the seed is negative, or no kernel computes in this dtype.
    """
    for name in sizes:
        if name not in spec.dims:
            raise TypeError(f"{spec.name}: {word}: there is no dimension {name!r}; expected "
                            f"{', '.join(spec.dims)}.{suggestion(name, spec.dims)}")
    missing = sorted(set(needed) - set(sizes))
    if missing:
        raise TypeError(f"{spec.name}: {word} needs the size {', '.join(missing)}, such as {missing[0]}=64.")
    given = {f"the size {name}": size for name, size in (more | {dim: sizes[dim] for dim in needed}).items()}
    given |= {} if isinstance(seed, np.random.Generator) else {"seed": seed}
    for what, number in given.items():
        if not isinstance(number, Integral) or isinstance(number, bool):
            or_else = " or a NumPy Generator" if what == "seed" else ""
            raise TypeError(f"{spec.name}: {word}: {what}={number!r}: expected an integer{or_else}.")
        least = 0 if what in ("seed", "the size T", "the size B") else 1
        if int(number) < least:
            raise ValueError(f"{spec.name}: {word}: {what}={number!r}: expected at least {least}.")
    if dtype not in _DTYPES:
        raise ValueError(f"{spec.name}: {word}: dtype={dtype!r}: kernels compute in {' or '.join(_DTYPES)}.")


def noise_inputs(spec: CellSpec) -> Iterator[str]:
    """Yield the inputs that are compared with a constant and read nowhere else, in the order of their declaration."""
    constants = {name for name, _ in spec.constants}
    formulas = [equation.expression for equation in spec.equations]
    compared = {relation for formula in formulas for relation in formula.atoms(StrictLessThan)
                if {str(relation.rhs)} <= constants}
    for name, _ in spec.inputs:
        relations = {relation for relation in compared if str(relation.lhs) == name}
        if relations and not any(name in _outside(formula, relations) for formula in formulas):
            yield name


def _outside(formula: sympy.Basic, relations: Collection[sympy.Basic]) -> set[str]:
    """Return the names in a formula, but not those in these comparisons."""
    if formula in relations:
        return set()
    names = {formula.name} if isinstance(formula, sympy.Symbol) else set()
    return names.union(*(_outside(argument, relations) for argument in formula.args))
