"""The concatenated form W [h, x] and the split form W x + U h are one cell."""

import numpy as np
import pytest

from symcell import zoo
from symcell.zoo.convert import split_concatenated
from tests.oracle import Sample, run

SIZES = {"T": 5, "B": 3, "I": 4, "H": 6}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def lstm(w, join, x, h, c):
    """As textbooks write it: f = sigmoid(W_f [h, x] + b_f) and so on."""
    v = join(h, x)
    i, f, o = (sigmoid(v @ w[f"W_{k}"].T + w[f"b_{k}"]) for k in "ifo")
    c = f * c + i * np.tanh(v @ w["W_g"].T + w["b_g"])
    return o * np.tanh(c), c


def gru_reset_before(w, join, x, h):
    r, z = (sigmoid(join(h, x) @ w[f"W_{k}"].T + w[f"b_{k}"]) for k in "rz")
    return ((1 - z) * np.tanh(join(r * h, x) @ w["W_n"].T + w["b_n"]) + z * h,)


def mgu(w, join, x, h):
    """As Zhou et al. 2016 print it."""
    f = sigmoid(join(h, x) @ w["W_f"].T + w["b_f"])
    return ((1 - f) * h + f * np.tanh(join(f * h, x) @ w["W_n"].T + w["b_n"]),)


def rnn(w, join, x, h):
    return (np.tanh(join(h, x) @ w["W"].T + w["b"]),)


JOIN = {"hx": lambda h, x: np.concatenate([h, x], axis=1), "xh": lambda h, x: np.concatenate([x, h], axis=1)}


def concatenated(params, order):
    """Random weights in the other form, under the names of the split one."""
    random = np.random.default_rng(7)
    shapes = {k: (SIZES["H"], SIZES["H"] + SIZES["I"]) for k in params if k.startswith("W")}
    shapes |= {k: v.shape for k, v in params.items() if k.startswith("b")}
    return {k: random.normal(size=shape) / 3 for k, shape in shapes.items()}


@pytest.mark.parametrize("order", JOIN)
@pytest.mark.parametrize("step", [rnn, lstm, gru_reset_before, mgu], ids=lambda step: step.__name__)
def test_both_forms_agree(step, order):
    cell = zoo.find(step.__name__)
    sample = Sample.draw(cell, **SIZES)
    weights = concatenated(sample.params, order)
    results = run(cell, sample.with_params(**split_concatenated(weights, order)))
    states, y = tuple(sample.state.values()), []
    for x in sample.x:
        states = step(weights, JOIN[order], x, *states)
        y.append(states[0])
    np.testing.assert_allclose(results.y, np.stack(y), rtol=0, atol=1e-13)
    np.testing.assert_allclose(list(results.state.values()), states, rtol=0, atol=1e-13)
    other = split_concatenated(weights, "xh" if order == "hx" else "hx")
    assert np.abs(run(cell, sample.with_params(**other)).y - results.y).max() > 1e-2, "the order matters"


def test_columns_by_order_and_everything_else_copied():
    W = np.arange(12.0).reshape(3, 4)
    weights = {"W_i": W, "p_i": np.ones(3, np.float32), "b_i": np.zeros(3)}
    split = split_concatenated(weights)
    np.testing.assert_array_equal(split["U_i"], W[:, :3])
    np.testing.assert_array_equal(split["W_i"], W[:, 3:])
    assert list(split) == ["W_i", "U_i", "p_i", "b_i"]
    assert split["p_i"].dtype == np.float32
    assert not any(np.shares_memory(a, b) for a in split.values() for b in weights.values())
    assert all(array.flags.c_contiguous for array in split.values())
    reverse = split_concatenated(weights, order="xh")
    np.testing.assert_array_equal(reverse["W_i"], W[:, :1])
    np.testing.assert_array_equal(reverse["U_i"], W[:, 1:])


def test_a_state_of_another_size_than_the_rows_and_an_output_layer():
    """Jordan's hidden layer sees [y, x]: its rows are H, the state has O."""
    cell = zoo.find("jordan")
    sample = Sample.draw(cell, T=3, B=2, I=4, H=5, O=2)
    p = sample.params
    joined = {"W": np.concatenate([p["U"], p["W"]], axis=1), "b": p["b"], "W_y": p["W_y"], "b_y": p["b_y"]}
    split = split_concatenated(joined, state=2)
    assert set(split) == set(p)
    assert all(np.array_equal(split[name], p[name]) for name in p)
    assert split_concatenated(joined, state=2, keep=())["W_y"].shape == (2, 3), "W_y split like the others"


@pytest.mark.parametrize(("weights", "options", "message"), [
    ({"W": np.ones((3, 4))}, {"order": "h,x"}, "order is"),
    ({"W_f": np.ones((3, 3))}, {}, "W_f has the shape"),
    ({"W_f": np.ones(3)}, {}, "W_f has the shape"),
    ({"W_f": np.float64(1)}, {}, "W_f has the shape"),
    ({"W": np.ones((3, 4)), "U": np.ones((3, 3))}, {}, "U comes twice"),
])
def test_what_cannot_be_split_is_refused(weights, options, message):
    with pytest.raises(ValueError, match=message):
        split_concatenated(weights, **options)
