"""The committed kernels of the base cells are what symcell generates now, byte for byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from symcell import compiler, zoo

FOLDER = Path(__file__).parent.parent / "generated"


@pytest.mark.parametrize("name", zoo.PREBUILT)
def test_committed_text_is_current(name: str) -> None:
    for file, text in compiler.stages(name).source.files.items():
        path = FOLDER / file
        if os.environ.get("SYMCELL_UPDATE_GOLDEN"):
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{file} is stale: run `make generated`, then look at the diff"


def test_nothing_else_is_committed() -> None:
    expected = {f"{name}.{kind}" for name in zoo.PREBUILT for kind in ("pyx", "h")} | {"__init__.py"}
    present = {path.name for path in FOLDER.iterdir() if path.suffix in {".pyx", ".h", ".py", ".c"}}
    assert present == expected
