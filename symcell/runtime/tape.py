"""Tape: what a run holds for its backward pass, and whether that may still be used."""

from __future__ import annotations

import numbers
from collections.abc import Collection, Mapping
from operator import is_
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from symcell.runtime.arguments import Array
from symcell.runtime.checked import Key
from symcell.runtime.checkpoint import Stretch

COPY_BYTES = 4096  # below that copies of two arrays cost less than views of them


class Tape(NamedTuple):
    """What backward needs of a forward pass: sizes, buffers, and the parameters, which must not have changed since."""

    owner: tuple[ModuleType, str]
    sizes: Key
    arrays: dict[str, Array]
    params: dict[str, Array]
    given: Mapping[str, Any]
    fingerprints: list[int]  # of params as they were
    dict_x: bool
    stretches: tuple[Stretch, ...] = ()  # with checkpoints: where backward computes the tape again; arrays is x then

    @property
    def nbytes(self) -> int:
        """Bytes that are the run's own: parameters are the caller's, unless they had to be copied."""
        held = [*self.arrays.values(), *(a for name, a in self.params.items() if a is not self.given.get(name))]
        return sum(a.nbytes for a in [*held, *(a for part in self.stretches for a in part.state.values())])

    def changed(self, params: Collection[str], fingerprints: list[int]) -> list[str]:
        """Return what has changed of the parameters, the caller's or the run's; `fingerprints`: those of now."""
        given, ours, found = self.given, self.params, []
        if not all(map(is_, map(given.get, params), ours.values())):  # nearly always they are
            found = [name for name in params if not _same(given.get(name), ours[name])]
        if fingerprints != self.fingerprints:
            both = zip(ours, fingerprints, self.fingerprints, strict=False)  # what is derived has none, and comes last
            found += [name for name, now, then in both if now != then]
        return [name for name in ours if name in found]


def _same(now: Any, then: Array) -> bool:
    """Compare bit for bit, so that NaN equals itself; a scalar may have been given as a plain number."""
    if now is then:
        return True
    if not isinstance(now, np.ndarray):
        if then.shape != () or not isinstance(now, numbers.Real):
            return False
        now = np.asarray(now, then.dtype)
    if now.dtype != then.dtype or now.shape != then.shape:
        return False
    if not now.flags.c_contiguous or now.nbytes < COPY_BYTES:
        return now.tobytes() == then.tobytes()
    bits = np.dtype(f"u{then.itemsize}")  # integers: no copies of the bytes
    return bool((now.view(np.ndarray).view(bits) == then.view(bits)).all())
