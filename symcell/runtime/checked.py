"""Checked: the arguments of a whole call. Right ones pass at once, and `arguments` says what is wrong with others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from symcell.runtime import native
from symcell.runtime.arguments import Arguments, Array, Sizes, plain

Key = tuple["int | None", ...]  # the sizes of T, B, and the dimensions as the metadata list them; None: not told
Arrays = dict[str, Array]
Axes = dict[str, tuple[int, ...]]
Signature = tuple[Axes, Axes, Axes]  # of inputs, parameters and states, by name


class Checked(NamedTuple):
    """The arguments of a call by name. Parameters and states are contiguous, inputs as the caller has them."""

    sizes: Key
    inputs: Arrays
    params: Arrays
    states: Arrays


class Checks:
    """Checks all arrays of a call together, in compiled code, one by one only if that does not approve."""

    def __init__(self, arguments: Arguments, metadata: Mapping[str, Any]) -> None:
        """Read the dimensions of each argument."""
        self._arguments = arguments
        self._dims = ("T", "B", *metadata["dims"])
        self._unknown: Key = (None,) * len(self._dims)
        self._only = next(iter(arguments.inputs)) if len(arguments.inputs) == 1 else None
        inputs = {name: self._axes(arguments.input_dims(name)) for name in arguments.inputs}
        params = {name: self._axes(dims) for name, dims in arguments.params.items()}
        states = {name: self._axes(("B", dim)) for name, dim in arguments.states.items()}
        self._dy = "T", "B", metadata["output"]["dim"]
        self._call: Signature = inputs, params, states
        self._prepared: Signature = inputs, {}, states
        self._gradient: Signature = {"dy": self._axes(self._dy)}, {}, states

    def _axes(self, dims: Iterable[str]) -> tuple[int, ...]:
        return tuple(map(self._dims.index, dims))

    def key(self, sizes: Mapping[str, int]) -> Key:
        """Return sizes in the order of the dimensions."""
        return tuple(map(sizes.get, self._dims))

    def call(self, x: object, params: object, state: object) -> Checked:
        """Return the arguments of a call, after checking that all are there and agree in size."""
        found = self._at_once(x, params, state, self._call, self._unknown)
        if found is None:
            sizes: Sizes = {}
            checked = self._arguments.check_params(params, sizes)
            inputs = self._arguments.check_inputs(x, sizes)
            states = self._arguments.check_states("state", state, sizes)
            found = Checked(self.key(sizes), inputs, _plain(checked), _plain(states))
        return found

    def prepared(self, x: object, state: object, known: Key) -> Checked:
        """Return the arguments besides the parameters, which tell the sizes `known`."""
        found = self._at_once(x, {}, state, self._prepared, known)
        if found is None:
            sizes = self._sizes(known)
            inputs = self._arguments.check_inputs(x, sizes)
            states = self._arguments.check_states("state", state, sizes)
            found = Checked(self.key(sizes), inputs, {}, _plain(states))
        return found

    def params(self, params: object) -> tuple[Key, Arrays]:
        """Return the parameters, and the sizes that they tell."""
        sizes: Sizes = {}
        checked = self._arguments.check_params(params, sizes)
        return self.key(sizes), checked

    def gradient(self, dy: Any, dstate: object, known: Key) -> tuple[Array, Arrays]:
        """Return the gradients by y and by the final states, contiguous, in a run of these sizes."""
        found = self._at_once({"dy": dy}, {}, dstate, self._gradient, known)
        if found is not None:
            return dy, found.states
        sizes = self._sizes(known)
        dy = plain(self._arguments.array("dy", dy, self._dy, sizes))
        return dy, _plain(self._arguments.check_states("dstate", dstate, sizes))

    def _sizes(self, known: Key) -> Sizes:
        return {dim: size for dim, size in zip(self._dims, known, strict=True) if size is not None}

    def _at_once(self, x: Any, params: Any, state: Any, signature: Signature, known: Key) -> Checked | None:
        """Return the arguments if they are as a pass needs them, None for any that are wrong, or rare."""
        inputs = {self._only: x} if self._only and type(x) is np.ndarray else x
        given = inputs, params, {} if state is None else state
        found = native.fitting(given, signature, self._arguments.dtype, known)
        return found and Checked(*found)


def _plain(arrays: Mapping[str, Array]) -> Arrays:
    return {name: plain(array) for name, array in arrays.items()}
