"""Peers made from the plan of a cell: JAX's jit(lax.scan), and eager PyTorch with a Python loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from symcell.bench.plan import Plan, compute, stack, unstack
from symcell.bench.problem import Candidate, MissingError, Problem, Results, Work, load

Array = Any
_COMMON = ("tanh", "exp", "log", "sqrt", "abs", "sign", "maximum", "minimum", "where")


def _lookup(table: Mapping[str, Any]) -> Any:
    def function(kind: Any) -> Callable[..., Array]:
        if kind.row.name not in table:
            raise MissingError(f"no function {kind.row.name}")
        return table[kind.row.name]
    return function


def _leaves(problem: Problem) -> dict[str, dict[str, Array]]:
    return {"inputs": dict(problem.inputs), "weights": stack(problem.plan, problem.params),
            "state": dict(problem.state)}


def _open(plan: Plan, leaves: Any, constants: Mapping[str, float], functions: Any) -> dict[str, Array]:
    env = {**leaves["inputs"], **leaves["weights"], **constants}
    return compute(plan, plan.before, env, leaves["weights"], "before", functions)


def _read(problem: Problem, y: Array, state: Mapping[str, Array], gradients: Any = None) -> Results:
    results = {"y": y} | {f"final {name}": array for name, array in state.items()}
    if gradients:
        results |= {f"d {name}": array for name, array in gradients["inputs"].items()}
        learned = {value.name for value in problem.plan.graph.with_role("param")}
        weights = unstack(problem.plan, gradients["weights"])
        results |= {f"d {name}": array for name, array in weights.items() if name in learned}
        results |= {f"d initial {name}": array for name, array in gradients["state"].items()}
    return results


def jax_candidate(problem: Problem) -> Candidate:
    """jit(lax.scan), its gradient by jax.grad in one jitted function."""
    jax, jnp = load("jax"), load("jax.numpy")
    jax.config.update("jax_enable_x64", problem.dtype == "float64")
    table: dict[str, Any] = {name: getattr(jnp, name) for name in _COMMON}
    table |= {name: getattr(jax.nn, name) for name in
              ("sigmoid", "relu", "softplus", "hard_sigmoid", "hard_tanh", "silu", "elu")}
    table |= {"logsigmoid": jax.nn.log_sigmoid, "erf": jax.scipy.special.erf,
              "gelu": lambda x: jax.nn.gelu(x, approximate=False)}
    functions, plan = _lookup(table), problem.plan

    def run(leaves: Any) -> Any:
        env = _open(plan, leaves, problem.constants, functions)

        def step(state: Any, now: Any) -> Any:
            here = compute(plan, plan.loop, {**env, **now, **state}, leaves["weights"], "loop", functions)
            return {c.previous: here[c.next] for c in plan.graph.carries}, {n: here[n] for n in plan.emitted}

        final, steps = jax.lax.scan(step, leaves["state"], {name: env[name] for name in plan.fed})
        end = compute(plan, plan.after, {**env, **steps}, leaves["weights"], "after", functions)
        return end[problem.output], final

    def trained(leaves: Any, dy: Array) -> Any:
        (y, final), pull = jax.vjp(run, leaves)
        (found,) = pull((dy, jax.tree.map(jnp.zeros_like, final)))
        return y, final, found

    leaves = jax.tree.map(jnp.asarray, _leaves(problem))
    dy, forward = jnp.asarray(problem.dy), jax.jit(run)
    taped = jax.jit(lambda leaves: jax.vjp(run, leaves))  # keeps what the gradient needs, as the others do
    training = jax.jit(trained)
    ahead = Work(lambda: jax.block_until_ready(forward(leaves)), lambda pair: _read(problem, pair[0], pair[1]))
    tape = Work(lambda: jax.block_until_ready(taped(leaves)), lambda found: _read(problem, *found[0]))
    train = Work(lambda: jax.block_until_ready(training(leaves, dy)),
                 lambda found: _read(problem, *found))
    return Candidate("JAX", {"infer": ahead, "forward": tape, "training": train})


def torch_candidate(problem: Problem) -> Candidate:
    """Eager PyTorch: projections hoisted, a Python loop, autograd."""
    torch, F = load("torch"), load("torch.nn.functional")
    torch.set_num_threads(problem.threads)
    table: dict[str, Any] = {name: getattr(torch, name) for name in (*_COMMON, "sigmoid", "relu", "erf")}
    table |= {"softplus": F.softplus, "logsigmoid": F.logsigmoid, "hard_tanh": F.hardtanh, "gelu": F.gelu,
              "silu": F.silu, "elu": F.elu, "hard_sigmoid": lambda x: torch.clamp(x / 6 + 0.5, 0, 1)}
    functions, plan = _lookup(table), problem.plan
    leaves = {part: {name: torch.tensor(array).requires_grad_() for name, array in arrays.items()}
              for part, arrays in _leaves(problem).items()}
    flat, dy = [leaf for part in leaves.values() for leaf in part.values()], torch.tensor(problem.dy)

    def run() -> Any:
        env = _open(plan, leaves, problem.constants, functions)
        fed, state, steps = {name: env[name].unbind(0) for name in plan.fed}, leaves["state"], []
        for t in range(problem.T):
            now = {**env, **{name: rows[t] for name, rows in fed.items()}, **state}
            here = compute(plan, plan.loop, now, leaves["weights"], "loop", functions)
            state = {carry.previous: here[carry.next] for carry in plan.graph.carries}
            steps.append([here[name] for name in plan.emitted])
        stacked = {name: torch.stack(rows) for name, rows in zip(plan.emitted, zip(*steps, strict=True), strict=True)}
        end = compute(plan, plan.after, {**env, **stacked}, leaves["weights"], "after", functions)
        return end[problem.output], state

    def infer() -> Any:
        with torch.no_grad():
            return run()

    def train() -> Any:
        y, state = run()
        return y, state, torch.autograd.grad(y, flat, dy, allow_unused=True, materialize_grads=True)

    def read(found: Any) -> Results:
        y, state, *rest = found
        arrays = iter(a.numpy() for a in rest[0]) if rest else iter(())
        grads = {p: {n: next(arrays) for n in part} for p, part in leaves.items()} if rest else None
        return _read(problem, y.detach().numpy(), {n: s.detach().numpy() for n, s in state.items()}, grads)

    return Candidate("eager torch", {"infer": Work(infer, read), "forward": Work(run, read),
                                     "training": Work(train, read)})
