"""Oracle 4: the declaration in an independent framework, differentiated by that: PyTorch's autograd, JAX's grad.

Both are optional; where one is not installed its row says so. Functions are the framework's own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from symcell.declare.spec import CellSpec
from symcell.graph.adjoint import adjoint
from symcell.graph.lower import lower
from symcell.proof.declared import Library, one_step
from symcell.proof.definitions import UnknownFunctionError
from symcell.proof.kinks import clear_problem
from symcell.proof.numeric import sizes_of
from symcell.proof.problem import Problem, run_graphs
from symcell.proof.result import FINAL, OUTPUT, Outcome, Results, compare, not_run

Array = Any
TORCH, JAX = "PyTorch autograd", "JAX grad"
TOLERANCE = 1e-10  # float64 on both sides, other orders of summation and other exp and tanh
CLEAR = 1e-6  # from kinks: far above rounding

Function = Callable[..., Array]
_COMMON = ("tanh", "exp", "log", "sqrt", "abs", "sign", "maximum", "minimum", "where")


def check_torch(spec: CellSpec) -> list[Outcome]:
    """Compare outputs, final states and all gradients with PyTorch's."""
    return _check(spec, TORCH, "torch", run_torch)


def check_jax(spec: CellSpec) -> list[Outcome]:
    """Compare outputs, final states and all gradients with JAX's.

    JAX differentiates, and XLA compiles what comes of it. Where that differs, JAX alone decides, operation by
    operation: that of JAX 0.10.2 errs by a thousandth in a gradient of the cell in tests/proof/test_frameworks.py.
    """
    compiled = _check(spec, JAX, "jax", run_jax)
    if all(row.passed is not False for row in compiled):
        return compiled
    alone = _check(spec, JAX, "jax", partial(run_jax, compiled=False))
    return [replace(row, how=f"{row.how}, operation by operation, as what XLA compiles differs") for row in alone]


def _check(spec: CellSpec, oracle: str, package: str, run: Callable[[CellSpec, Problem], Results]) -> list[Outcome]:
    try:
        version = importlib.import_module(package).__version__
    except ImportError:
        return [not_run(oracle, f"not installed: pip install {package}")]
    forward = lower(spec)
    sizes, T = sizes_of(spec, B=2, first=3), 4
    problem = clear_problem(spec, forward, T, sizes, CLEAR)
    shown = ", ".join(f"{dim}={size}" for dim, size in {"T": T, **sizes}.items())
    try:
        expected = run(spec, problem)
    except UnknownFunctionError as error:
        return [not_run(oracle, str(error))]
    derived = run_graphs(forward, adjoint(forward), problem)
    return compare(oracle, derived, expected, TOLERANCE, f"{package} {version}, float64, {shown}")


class _Framework:
    """A library of arrays, given its functions by name."""

    def __init__(self, functions: dict[str, Function], constant: Function, broadcast: Function) -> None:
        self.functions, self.constant, self.broadcast = functions, constant, broadcast

    def function(self, name: str) -> Function:
        if name not in self.functions:
            raise UnknownFunctionError(f"the function {name} is not one of symcell's own")
        return self.functions[name]

    def real(self, value: Array) -> Array:
        return value

    def apply(self, vector: Array, matrix: Array) -> Array:
        return vector @ matrix

    def reduce(self, kind: str, array: Array) -> Array:
        if kind in ("sum", "mean"):
            return getattr(array, kind)(-1)[..., None]
        return self.functions["max"](array)[..., None]


