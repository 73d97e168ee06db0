"""What printed functions and operators compute, of numbers, vectors, matrices, and the words between them."""

import numpy as np

FUNCTIONS = {
    r"\sigma": lambda x: 1 / (1 + np.exp(-x)), r"\tanh": np.tanh, r"\exp": np.exp, r"\log": np.log,
    r"\max": lambda *of: np.max(of[0]) if len(of) == 1 else np.maximum(*of), r"\min": np.minimum,
}  # fmt: skip
OPERATORS = {
    "softplus": lambda x: np.log1p(np.exp(x)), "relu": lambda x: np.maximum(x, 0), "sign": np.sign, "diag": np.diag,
    "hardsigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "tr": np.trace,
    "argmax": lambda vector: Place(vector), "colmax": lambda m: m.max(axis=0), "rowmax": lambda m: m.max(axis=1),
}  # fmt: skip
RELATIONS = {"<": np.less, ">": np.greater, "=": np.equal, r"\leq": np.less_equal, r"\geq": np.greater_equal}


class Place(int):
    """The index of the first of the largest components of a vector, and `here`, where that is."""

    def __new__(cls, vector):
        made = super().__new__(cls, np.argmax(vector))
        made.size, made.here = len(vector), np.arange(len(vector)) == np.argmax(vector)
        return made


def powered(value, power):
    return value if power == 1 else value**power


def transposed(value):
    if isinstance(value, str):
        return "sum"
    return value.T if value.ndim == 2 else value[None, :]


def together(left, right):
    if isinstance(right, str) and right == "ones":
        return left.sum(axis=1)
    if isinstance(left, str) and left == "sum":
        return right.sum() if right.ndim == 1 else right.sum(axis=0)[None]
    if isinstance(right, str):  # a column in front of a row of ones
        return left[:, None]
    if isinstance(left, str):
        return right  # a column of ones in front of a row: the row, as often as its neighbours ask for
    if np.ndim(left) == 0 or np.ndim(right) == 0:
        return left * right
    if np.ndim(left) == 1:
        assert np.shape(right)[0] == 1, "a vector in front of something other than a row"
        assert right.ndim == 2
        return np.outer(left, right)
    return left @ (np.broadcast_to(right, (left.shape[1], right.shape[1])) if np.shape(right)[0] == 1 else right)
