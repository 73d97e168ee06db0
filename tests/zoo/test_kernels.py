"""Every cell of the zoo, compiled, against the interpreter: oracle 5 in both precisions."""

from __future__ import annotations

import pytest

import symcell
from symcell import zoo
from symcell.proof import kernel


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", zoo.names())
def test_the_compiled_cell_is_right(name: str, dtype: str) -> None:
    rows = kernel.check(zoo.find(name).spec, symcell.compile(name, dtype))
    assert len(rows) > 4
    assert all(row.passed for row in rows), rows
