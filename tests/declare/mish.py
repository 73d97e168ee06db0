"""A function that an author could register: mish, as symcell has it not."""

import numpy as np

from symcell import register_function, sigmoid, softplus, tanh
from symcell.declare.numeric import softplus as stable_softplus


def mish_slope(x, y):
    t = tanh(softplus(x))
    return t + x * sigmoid(x) * (1 - t**2)


def mish_numpy(x):
    return x * np.tanh(stable_softplus(x))


def mish(**changed):
    """Misra 2019, arXiv:1908.08681."""
    given = {"derivative": mish_slope, "c": "{0} * vtanh(vsoftplus({0}))", "numpy": mish_numpy} | changed
    return register_function(given.pop("name", "mish"), **given)
