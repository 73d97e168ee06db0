"""Checked: the arguments of a whole call. Right ones pass at once, and `arguments` says what is wrong with others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from symcell.runtime.arguments import Arguments, Array, Sizes, plain

Key = tuple["int | None", ...]  # the sizes of T, B, and the dimensions as the metadata list them; None: not told
Fitting = Callable[[list[Any], Any, list[tuple[int, ...]], "Key"], "Key | None"]


class Checked(NamedTuple):
    """The arguments of a call by name. Parameters and states are contiguous, inputs as the caller has them."""

    sizes: Key
    inputs: dict[str, Array]
    params: dict[str, Array]
    states: dict[str, Array]


class Checks:
    """Checks all arrays of a call together, in the compiled module, one by one only if that does not approve."""

    def __init__(self, arguments: Arguments, metadata: Mapping[str, Any], fitting: Fitting) -> None:
        """Read the dimensions of each argument; `fitting` is the module's."""
        self._arguments, self._fitting = arguments, fitting
        self._dims = ("T", "B", *metadata["dims"])
        self._unknown: Key = (None,) * len(self._dims)
        self._only = next(iter(arguments.inputs)) if len(arguments.inputs) == 1 else None
        self._inputs = {name: self._axes(arguments.input_dims(name)) for name in arguments.inputs}
        self._params = {name: self._axes(dims) for name, dims in arguments.params.items()}
        self._states = {name: self._axes(("B", dim)) for name, dim in arguments.states.items()}
        self._output = self._axes(("T", "B", metadata["output"]["dim"]))

    def _axes(self, dims: Iterable[str]) -> tuple[int, ...]:
        return tuple(map(self._dims.index, dims))

    def key(self, sizes: Mapping[str, int]) -> Key:
        """Return sizes in the order of the dimensions."""
        return tuple(map(sizes.get, self._dims))

    def call(self, x: object, params: object, state: object) -> Checked:
        """Return the arguments of a call, after checking that all are there and agree in size."""
        found = self._at_once(x, params, state, self._params, self._unknown)
        if found is None:
            sizes: Sizes = {}
            checked = self._arguments.check_params(params, sizes)
            inputs = self._arguments.check_inputs(x, sizes)
            states = self._arguments.check_states("state", state, sizes)
            found = Checked(self.key(sizes), inputs, _plain(checked), _plain(states))
        return found

    def prepared(self, x: object, state: object, known: Key) -> Checked:
        """Return the arguments besides the parameters, which tell the sizes `known`."""
        found = self._at_once(x, {}, state, {}, known)
        if found is None:
            sizes = self._sizes(known)
            inputs = self._arguments.check_inputs(x, sizes)
            states = self._arguments.check_states("state", state, sizes)
            found = Checked(self.key(sizes), inputs, {}, _plain(states))
        return found

    def params(self, params: object) -> tuple[Key, dict[str, Array]]:
        """Return the parameters, and the sizes that they tell."""
        sizes: Sizes = {}
        checked = self._arguments.check_params(params, sizes)
        return self.key(sizes), checked

    def gradient(self, dy: Any, dstate: object, known: Key) -> tuple[Array, dict[str, Array]]:
        """Return the gradients by y and by the final states, contiguous, in a run of these sizes."""
        if dstate is None and self._fitting([dy], self._arguments.dtype, [self._output], known):
            return dy, {}
        sizes = self._sizes(known)
        dims = tuple(map(self._dims.__getitem__, self._output))
        dy = plain(self._arguments.array("dy", dy, dims, sizes))
        return dy, _plain(self._arguments.check_states("dstate", dstate, sizes))

    def _sizes(self, known: Key) -> Sizes:
        return {dim: size for dim, size in zip(self._dims, known, strict=True) if size is not None}

    def _at_once(self, x: Any, params: Any, state: Any, wanted: Mapping[str, tuple[int, ...]],
                 known: Key) -> Checked | None:
        """Return the arguments if they are as a pass needs them, None for any that are wrong, or rare."""
        given = {self._only: x} if self._only and type(x) is np.ndarray else x
        states = {} if state is None else state
        if not (type(given) is type(params) is type(states) is dict and given.keys() == self._inputs.keys()
                and params.keys() == wanted.keys() and states.keys() <= self._states.keys()):
            return None
        inputs, params, states = {n: given[n] for n in self._inputs}, {n: params[n] for n in wanted}, {**states}
        sizes = self._fitting([*inputs.values(), *params.values(), *states.values()], self._arguments.dtype,
                              [*self._inputs.values(), *wanted.values(), *map(self._states.__getitem__, states)], known)
        return None if sizes is None else Checked(sizes, inputs, params, states)


def _plain(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: plain(array) for name, array in arrays.items()}
