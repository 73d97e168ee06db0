"""torchrecurrent 0.2.5 as an oracle: its cells, run step by step on our weights (`symcell.bench.packaged`)."""

from __future__ import annotations

from typing import Any

import torch
import torchrecurrent

from symcell.bench.packaged import Package
from tests.oracle import Results, Sample
from tests.zoo.differentiate import differentiate, leaf, leaves


class HardSigmoid(torch.nn.Module):
    """That of PyTorch 2.13 multiplies by 1/6 rounded to float32, in float64 too: its gradient errs by 1e-8."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.clip(x / 6 + 0.5, 0, 1)


EXACT = {"SGU": {"gate_nonlinearity": HardSigmoid()}, "DSGU": {"gate_nonlinearity": HardSigmoid()}}


def run_package(package: Package, sample: Sample) -> Results:
    """Outputs, final states and all gradients by the package's equations and PyTorch's autograd."""
    x, params, state = leaf(sample.x), leaves(sample.params), leaves(sample.state)
    H = sample.sizes["H"]
    options = {**package.options, **EXACT.get(package.name, {})}
    module = getattr(torchrecurrent, f"{package.name}Cell")(x.shape[-1], H, dtype=torch.float64, **options)
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
