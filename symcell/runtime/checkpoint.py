"""Checkpoints: states kept every k steps, from which backward computes each stretch's tape again.

After Chen et al. 2016, arXiv:1604.06174: with k near sqrt(T) the tape shrinks from T steps to about 2 sqrt(T), for one
more forward pass.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from symcell.runtime.arguments import Array
from symcell.runtime.checked import Key
from symcell.runtime.passes import Found, Passes


@dataclass(frozen=True)
class Stretch:
    """Steps `start` to `stop`, and the states before the first of them, (B, H) each; one left out is zero."""

    start: int
    stop: int
    state: dict[str, Array]

    def sizes(self, whole: Key) -> Key:
        """Return the sizes of this part of a sequence."""
        return self.stop - self.start, *whole[1:]

    def of(self, arrays: Mapping[str, Array], whole: Collection[str]) -> dict[str, Array]:
        """Return the steps of this stretch, as views; what is whole is one for all steps."""
        return {name: array if name in whole else array[self.start : self.stop] for name, array in arrays.items()}


def edges(steps: int, every: int) -> Iterator[tuple[int, int]]:
    """Yield where each stretch starts and stops; a sequence of no steps is one stretch."""
    for start in range(0, max(steps, 1), every):
        yield start, min(start + every, steps)


def forward(passes: Passes, sizes: Key, inputs: Mapping[str, Array], params: Mapping[str, Array],
            state: dict[str, Array], y: Array, recorded: Mapping[str, Array],
            every: int) -> tuple[tuple[Stretch, ...], dict[str, Array]]:
    """Run the forward pass stretch by stretch and fill y and what is recorded, (T, B, dim) each.

    Each stretch's tape ends with it. Returns the stretches, and the states after the last one.
    """
    panels = passes.panels("forward", sizes)
    mode = "train" if recorded else "infer"  # the same bits, and without a tape less is written
    stretches: list[Stretch] = []
    last = dict(state)
    for start, stop in edges(len(y), every):
        part = Stretch(start, stop, last)
        stretches.append(part)
        steps_of_it = part.of(inputs, passes.whole)
        buffers = passes.forward(part.sizes(sizes), steps_of_it, params, last, mode, recorded, panels, start > 0)
        y[start:stop] = passes.output(buffers)
        for name, array in recorded.items():
            array[start:stop] = passes.steps(name, buffers)
        last = passes.states_after(buffers)
    return tuple(stretches), last


def backward(passes: Passes, sizes: Key, stretches: tuple[Stretch, ...], inputs: Mapping[str, Array],
             params: Mapping[str, Array], dy: Array, last: dict[str, Array], dx: dict[str, Array]) -> Found:
    """Run both passes on each stretch, the last one first.

    dx: (T, B, dim) for each input that has steps, which is where its gradient is written.
    """
    again, panels = passes.panels("forward", sizes), passes.panels("backward", sizes)
    whole, found = passes.whole, dict[str, Array]()
    for k, part in enumerate(reversed(stretches)):
        steps = part.of(inputs, whole)
        own = part.sizes(sizes)
        held = passes.forward(own, steps, params, part.state, "train", (), again, k > 0).held()
        buffers = passes.backward(own, held, params, dy[part.start : part.stop], last, panels, k > 0)
        this = passes.gradients(buffers, params)
        for name, array in this.x.items():
            if name in whole:
                dx[name] = dx[name] + array if k else array
            else:
                dx[name][part.start : part.stop] = array
        last = this.state
        found = {name: found[name] + value if k else value for name, value in this.params.items()}
        del held, buffers, this  # one stretch's tape at a time
    return Found({name: array[:] for name, array in dx.items()}, found, last)  # views: the memory may be used again
