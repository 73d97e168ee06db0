from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Signature = tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]
Key = tuple[int | None, ...]

WORK_BYTES: int
INTERFACE: str

def fitting(
    given: tuple[Any, Any, Any], signature: Signature, dtype: np.dtype[Any], sizes: Key
) -> tuple[Key, dict[str, Array], dict[str, Array], dict[str, Array]] | None: ...
def fingerprints(isa: str, arrays: Iterable[Array]) -> list[int]: ...
def enter(
    slots: Array, arrays: list[Array], names: tuple[str, ...], states: dict[str, Array], itemsize: int
) -> None: ...
def leave(
    slots: Array, arrays: list[Array], shapes: dict[str, tuple[int, int]], dtype: np.dtype[Any]
) -> dict[str, Array]: ...
def over_all_steps(
    isa: str, itemsize: int, factors: Array, arrays: list[Array], outs: Sequence[Array], total: bool, work: Array,
    threads: int = 1,
) -> None: ...
