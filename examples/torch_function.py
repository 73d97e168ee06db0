"""Train a symcell cell from PyTorch: one autograd function, and a module around it.

    python examples/torch_function.py

What the function does beyond calling the kernel:

- `dy.contiguous()`: the gradient of `y.sum()` is one number seen through strides of 0.
- `.copy()`: `run.y` is read-only, because the backward pass reads it; tensors are not.
- The state comes out as tensors of the graph, so a loss may depend on it too.

A gradient of a gradient is refused (`once_differentiable`). The cell runs on the CPU.
"""

from __future__ import annotations

import click
import torch
from mgu import MGU
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

import symcell
from symcell.runtime.kernel import Kernel


class CellFunction(torch.autograd.Function):
    """(kernel, x, *states, *parameters) -> (y, *states), in the order in which the cell declares them."""

    @staticmethod
    def forward(ctx, kernel: Kernel, states: tuple[str, ...], names: tuple[str, ...], x: Tensor,
                *tensors: Tensor) -> tuple[Tensor, ...]:
        arrays = [tensor.detach().contiguous().numpy() for tensor in tensors]
        state = dict(zip(states, arrays, strict=False))
        params = dict(zip(names, arrays[len(states):], strict=True))
        ctx.kernel, ctx.states, ctx.names = kernel, states, names
        ctx.run = kernel.forward(x.detach().contiguous().numpy(), params, state)
        ctx.save_for_backward(*tensors)  # so that PyTorch notices parameters that change before backward
        return torch.from_numpy(ctx.run.y.copy()), *(torch.from_numpy(ctx.run.state[name]) for name in states)

    @staticmethod
    @once_differentiable
    def backward(ctx, dy: Tensor, *dstates: Tensor) -> tuple[Tensor | None, ...]:
        _ = ctx.saved_tensors  # raises if one of them was changed in place
        dstate = {name: d.contiguous().numpy() for name, d in zip(ctx.states, dstates, strict=True)}
        grads = ctx.kernel.backward(ctx.run, dy.contiguous().numpy(), dstate)
        found = [grads.x, *map(grads.state.get, ctx.states), *map(grads.params.get, ctx.names)]
        return None, None, None, *(torch.from_numpy(array) for array in found)


class CellLayer(nn.Module):
    """Any cell as a layer: x (T, B, I) -> y (T, B, H) and the states after the last step, (B, H) each."""

    def __init__(self, cell: type[symcell.Cell], dtype: torch.dtype = torch.float32, seed: int = 0,
                 **sizes: int) -> None:
        super().__init__()
        self.kernel = symcell.compile(cell, dtype=str(dtype).removeprefix("torch."))
        self.sizes = {name: sizes[dim] for name, dim in cell.spec.states}
        for name, array in self.kernel.init_params(seed=seed, **sizes).items():
            self.register_parameter(name, nn.Parameter(torch.from_numpy(array)))

    def forward(self, x: Tensor, state: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor]]:
        zero = {name: x.new_zeros(x.shape[1], size) for name, size in self.sizes.items()}
        states, params = zero | (state or {}), dict(self.named_parameters())
        y, *last = CellFunction.apply(
            self.kernel, tuple(states), tuple(params), x, *states.values(), *params.values())
        return y, dict(zip(states, last, strict=True))


def check_gradients(cell: type[symcell.Cell] = MGU, T: int = 4, B: int = 2, I: int = 3, H: int = 5) -> bool:
    """Compare with finite differences, in float64: the input, the initial states and every parameter."""
    layer = CellLayer(cell, torch.float64, I=I, H=H)
    shapes = [(T, B, I), *((B, size) for size in layer.sizes.values())]
    tensors = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    params = dict(layer.named_parameters())

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        return CellFunction.apply(layer.kernel, tuple(layer.sizes), tuple(params), *tensors)

    return torch.autograd.gradcheck(run, (*tensors, *params.values()))


def train(steps: int, seed: int = 0) -> list[float]:
    """Learn to say at the end of a sequence whether its numbers add up to more than zero."""
    torch.manual_seed(seed)
    layer, head = CellLayer(MGU, I=1, H=32), nn.Linear(32, 1)
    optimiser = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=1e-2)
    losses = []
    for _ in range(steps):
        x = torch.randn(20, 64, 1)
        y, _ = layer(x)
        loss = nn.functional.binary_cross_entropy_with_logits(head(y[-1]), (x.sum(0) > 0).float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses


@click.command()
@click.option("--steps", default=300, show_default=True, type=click.IntRange(1), help="Training steps.")
def main(steps: int) -> None:
    """Check the gradients, then train."""
    click.echo(f"gradcheck: {'passed' if check_gradients() else 'failed'}")
    losses = train(steps)
    for step in range(0, steps, max(1, steps // 6)):
        click.echo(f"step {step:4d}   loss {losses[step]:.3f}")
    click.echo(f"step {steps - 1:4d}   loss {losses[-1]:.3f}")


if __name__ == "__main__":
    main()
