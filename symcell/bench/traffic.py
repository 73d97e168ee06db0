"""What a cell without products has to move through memory, in bytes."""

from __future__ import annotations

from symcell.bench.problem import Problem


def least_bytes(problem: Problem, mode: str) -> float:
    """Return the bytes of arrays (T, B, dim) that any program must read or write.

    infer: the inputs and y. forward: the states of all steps too, which the backward pass needs. training: also
    what that pass reads, inputs, states and dy, and the gradients of the inputs, which it writes.
    """
    steps = problem.T * problem.B * problem.dy.itemsize
    inputs = sum(array.nbytes for array in problem.inputs.values())
    y = problem.dy.nbytes
    # A state that is the output is there already.
    outputs = {carry.next for carry in problem.plan.graph.carries} & set(problem.plan.graph.outputs)
    states = steps * sum(array.shape[-1] for array in problem.state.values()) - (y if outputs else 0)
    forward = inputs + y + states
    backward = inputs + states + y * (2 if outputs else 1) + inputs
    return float({"infer": inputs + y, "forward": forward, "training": forward + backward}[mode])
