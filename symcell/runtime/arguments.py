"""Checks on what a caller hands to a kernel, before any memory is touched. No value is cast silently."""

from __future__ import annotations

import difflib
import math
import numbers
import sys
from collections.abc import Iterable, Mapping
from operator import eq
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
LARGE = sys.maxsize // 2  # bytes
Sizes = dict[str, int]


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """Return the message for a name that does not exist."""
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"there is no {what} {name!r}; expected {', '.join(names) or 'none'}.{hint}"


def check_size(name: str, size: object) -> int:
    """Return a dimension's size as an int of at least 1."""
    if isinstance(size, bool) or not isinstance(size, numbers.Integral):
        raise TypeError(f"the size {name}={size!r} is not an integer.")
    if size < 1:
        raise ValueError(f"the size {name}={size} must be at least 1.")
    return int(size)


def check_bytes(count: int, what: str) -> None:
    """Refuse an allocation whose byte count does not fit the machine's address type."""
    if count > LARGE:
        raise ValueError(f"{what} would take {count:,} bytes, more than can be addressed; use smaller sizes.")


def plain(value: Array) -> Array:
    """Return the array itself if it is contiguous and aligned, else a copy that is."""
    return value if value.flags.c_contiguous and value.flags.aligned else np.array(value, order="C")


