"""torchrecurrent 0.2.5 as an oracle: how the weights of a cell of the zoo lie in the package's cell of the same paper.

The package stacks the matrices of a cell's gates in one, (G*H, I), in an order of its own, and has two biases where
their sum is one number: those that a row does not name are 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torchrecurrent

from symcell.declare.cell import Cell
from tests.oracle import Results, Sample
from tests.zoo.differentiate import differentiate, leaf, leaves

Tensors = tuple[torch.Tensor, ...]


def single(call: Callable[..., Any], x: torch.Tensor, h: torch.Tensor) -> Tensors:
    """The output is the state."""
    h = call(x, h)
    return h, h


def double(call: Callable[..., Any], x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> Tensors:
    """The output is the first of two states."""
    h, c = call(x, (h, c))
    return h, h, c


class HardSigmoid(torch.nn.Module):
    """That of PyTorch 2.13 multiplies by 1/6 rounded to float32, in float64 too: its gradient errs by 1e-8."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.clip(x / 6 + 0.5, 0, 1)


def decoupled(call: Callable[..., Any], x: torch.Tensor, h: torch.Tensor) -> Tensors:
    """The output is not the state."""
    return tuple(call(x, h))


def decoupled_double(call: Callable[..., Any], x: torch.Tensor, h: torch.Tensor, c: torch.Tensor) -> Tensors:
    """The output is neither of two states."""
    y, (h, c) = call(x, (h, c))
    return y, h, c


def twice(call: Callable[..., Any], x: torch.Tensor, h: torch.Tensor) -> Tensors:
    """The package carries our one state twice."""
    h, again = call(x, (h, h))
    assert h is again
    return h, h


def delayed(call: Callable[..., Any], x: torch.Tensor, h: torch.Tensor, *past: torch.Tensor) -> Tensors:
    """The state of as many steps before as we keep is a third argument."""
    new = call(x, h, past[-1])
    return new, new, h, *past[:-1]


@dataclass(frozen=True)
class Package:
    """A cell of the package.

    name: of its class, without "Cell". weights: which of our parameters are stacked in each of its tensors, separated
    by blanks, "0" for a block of H zeros; a number where the package learns what the paper has fixed. step: from the
    module, an input and our states to the output and our states. options: of its constructor. constants: the same for
    our cell, where they are not its defaults. cell: what to compare where the package deviates from the paper, a
    variant of the zoo's cell.
    """

    name: str
    weights: Mapping[str, str | float]
    step: Callable[..., Tensors] = single
    options: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    cell: type[Cell] | None = None


def run_package(package: Package, sample: Sample) -> Results:
    """Outputs, final states and all gradients by the package's equations and PyTorch's autograd."""
    x, params, state = leaf(sample.x), leaves(sample.params), leaves(sample.state)
    H = sample.sizes["H"]
    module = getattr(torchrecurrent, f"{package.name}Cell")(x.shape[-1], H, dtype=torch.float64, **package.options)
    zero = {"0": torch.zeros(H, dtype=torch.float64)}
    tensors = dict(module.named_parameters()) | dict(module.named_buffers())
    weights = {name: torch.zeros_like(tensor) for name, tensor in tensors.items()}
    for name, parts in package.weights.items():
        if isinstance(parts, float):
            weights[name] = torch.tensor(parts, dtype=torch.float64)
        else:
            weights[name] = torch.cat([torch.atleast_1d((params | zero)[part]) for part in parts.split()])
        assert weights[name].shape == tensors[name].shape, name

    def call(*arguments: Any) -> Any:
        return torch.func.functional_call(module, weights, arguments)

    values, outputs = tuple(state.values()), []
    for x_t in x:
        y, *values = package.step(call, x_t, *values)
        outputs.append(y)
    final = dict(zip(state, values, strict=True))
    return differentiate(sample, x, params, state, torch.stack(outputs), final)
