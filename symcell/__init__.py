"""A compiler for recurrent cells: equations in, derived gradients and fast kernels out.

Names are imported when they are first used: running a prebuilt kernel needs NumPy only.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "symcell.compiler": ("compile", "reference", "derive"),
    "symcell.declare.cell": ("Cell", "UnusedParameterWarning"),
    "symcell.declare.errors": ("CellError",),
    "symcell.declare.naming": ("named",),
    "symcell.declare.register": ("register_function",),
    "symcell.declare.members": (
        "BlockDiagonal", "Constant", "Identity", "Input", "Matrix", "Output", "Scalar", "State", "Vector",
    ),
    "symcell.declare.functions": (
        "elu", "equal", "erf", "exp", "gelu", "hard_sigmoid", "hard_tanh", "leaky_relu", "log", "logsigmoid",
        "maximum", "minimum", "relu", "sigmoid", "sign", "silu", "softplus", "sqrt", "tanh", "where",
    ),
    "symcell.declare.reductions": ("reduce_max", "reduce_mean", "reduce_sum"),
    "symcell.declare.normalise": ("layer_norm", "rms_norm", "softmax"),
    "symcell.transforms.coupled": ("coupled",),
    "symcell.transforms.dims": ("with_dims",),
    "symcell.transforms.dropconnect": ("draw_masks", "dropconnect"),
    "symcell.transforms.dropout": ("variational_dropout", "zoneout"),
    "symcell.transforms.noise": ("draw_noise",),
    "symcell.transforms.normalised": ("layer_normalised",),
    "symcell.transforms.residual": ("residual",),
    "symcell.runtime.errors": ("BuildError", "CacheError", "CacheWarning"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
__all__ = ["__version__", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'symcell' has no attribute {name!r}")
    value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
