"""ONNX Runtime, whose operators RNN, LSTM and GRU run forward only, in float32."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symcell.bench.problem import Candidate, MissingError, Problem, Results, Work, load

Array = Any


@dataclass(frozen=True)
class Operator:
    """An operator, its gates in the order of the standard, and its attributes."""

    kind: str
    gates: tuple[str, ...]
    attributes: tuple[tuple[str, int], ...] = ()


_LSTM = ("_i", "_o", "_f", "_g")
_GRU = ("_z", "_r", "_n")
ONNX = {
    "rnn": Operator("RNN", ("",)),
    "lstm": Operator("LSTM", _LSTM),
    "lstm_peephole": Operator("LSTM", _LSTM),
    "gru": Operator("GRU", _GRU, (("linear_before_reset", 1),)),
    "gru_reset_before": Operator("GRU", _GRU, (("linear_before_reset", 0),)),
}


def onnx_candidate(problem: Problem) -> Candidate:
    """A session that holds the weights, so that what it prepares of them is not timed."""
    if problem.cell not in ONNX:
        raise MissingError("has no such operator")
    if problem.dtype != "float32":
        raise MissingError("its operators are float32")
    onnx, runtime, operator = load("onnx"), load("onnxruntime"), ONNX[problem.cell]
    states = [name for name in ("h", "c") if name in problem.state]
    feeds = {"x": problem.inputs["x"]} | {name: problem.state[name][None] for name in states}
    outputs = ["Y", *(f"final {name}" for name in states)]
    model = _model(onnx, operator, feeds, outputs, _weights(operator, problem.params), problem.dy.shape[2])
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = problem.threads, 1
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def read(found: Any) -> Results:
        return {"y": found[0][:, 0]} | {name: array[0] for name, array in zip(outputs[1:], found[1:], strict=True)}

    return Candidate("ONNX Runtime", {"infer": Work(lambda: session.run(None, feeds), read)})


def _weights(operator: Operator, params: Mapping[str, Array]) -> dict[str, Array]:
    def joined(letter: str) -> Array:
        zero = np.zeros_like(params["b" + operator.gates[0]])  # of a second bias that the cell does not have
        return np.concatenate([params.get(letter + gate, zero) for gate in operator.gates])
    weights = {"W": joined("W"), "R": joined("U"), "B": np.concatenate([joined("b"), joined("c")])}
    if "p_i" in params:
        weights["P"] = np.concatenate([params["p_i"], params["p_o"], params["p_f"]])
    return weights


def _model(onnx: Any, operator: Operator, feeds: Mapping[str, Array], outputs: list[str],
           weights: Mapping[str, Array], H: int) -> Any:
    make, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
    names = ["x", "W", "R", "B", "", *(name for name in ("h", "c", "P") if name in feeds or name in weights)]
    node = make.make_node(operator.kind, names, outputs, hidden_size=H, **dict(operator.attributes))
    graph = make.make_graph(
        [node], "cell",
        [make.make_tensor_value_info(name, FLOAT, array.shape) for name, array in feeds.items()],
        [make.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [onnx.numpy_helper.from_array(np.ascontiguousarray(array[None]), name) for name, array in weights.items()])
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 14)], ir_version=8)
