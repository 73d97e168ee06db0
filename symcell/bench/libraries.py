"""Peers with an operator of their own for some cells: torch.nn (oneDNN) and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from symcell.bench.problem import Candidate, MissingError, Problem, Results, Work

Array = Any
_TORCH = {"rnn": ("RNN", ("",)), "lstm": ("LSTM", ("_i", "_f", "_g", "_o")), "gru": ("GRU", ("_r", "_z", "_n"))}
_ONNX = {"rnn": ("RNN", ("",)), "lstm": ("LSTM", ("_i", "_o", "_f", "_g")),
         "lstm_peephole": ("LSTM", ("_i", "_o", "_f", "_g")), "gru": ("GRU", ("_z", "_r", "_n")),
         "gru_reset_before": ("GRU", ("_z", "_r", "_n"))}


def _joined(params: Mapping[str, Array], letter: str, gates: tuple[str, ...]) -> Array:
    like = params["b" + gates[0]]
    return np.concatenate([params.get(letter + gate, np.zeros_like(like)) for gate in gates])


def _split(array: Array, letter: str, gates: tuple[str, ...]) -> dict[str, Array]:
    return {f"d {letter}{gate}": part for gate, part in zip(gates, np.split(array, len(gates)), strict=True)}


def torch_nn_candidate(problem: Problem) -> Candidate:
    """torch.nn.RNN, LSTM or GRU, whose second bias is zero but for GRU's c_n."""
    if problem.cell not in _TORCH:
        raise MissingError("has no such cell")
    try:
        import torch
    except ImportError:
        raise MissingError("not installed: pip install torch") from None
    kind, gates = _TORCH[problem.cell]
    x, dy = torch.tensor(problem.inputs["x"]).requires_grad_(), torch.tensor(problem.dy)
    layer = getattr(torch.nn, kind)(x.shape[2], dy.shape[2], dtype=x.dtype)
    with torch.no_grad():
        for parameter, letter in zip(layer.parameters(), "WUbc", strict=True):
            parameter.copy_(torch.tensor(_joined(problem.params, letter, gates)))
    h = [torch.tensor(problem.state[name])[None].requires_grad_() for name in ("h", "c") if name in problem.state]
    leaves = [x, *layer.parameters(), *h]

    def run() -> Any:
        return layer(x, tuple(h) if len(h) > 1 else h[0])

    def infer() -> Any:
        with torch.no_grad():
            return run()

    def train() -> Any:
        y, final = run()
        return y, final, torch.autograd.grad(y, leaves, dy)

    def read(found: Any) -> Results:
        y, final, *rest = found
        states = [s.detach().numpy()[0] for s in (final if len(h) > 1 else (final,))]
        results = {"y": y.detach().numpy(), "final h": states[0]}
        if len(h) > 1:
            results["final c"] = states[1]
        if rest:
            dx, W, U, b, c, *initial = (array.numpy() for array in rest[0])
            results |= {"d x": dx, **_split(W, "W", gates), **_split(U, "U", gates), **_split(b, "b", gates)}
            results |= {key: part for key, part in _split(c, "c", gates).items() if key[2:] in problem.params}
            results |= {f"d initial {n}": a[0] for n, a in zip(("h", "c"), initial, strict=False)}
        return results

    return Candidate("torch.nn", {"inference": Work(infer, read), "forward": Work(run, read),
                                  "training": Work(train, read)})


def onnx_candidate(problem: Problem) -> Candidate:
    """ONNX Runtime's RNN, LSTM or GRU, inference only; the session holds the weights."""
    if problem.cell not in _ONNX or problem.dtype != "float32":
        raise MissingError("has no such operator" if problem.cell not in _ONNX else "its operators are float32")
    try:
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper
    except ImportError:
        raise MissingError("not installed: pip install onnx onnxruntime") from None
    kind, gates = _ONNX[problem.cell]
    H, params = problem.dy.shape[2], problem.params
    weights = {"W": _joined(params, "W", gates), "R": _joined(params, "U", gates),
               "B": np.concatenate([_joined(params, "b", gates), _joined(params, "c", gates)])}
    names, feeds = ["x", "W", "R", "B", "", "h"], {"x": problem.inputs["x"], "h": problem.state["h"][None]}
    if "c" in problem.state:
        names.append("c")
        feeds["c"] = problem.state["c"][None]
    if "p_i" in params:
        names.append("P")
        weights["P"] = np.concatenate([params["p_i"], params["p_o"], params["p_f"]])
    extra = {"linear_before_reset": int(problem.cell == "gru")} if kind == "GRU" else {}
    outputs = ["Y", *(f"final {name}" for name in ("h", "c") if name in problem.state)]
    node = helper.make_node(kind, names, outputs, hidden_size=H, **extra)
    graph = helper.make_graph(
        [node], problem.cell,
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape) for name, array in feeds.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.ascontiguousarray(array[None]), name) for name, array in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = problem.threads, 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def read(found: Any) -> Results:
        return {"y": found[0][:, 0]} | {name: array[0] for name, array in zip(outputs[1:], found[1:], strict=True)}

    return Candidate("ONNX Runtime", {"inference": Work(lambda: session.run(None, feeds), read)})
