"""A cell and a shape -> Problem: seeded arrays, and the cell's name in the zoo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symcell import zoo
from symcell.bench.packaged import PACKAGED, Package
from symcell.bench.plan import plan
from symcell.bench.problem import Problem
from symcell.declare.spec import CellSpec
from symcell.declare.symbols import ROW
from symcell.graph.ir import Graph
from symcell.graph.lower import lower

Shape = tuple[int, int, int, int]  # T, B, I, H


def zoo_name(spec: CellSpec) -> str | None:
    """Return the zoo's name of the cell that says the same, or None; what a class is called proves nothing."""
    said = _content(spec)
    return next((name for name in zoo.names() if _content(zoo.find(name).spec) == said), None)


def _content(spec: CellSpec) -> str:
    return str(spec).partition("\n")[2]  # all but the name of the class


def sizes_of(graph: Graph, I: int, H: int) -> dict[str, int]:
    """Return the size of each dimension: I for one that only inputs have, H for the others."""
    inputs = {value.dims[0] for value in graph.with_role("input")}
    inside = {graph.value(carry.previous).dims[0] for carry in graph.carries}
    dims = {dim for value in graph.values for dim in value.dims if dim != ROW}
    return {dim: I if dim in inputs - inside else H for dim in dims}


def package_of(spec: CellSpec) -> Package | None:
    """Return the cell of torchrecurrent that says the same: a cell of the zoo, or a variant of one."""
    said = _content(spec)
    same = (package for name, package in PACKAGED.items() if _content((package.cell or zoo.find(name)).spec) == said)
    return next(same, None)


def problem_of(spec: CellSpec, kernel: Any, shape: Shape, dtype: str, threads: int,
               given: Mapping[str, float] | None = None) -> Problem:
    """Return the arrays for one cell at (T, B, I, H), the same at every call; given: constants, if not its own."""
    T, B, I, H = shape
    graph, rng = lower(spec), np.random.default_rng(0)
    sizes = sizes_of(graph, I, H)

    def draw(name: str, *leading: int) -> Any:
        return (0.5 * rng.standard_normal((*leading, sizes[graph.value(name).dims[0]]))).astype(dtype)

    constants: Mapping[str, float] = {name: float(default) for name, default in spec.constants}
    constants = {**constants, **(given or {})}
    return Problem(
        zoo_name(spec), T, B, dtype, threads, plan(graph, sizes),
        {value.name: draw(value.name, *(() if value.whole else (T,)), B) for value in graph.with_role("input")},
        kernel.init_params(seed=0, **{dim: size for dim, size in sizes.items() if dim in spec.dims}), constants,
        {carry.previous: draw(carry.previous, B) for carry in graph.carries}, draw(graph.outputs[0], T, B),
        package_of(spec), given)
