"""What an oracle found: one Outcome per group of arrays, with the error it measured and its tolerance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
OUTPUT = "output"
FINAL = "final states"
D_INPUT = "gradient of the input"
D_PARAM = "gradients of parameters"
D_STATE = "gradients of initial states"
GROUPS = (OUTPUT, FINAL, D_INPUT, D_PARAM, D_STATE)
GRADIENTS = (D_INPUT, D_PARAM, D_STATE)

# Everything that a cell takes or gives, by (group, name): ("gradients of parameters", "U_f").
Results = Mapping[tuple[str, str], Array]


@dataclass(frozen=True)
class Outcome:
    """One row of the table: `error` is what was measured, `how` says by which means, and at what sizes."""

    oracle: str
    what: str
    error: float
    tolerance: float
    how: str
    ran: bool = True

    @property
    def passed(self) -> bool | None:
        """Whether it passed; None where it did not run. An error of NaN is not below anything and fails."""
        return bool(self.error <= self.tolerance < math.inf) if self.ran else None

    def __str__(self) -> str:
        word = {True: "passed", False: "FAILED", None: "not run"}[self.passed]
        numbers = f"error {self.error:.1e}, tolerance {self.tolerance:.1e}" if self.ran else ""
        return f"{word:<8} {self.oracle:<28} {self.what:<40} {numbers:<36} {self.how}"


def not_run(oracle: str, why: str) -> Outcome:
    """An oracle that this machine, or this cell, does not allow: neither passed nor failed."""
    return Outcome(oracle, "everything", math.nan, 0.0, why, ran=False)


def failed(oracle: str, why: str) -> Outcome:
    """An oracle that broke down before it measured anything."""
    return Outcome(oracle, "everything", math.inf, 0.0, why)


def distance(got: Array, expected: Array, floor: float) -> float:
    """The largest difference, relative to the largest entry expected; NaN anywhere gives NaN.

    The largest entry of the array, not each entry's own size: entries that nearly cancel carry the rounding
    errors of their large summands. `floor` is the size below which an entire array counts as cancelled;
    random data of size 1 make gradients far above it.
    """
    got, expected = np.asarray(got), np.asarray(expected)
    if got.shape != expected.shape:
        return math.inf
    if not got.size:
        return 0.0
    with np.errstate(all="ignore"):  # inf - inf is a NaN here, not a warning
        return float(np.max(np.abs(got - expected)) / max(floor, float(np.max(np.abs(expected)))))


def compare(oracle: str, got: Results, expected: Results, tolerance: float, how: str, *, floor: float = 1e-3,
            dtype: Any = None, wider: Mapping[tuple[str, str], float] | None = None) -> list[Outcome]:
    """One outcome per group: the worst of its arrays, which is named.

    An array that is missing, one too many, another shape or (where `dtype` is given) another dtype than
    expected is an infinite error. wider: arrays that may differ by more than the tolerance, and by how much.
    """
    outcomes = []
    for group in GROUPS:
        faults: dict[str, tuple[float, float]] = {}
        for key in dict.fromkeys(key for key in (*expected, *got) if key[0] == group):
            label, error = _fault(key, got, expected, floor, dtype)
            faults[label] = error, max(tolerance, (wider or {}).get(key, 0.0))
        if faults:
            worst = max(faults, key=lambda label: _badness(*faults[label]))
            error, allowed = faults[worst]
            alone = error == 0 or (len(faults) == 1 and error <= allowed)
            what = group if alone else f"{group}, worst {worst}"
            outcomes.append(Outcome(oracle, what, error, allowed, how))
    return outcomes


def _badness(error: float, tolerance: float) -> float:
    """How near to its tolerance, or how far beyond it; NaN is worst. Where nothing is tolerated, the error itself."""
    return math.inf if math.isnan(error) else error / tolerance if tolerance else error


def _fault(key: tuple[str, str], got: Results, expected: Results, floor: float, dtype: Any,
           ) -> tuple[str, float]:
    name = key[1]
    if key not in got or key not in expected:
        return f"{name} ({'missing' if key not in got else 'not expected'})", math.inf
    have, want = np.asarray(got[key]), np.asarray(expected[key])
    if have.shape != want.shape:
        return f"{name} (shape {have.shape}, expected {want.shape})", math.inf
    if dtype is not None and have.dtype != dtype:
        return f"{name} (dtype {have.dtype}, expected {dtype})", math.inf
    return name, distance(have, want, floor)