class Arguments:
    """The signature of one kernel: what its arguments are called, and their dimensions."""

    def __init__(self, metadata: Mapping[str, Any], dtype: np.dtype[Any]) -> None:
        """Read the signature from a generated module's metadata."""
        self.cell, self.dtype = metadata["cell"], dtype
        self.inputs, self.states = metadata["inputs"], metadata["states"]
        self.whole: tuple[str, ...] = metadata["whole"]  # inputs without a time axis
        self._labels = {name: f'params["{name}"]' for name in metadata["params"]}
        self.params = {name: tuple(p["dims"]) for name, p in metadata["params"].items()}
        self.learned = tuple(name for name in self.params if name not in metadata["fixed"])
        self.constants: Mapping[str, float] = metadata["constants"]
        self._defaults = {name: np.asarray(value, dtype) for name, value in self.constants.items()}

    # --- one array ---------------------------------------------------------------------------------------

    def array(self, name: str, value: object, dims: tuple[str, ...], sizes: Sizes) -> Array:
        """Return `value` if it is an array of this kernel's dtype with these dimensions; enter new sizes."""
        if type(value) is np.ndarray and value.dtype == self.dtype and value.ndim == len(dims):
            shape = value.shape
            if 0 not in shape and all(map(eq, map(sizes.setdefault, dims, shape), shape)) and value.nbytes < LARGE:
                return value
        return self._examined(name, value, dims, sizes)  # something is wrong, or rare

    def _examined(self, name: str, value: object, dims: tuple[str, ...], sizes: Sizes) -> Array:
        if not isinstance(value, np.ndarray):
            raise TypeError(f"{self.cell}: {name} must be a NumPy array, got {type(value).__name__}.")
        if isinstance(value, np.ma.MaskedArray):
            raise TypeError(f"{self.cell}: {name} is a masked array, and kernels know no masks; fill it first.")
        if value.dtype != self.dtype:
            compilable = value.dtype in (np.float32, np.float64)
            found = value.dtype.name + ("" if value.dtype.isnative else " in the other byte order")
            other = f", or compile the cell with dtype=\"{value.dtype}\"" if compilable else ""
            raise TypeError(f"{self.cell}: {name} is {found}, and this kernel computes in {self.dtype}: "
                            f"pass {name}.astype(np.{self.dtype}){other}.")
        if value.ndim != len(dims):
            raise ValueError(f"{self.cell}: {name} has shape {value.shape}; expected ({', '.join(dims)}), "
                             f"{len(dims)} dimensions.")
        for axis, (dim, size) in enumerate(zip(dims, value.shape, strict=True)):
            expected = sizes.setdefault(dim, size)
            if dim not in "TB" and size == 0:
                raise ValueError(f"{self.cell}: {name} has shape {value.shape}: {dim} must be at least 1.")
            if size != expected:
                raise ValueError(f"{self.cell}: {name} has shape {value.shape}; expected ({', '.join(dims)}) with "
                                 f"{dim}={expected} on axis {axis}.")
        check_bytes(math.prod(value.shape) * value.itemsize, f"{self.cell}: {name}")
        return value

    def check_steps(self, name: str, count: object) -> int:
        """Return a number of steps as an int of at least 1."""
        if isinstance(count, bool) or not isinstance(count, numbers.Integral):
            raise TypeError(f"{self.cell}: {name}={count!r} is not an integer; pass a number of steps such as 32.")
        if count < 1:
            raise ValueError(f"{self.cell}: {name}={count} must be at least 1 step.")
        return int(count)

    def number(self, name: str, value: object) -> Array:
        """Return a number as an array of shape () of this kernel's dtype."""
        if isinstance(value, np.ndarray):
            return self.array(name, value, (), {})
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError(f"{self.cell}: {name} must be a number, got {type(value).__name__}.")
        try:
            with np.errstate(over="ignore"):
                number = np.asarray(float(value), self.dtype)
        except OverflowError:
            number = np.asarray(np.inf, self.dtype)
        if np.isinf(number) and value not in (np.inf, -np.inf):
            raise ValueError(f"{self.cell}: {name} is too large for {self.dtype}.")
        return number

    # --- whole arguments -------------------------------------------------------------------------------

    def check_params(self, params: object, sizes: Sizes) -> dict[str, Array]:
        """Return the parameters by name, after checking that all are there and agree in size."""
        if not isinstance(params, Mapping):
            raise TypeError(f"{self.cell}: params must be a dict of arrays, got {type(params).__name__}.")
        for name in params:
            if name not in self.params:
                raise ValueError(f"{self.cell}: params: {unknown('parameter', name, self.params)}")
        missing = [name for name in self.params if name not in params]
        if missing:
            raise ValueError(f"{self.cell}: params lacks {', '.join(missing)}. kernel.init_params() makes a full set.")
        return {
            name: self.array(self._labels[name], params[name], dims, sizes) if dims
            else self.number(self._labels[name], params[name])
            for name, dims in self.params.items()
        }

    def check_inputs(self, x: object, sizes: Sizes) -> dict[str, Array]:
        """Return the inputs by name: x itself where the cell has one input, else a dict."""
        if isinstance(x, Mapping):
            for name in x:
                if name not in self.inputs:
                    raise ValueError(f"{self.cell}: x: {unknown('input', name, self.inputs)}")
            missing = [name for name in self.inputs if name not in x]
            if missing:
                raise ValueError(f"{self.cell}: x lacks {', '.join(missing)}.")
            return {name: self.array(f'x["{name}"]', x[name], self.input_dims(name), sizes) for name in self.inputs}
        if len(self.inputs) != 1:
            entries = ", ".join(f'"{name}": array' for name in self.inputs)
            raise TypeError(f"{self.cell}: x must be a dict {{{entries}}}, got {type(x).__name__}.")
        (name, dim), = self.inputs.items()
        return {name: self.array("x", x, ("T", "B", dim), sizes)}

    def input_dims(self, name: str) -> tuple[str, ...]:
        """Return the dimensions of an input's array."""
        return ("B", self.inputs[name]) if name in self.whole else ("T", "B", self.inputs[name])

    def check_states(self, what: str, state: object, sizes: Sizes) -> dict[str, Array]:
        """Return the given states; those left out are zero and not in the result."""
        if state is None:
            return {}
        if not isinstance(state, Mapping):
            raise TypeError(f"{self.cell}: {what} must be a dict such as {{'{next(iter(self.states))}': array}}, "
                            f"got {type(state).__name__}.")
        for name in state:
            if name not in self.states:
                raise ValueError(f"{self.cell}: {what}: {unknown('state', name, self.states)}")
        return {name: self.array(f'{what}["{name}"]', state[name], ("B", dim), sizes)
                for name, dim in self.states.items() if name in state}

    def check_constants(self, constants: object) -> dict[str, Array]:
        """Return every constant's value for this call."""
        if constants is None:
            return self._defaults
        given = constants
        if not isinstance(given, Mapping):
            raise TypeError(f"{self.cell}: constants must be a dict of numbers, got {type(given).__name__}.")
        for name in given:
            if name not in self.constants:
                raise ValueError(f"{self.cell}: constants: {unknown('constant', name, self.constants)}")
        return {name: self.number(f'constants["{name}"]', given.get(name, default))
                for name, default in self.constants.items()}
