"""Results of torch.autograd, in the form of the interpreter's."""

from __future__ import annotations

import numpy as np
import torch

from tests.oracle import Arrays, Results, Sample


def leaf(array: np.ndarray) -> torch.Tensor:
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


def leaves(arrays: Arrays) -> dict[str, torch.Tensor]:
    return {name: leaf(array) for name, array in arrays.items()}


def differentiate(sample: Sample, x, params, state, y, final) -> Results:
    """Results of torch.autograd, from the leaves x, params, state and what was computed of them."""
    loss = (y * torch.tensor(sample.dy)).sum()
    for name, value in final.items():
        loss = loss + (value * torch.tensor(sample.dstate[name])).sum()
    loss.backward()

    def grads(tensors):
        return {name: tensor.grad.numpy() for name, tensor in tensors.items()}

    values = {name: value.detach().numpy() for name, value in final.items()}
    dx = grads(x) if isinstance(x, dict) else x.grad.numpy()
    return Results(y.detach().numpy(), values, dx, grads(params), grads(state))
