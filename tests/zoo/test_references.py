"""The derived gradients against those derived by hand: interpreter and references.py agree to rounding."""

import dataclasses

import pytest

from symcell import zoo
from tests.oracle import Results, Sample, assert_alive, assert_close, run
from tests.zoo import references
from tests.zoo.references import REFERENCES

NAMES = sorted(REFERENCES)
SHAPES = [
    {"T": 4, "B": 3, "I": 5, "H": 6},
    {"T": 9, "B": 2, "I": 3, "H": 2},
    {"T": 1, "B": 3, "I": 5, "H": 4},
    {"T": 5, "B": 1, "I": 2, "H": 3},
    {"T": 5, "B": 3, "I": 1, "H": 4},
    {"T": 5, "B": 3, "I": 4, "H": 1},
    {"T": 1, "B": 1, "I": 1, "H": 1},
]


def name_of(shape: dict[str, int]) -> str:
    return ",".join(f"{dim}={size}" for dim, size in shape.items())


def test_every_base_cell_has_a_reference():
    assert set(REFERENCES) == {*zoo.PREBUILT, "mgu", "lstm_multiplicative", "nas", "sru", "sru_recurrence"}


@pytest.mark.parametrize("shape", SHAPES, ids=name_of)
@pytest.mark.parametrize("name", NAMES)
def test_graph_agrees_with_the_hand_derivation(name, shape):
    cell = zoo.find(name)
    sample = Sample.draw(cell, seed=62, **shape)  # at which the relus of the smallest shapes are active
    results = run(cell, sample)
    assert_alive(results)
    assert_close(results, references.run(REFERENCES[name], sample), tolerance=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_long_sequence(name):
    cell = zoo.find(name)
    sample = Sample.draw(cell, T=60, B=2, I=3, H=4, seed=1)
    results = run(cell, sample)
    assert_alive(results)
    assert_close(results, references.run(REFERENCES[name], sample), tolerance=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_the_comparison_notices_each_single_array(name):
    """A wrong entry in any one output or gradient, of the size of the tolerance, does not pass."""
    cell = zoo.find(name)
    sample = Sample.draw(cell)
    good = run(cell, sample)
    for part, value in vars(good).items():
        for key in value if isinstance(value, dict) else [None]:
            array = (value if key is None else value[key]).copy()
            array.flat[-1] += 1e-9 * max(1.0, abs(array).max())
            bad: Results = dataclasses.replace(good, **{part: array if key is None else value | {key: array}})
            with pytest.raises(AssertionError, match=f"{part} {key}:" if key else f"{part}:"):
                assert_close(bad, good, tolerance=1e-10)
