"""The LSTM with zoneout and variational dropout in PyTorch, by hand, and the comparison with what symcell makes."""

import numpy as np
import torch

import symcell
from symcell import draw_noise
from symcell.transforms.body import declaration

SIZES = {"I": 3, "H": 5}
RATES = {"h": 0.25, "c": 0.5}


def problem(cell, noisy=None, T=6, B=4, seed=0, dtype="float64"):
    """Parameters, x, noise, states and dy of a cell."""
    random = np.random.default_rng(seed)
    params = symcell.reference(cell).init_params(seed=seed, **SIZES)
    for name, array in params.items():
        params[name] = array + 0.1 * random.normal(size=array.shape)
    noise = draw_noise(noisy, seed, T=T, B=B, dtype=dtype, **SIZES) if noisy else {}
    states = {name: random.normal(size=(B, SIZES[dim])) for name, dim in declaration(cell).states}
    return params, random.normal(size=(T, B, 3)), noise, states, random.normal(size=(T, B, 5))


def tensors(arrays):
    return {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}


def lstm_in_torch(params, xs, states, zoned=lambda t, name, old, new: new, masked=lambda name, value: value):
    """Krueger et al. 2017, the equations of section 3.2; Gal and Ghahramani 2016, eq. 7."""
    h, c, outputs = states["h"], states["c"], []
    for t, x in enumerate(xs):
        x, seen = masked("x", x), masked("h", h)
        a = {g: x @ params[f"W_{g}"].T + seen @ params[f"U_{g}"].T + params[f"b_{g}"] for g in "ifgo"}
        new_c = torch.sigmoid(a["f"]) * c + torch.sigmoid(a["i"]) * torch.tanh(a["g"])
        new_h = torch.sigmoid(a["o"]) * torch.tanh(new_c)
        c, h = zoned(t, "c", c, new_c), zoned(t, "h", h, new_h)
        outputs.append(h)
    return torch.stack(outputs), {"h": h, "c": c}


def assert_like_torch(cell, params, x, states, dy, run_in_torch):
    """y, final states and all gradients of the reference, and of the compiled kernel, against autograd."""
    ours, start, xs = tensors(params), tensors(states), torch.tensor(x["x"], requires_grad=True)
    y, last = run_in_torch(ours, xs, start)
    (y * torch.tensor(dy)).sum().backward()
    for kernel in (symcell.reference(cell), symcell.compile(cell, "float64")):
        run = kernel.forward(x, params, states)
        grads = kernel.backward(run, dy)
        pairs = [(run.y, y), (grads.x["x"], xs.grad), *((run.state[name], last[name]) for name in last),
                 *((grads.params[name], ours[name].grad) for name in params),
                 *((grads.state[name], start[name].grad) for name in states)]
        for got, expected in pairs:
            assert np.allclose(got, expected.detach().numpy(), rtol=1e-10, atol=1e-12)


def zoned_by(noise):
    def zoned(t, name, old, new):
        keep = torch.tensor((noise[f"zone_{name}"][t] < RATES[name]).astype(float))
        return keep * old + (1 - keep) * new
    return zoned
