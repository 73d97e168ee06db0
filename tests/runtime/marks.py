"""Marks that tests of kernels share: in both precisions, with cells named by their classes."""

import pytest

by_name = {"ids": lambda value: getattr(value, "__name__", str(value))}
in_both = pytest.mark.parametrize("dtype", ["float32", "float64"])