def run_torch(spec: CellSpec, problem: Problem) -> Results:
    """What PyTorch makes of the declaration: results and gradients."""
    import torch
    from torch.nn import functional as F

    functions: dict[str, Function] = {name: getattr(torch, name) for name in (*_COMMON, "sigmoid", "relu", "erf")}
    functions |= {"softplus": F.softplus, "logsigmoid": F.logsigmoid, "hard_tanh": F.hardtanh, "gelu": F.gelu,
                  "silu": F.silu, "elu": F.elu, "max": lambda x: x.max(-1).values,
                  # not F.hardsigmoid, whose backward holds 1/6 in float32, whatever the dtype
                  "hard_sigmoid": lambda x: torch.clamp(x / 6 + 0.5, 0, 1)}

    def tensor(value: Array) -> Array:
        return torch.tensor(np.array(value, dtype=np.float64))

    library = _Framework(functions, tensor, lambda value, shape: value.expand(shape))
    leaves = {key: tensor(array).requires_grad_() for key, array in problem.variables.items()}
    named = {name: tensor(array) for (_, name), array in problem.given.items()}
    named |= {name: leaf for (_, name), leaf in leaves.items()}
    steps, state = _sequence(spec, problem, library, named, tensor)
    y = torch.stack(steps)
    loss = (y * tensor(problem.dy)).sum() + sum((state[name] * tensor(d)).sum() for name, d in problem.dstate.items())
    gradients = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
    results = {(OUTPUT, "y"): y, **{(FINAL, name): array for name, array in state.items()}}
    results |= dict(zip(leaves, gradients, strict=True))
    return {key: array.detach().numpy() for key, array in results.items()}


def run_jax(spec: CellSpec, problem: Problem, compiled: bool = True) -> Results:
    """What JAX makes of the declaration: results and gradients, compiled or not, with 64-bit numbers."""
    import jax
    import jax.numpy as jnp

    functions: dict[str, Function] = {name: getattr(jnp, name) for name in _COMMON}
    functions |= {name: getattr(jax.nn, name)
                  for name in ("sigmoid", "relu", "softplus", "hard_sigmoid", "hard_tanh", "silu", "elu")}
    functions |= {"max": lambda x: x.max(-1), "logsigmoid": jax.nn.log_sigmoid, "erf": jax.scipy.special.erf,
                  "gelu": lambda x: jax.nn.gelu(x, approximate=False)}

    def array(value: Array) -> Array:
        return jnp.asarray(value, dtype=jnp.float64)

    library = _Framework(functions, array, jnp.broadcast_to)

    def loss(leaves: list[Array]) -> Any:
        named = {name: array(value) for (_, name), value in problem.given.items()}
        named |= {name: leaf for (_, name), leaf in zip(problem.variables, leaves, strict=True)}
        steps, state = _sequence(spec, problem, library, named, array)
        y = jnp.stack(steps)
        total = (y * problem.dy).sum() + sum((state[name] * d).sum() for name, d in problem.dstate.items())
        return total, (y, state)

    home = jax if hasattr(jax, "enable_x64") else importlib.import_module("jax.experimental")  # older versions of JAX
    with home.enable_x64(True), nullcontext() if compiled else jax.disable_jit():
        leaves = [array(value) for value in problem.variables.values()]
        derived = jax.value_and_grad(loss, has_aux=True)
        (_, (y, state)), gradients = (jax.jit(derived) if compiled else derived)(leaves)
    results = {(OUTPUT, "y"): y, **{(FINAL, name): value for name, value in state.items()}}
    results |= dict(zip(problem.variables, gradients, strict=True))
    return {key: np.asarray(value) for key, value in results.items()}


def _sequence(spec: CellSpec, problem: Problem, library: Library, named: dict[str, Array], constant: Function,
              ) -> tuple[list[Array], dict[str, Array]]:
    """Outputs of all steps, and final states; `named` holds the framework's inputs, parameters and states."""
    constants = {name: constant(value) for name, value in problem.constants.items()}
    state, outputs = {name: named[name] for name in problem.state}, []
    for t in range(problem.T):
        given = {**named, **constants, **problem.now(t, named), **state}
        state, y = one_step(spec, library, problem.sizes["B"], problem.sizes, given)
        outputs.append(y)
    return outputs, state
