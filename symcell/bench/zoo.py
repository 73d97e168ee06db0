"""The zoo in training at one shape: what is measured of each cell, and what all of them say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from symcell import zoo
from symcell.bench.draw import Shape
from symcell.bench.measure import geometric_mean
from symcell.bench.packaged import PACKAGED
from symcell.declare.cell import CellMeta

SHAPE: Shape = (100, 32, 128, 128)
QUICK: Shape = (7, 3, 5, 5)
WANTED = 3.0  # times that each cell should be faster than torchrecurrent
MEAN_WANTED = 8.0  # and in the geometric mean
Record = dict[str, Any]  # {"seconds": {who: seconds}}, with "variant" or "error" where there is one


@dataclass(frozen=True)
class Entry:
    """What is measured for a cell of the zoo: itself, or the variant that torchrecurrent has, with its constants."""

    name: str
    cell: CellMeta
    variant: str = ""
    given: Mapping[str, float] = field(default_factory=dict)


def entry(name: str) -> Entry | None:
    """Return what to measure; None for a cell without products, which another measures with its projections.

    Raises:
        CellError: the zoo has no cell of this name.
    """
    found, package = zoo.find(name), PACKAGED.get(name)
    if not any(len(parameter.dims) == 2 for parameter in found.spec.parameters):
        return None
    if package is None:
        return Entry(name, found)
    return Entry(name, package.cell or found, package.variant, package.constants)


def record(row: Mapping[str, Any], variant: str) -> Record:
    """Return what is kept of a row that was measured: four digits of each time, who gave up, what went wrong."""
    kept: Record = {"error": row["error"]} if "error" in row else {
        "seconds": {who: float(f"{seconds:.4g}") for who, seconds in row["seconds"].items()}}
    return kept | ({"variant": variant} if variant else {}) | (
        {"given_up": row["given_up"]} if row.get("given_up") else {})


def about(machine: Mapping[str, Any], shape: Shape) -> str:
    """Return the sentences that say what the times belong to."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if name != "onnxruntime")
    sizes = dict(zip("TBIH", shape, strict=True))
    return (f"Training (forward and backward, with gradients of the input, of all parameters and of the initial state) "
            f"at {', '.join(f'{name} = {size}' for name, size in sizes.items())}, float32, {machine['threads']} thread"
            f"{'s' * (machine['threads'] > 1)} of an {machine['processor']}; all take turns in one process, and the "
            f"median counts. {versions}.")


def ratios(cells: Mapping[str, Record], peer: str) -> dict[str, float]:
    """Return how many times longer a peer takes, for each cell that it has."""
    return {name: row["seconds"][peer] / row["seconds"]["symcell"] for name, row in cells.items()
            if peer in row.get("seconds", ())}


def summary(cells: Mapping[str, Record]) -> list[str]:
    """Return lines: torchrecurrent's least and mean ratio, cells slower than JAX, cells whose peers disagreed."""
    theirs, jax = ratios(cells, "torchrecurrent"), ratios(cells, "JAX")
    lines = [f"{len(cells)} cells measured, {len(theirs)} beside torchrecurrent, {len(jax)} beside JAX"]
    if theirs:
        lines += [f"torchrecurrent / symcell: geometric mean {geometric_mean(list(theirs.values())):.2f} (wanted "
                  f"{MEAN_WANTED:g}), least {min(theirs.values()):.2f}",
                  f"below {WANTED:g}: {_named({n: r for n, r in theirs.items() if r < WANTED})}"]
    if jax:
        lines += [f"JAX / symcell: geometric mean {geometric_mean(list(jax.values())):.2f}, least "
                  f"{min(jax.values()):.2f}", f"slower than JAX: {_named({n: r for n, r in jax.items() if r < 1})}"]
    return lines + [f"{name}: {row['error']}" for name, row in cells.items() if "error" in row]


def _named(found: Mapping[str, float]) -> str:
    slowest_first = sorted(found.items(), key=lambda pair: pair[1])
    return ", ".join(f"{name} ({ratio:.2f})" for name, ratio in slowest_first) or "none"
