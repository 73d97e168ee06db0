"""NumPy versions of the functions that NumPy has not, stable in both tails, for float64 and complex128.

Where a formula branches on the sign of x, complex numbers branch on that of their real part, so that
complex-step differences work.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any


def _branch(x: Array, yes: Array, no: Array) -> Array:
    return np.where(np.real(x) > 0, yes, no)


def _negative_part(x: Array) -> Array:
    """-|x|, with the sign taken from the real part."""
    return _branch(x, -x, x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow."""
    e = np.exp(_negative_part(x))
    return _branch(x, 1.0, e) / (1.0 + e)


def relu(x: Array) -> Array:
    """max(x, 0); NaN stays NaN."""
    return np.maximum(x, 0.0)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow."""
    return _branch(x, x, 0.0) + np.log1p(np.exp(_negative_part(x)))


def logsigmoid(x: Array) -> Array:
    """log(sigmoid(x))."""
    return -softplus(-x)


def hard_sigmoid(x: Array) -> Array:
    """Clip x/6 + 1/2 to [0, 1]."""
    return np.clip(x / 6.0 + 0.5, 0.0, 1.0)


def hard_tanh(x: Array) -> Array:
    """Clip x to [-1, 1]."""
    return np.clip(x, -1.0, 1.0)


_real_erf = np.frompyfunc(math.erf, 1, 1)


def erf(x: Array) -> Array:
    """Error function; of a complex argument to first order in its imaginary part (a complex step)."""
    real = np.real(np.asarray(x))
    value = np.asarray(_real_erf(real), np.float64)  # of a single number it gives a float, of an array objects
    if not np.iscomplexobj(x):
        return value
    return value + 1j * np.imag(x) * (2.0 / math.sqrt(math.pi)) * np.exp(-(real**2))


def gelu(x: Array) -> Array:
    """x * Phi(x), the erf form (Hendrycks and Gimpel 2016, arXiv:1606.08415)."""
    return 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)))


def silu(x: Array) -> Array:
    """x * sigmoid(x) (Elfwing et al. 2017, arXiv:1702.03118)."""
    return x * sigmoid(x)


def elu(x: Array) -> Array:
    """x for x > 0, exp(x) - 1 elsewhere (Clevert et al. 2015, arXiv:1511.07289)."""
    return _branch(x, x, np.expm1(_negative_part(x)))
