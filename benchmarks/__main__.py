"""LSTM, GRU and RNN against torch.nn (oneDNN): forward, inference and training, float32, one process.

Each result is compared with PyTorch's before it is timed. Times depend on the machine and its neighbours; the
ratio torch / symcell, of medians taken in turn, is what to read.
"""

from __future__ import annotations

import os
from typing import Any

import click

SHAPES = (
    (100, 1, 64), (100, 1, 256), (100, 16, 128), (100, 32, 256), (100, 64, 512), (37, 5, 50),
)
GATES = {"i": 0, "f": 1, "g": 2, "o": 3}, {"r": 0, "z": 1, "n": 2}


def torch_params(name: str, layer: Any) -> dict[str, Any]:
    """Return symcell's parameters from a torch.nn layer's; torch has two biases where one would do."""
    W, U, b, c = (p.detach().numpy() for p in layer.parameters())
    H = U.shape[1]
    if name == "rnn":
        return {"W": W.copy(), "U": U.copy(), "b": b + c}
    params: dict[str, Any] = {}
    for gate, k in GATES[name == "gru"].items():
        rows = slice(k * H, (k + 1) * H)
        params |= {f"W_{gate}": W[rows].copy(), f"U_{gate}": U[rows].copy()}
        together = not (name == "gru" and gate == "n")
        params[f"b_{gate}"] = b[rows] + c[rows] if together else b[rows].copy()
        if not together:
            params["c_n"] = c[rows].copy()
    return params


def rows(name: str, threads: int) -> Any:
    """Yield one row of figures per shape."""
    import numpy as np
    import torch

    import symcell
    from benchmarks.timing import medians

    kernel = symcell.compile(name)
    kernel.threads = threads
    gates = {"rnn": 1, "gru": 3, "lstm": 4}[name]
    for T, B, H in SHAPES:
        layer = getattr(torch.nn, name.upper())(H, H)
        x, dy = torch.randn(T, B, H, requires_grad=True), torch.randn(T, B, H)
        x_np, dy_np, params = x.detach().numpy(), dy.numpy(), torch_params(name, layer)

        def torch_infer(layer: Any = layer, x: Any = x) -> Any:
            with torch.no_grad():
                return layer(x)[0]

        def torch_train(layer: Any = layer, x: Any = x, dy: Any = dy) -> Any:
            layer.zero_grad()
            x.grad = None
            layer(x)[0].backward(dy)
            return x.grad

        def infer(x: Any = x_np, params: Any = params) -> Any:
            return kernel.infer(x, params)[0]

        def train(x: Any = x_np, params: Any = params, dy: Any = dy_np) -> Any:
            return kernel.backward(kernel.forward(x, params), dy).x

        for mine, theirs in ((infer(), torch_infer()), (train(), torch_train())):
            np.testing.assert_allclose(mine, theirs.numpy(), rtol=0, atol=2e-4 * max(1.0, abs(mine).max()))
        a, b, c, d = medians([torch_infer, infer, torch_train, train])
        flop = 2.0 * T * B * gates * H * 2 * H
        yield (name, T, B, H, flop / b, flop / a, a / b, 3 * flop / d, 3 * flop / c, c / d)


def sgemm_rate() -> float:
    """Return the rate of a float32 matrix product of order 1024, in operations per second."""
    import numpy as np

    from benchmarks.timing import medians

    a = np.random.default_rng(0).random((1024, 1024), np.float32)
    out = np.empty_like(a)
    return 2 * 1024.0**3 / medians([lambda: np.matmul(a, a, out=out)])[0]


@click.command()
@click.option("--threads", default=1, show_default=True, help="Threads, and cores the process is pinned to.")
@click.option("--cell", "cells", multiple=True, default=("lstm", "gru", "rnn"), show_default=True)
def main(threads: int, cells: tuple[str, ...]) -> None:
    """Print the ratio torch.nn / symcell per cell and shape (larger than 1: symcell is faster)."""
    os.environ.update(OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import torch
    from rich.console import Console
    from rich.table import Table

    torch.set_num_threads(threads)
    console = Console()
    table = Table(title=f"float32, {threads} thread(s), SGEMM {sgemm_rate() / 1e9:.0f} GFLOP/s")
    for column in ("cell", "T", "B", "I=H", "infer", "torch", "ratio", "train", "torch", "ratio"):
        table.add_column(column, justify="left" if column == "cell" else "right")
    for cell in cells:
        for name, T, B, H, *figures in rows(cell, threads):
            shown = [f"{f / 1e9:.1f}" if k % 3 < 2 else f"[bold]{f:.2f}[/]" for k, f in enumerate(figures)]
            table.add_row(name, str(T), str(B), str(H), *shown)
            console.print(f"{name} T={T} B={B} H={H}: inference {figures[2]:.2f}, training {figures[5]:.2f}")
    console.print(table)
    console.print("Rates in GFLOP/s (counting matrix products); ratios are torch's time over symcell's.")


if __name__ == "__main__":
    main()
