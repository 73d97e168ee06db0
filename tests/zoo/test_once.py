"""Cells with matrices and scalars made once per call, beyond the comparisons of the table."""

from dataclasses import replace

import numpy as np
import pytest

from symcell import zoo
from tests.oracle import Sample, assert_close, run
from tests.zoo.packaged import run_package
from tests.zoo.table import PACKAGED


@pytest.mark.parametrize(("name", "option"), [("antisymmetric", {"epsilon": 0.3, "gamma": 0.02}),
                                              ("antisymmetric_gated", {"epsilon": 0.2, "gamma": 0.2}),
                                              ("fastgrnn", {"nonlinearity": "tanh"})])
def test_another_convention_is_noticed(name, option):
    sample, package = Sample.draw(zoo.find(name), T=7, B=3, I=4, H=5, seed=7), PACKAGED[name]
    sample = replace(sample, constants=sample.constants | dict(package.constants))
    assert_close(run(zoo.find(name), sample), run_package(package, sample), 1e-9)
    with pytest.raises(AssertionError):
        assert_close(run(zoo.find(name), sample), run_package(replace(package, options=option), sample), 1e-9)


def test_low_rank_is_full_rank_with_the_product_of_the_factors():
    sample = Sample.draw(zoo.find("fastgrnn_lowrank"), T=5, B=2, I=4, H=6, R=2, S=3, seed=1)
    p = dict(sample.params)
    full = {name: p[name] for name in ("b_z", "b_n", "zeta", "nu")}
    full |= {"W": p["W_1"] @ p["W_2"].T, "U": p["U_1"] @ p["U_2"].T}
    low, expected = run(zoo.find("fastgrnn_lowrank"), sample), run(zoo.find("fastgrnn"), sample.with_params(**full))
    np.testing.assert_allclose(low.y, expected.y, rtol=1e-12)
    np.testing.assert_allclose(low.dx, expected.dx, rtol=0, atol=1e-12)
    for side, factors in (("W", ("W_1", "W_2")), ("U", ("U_1", "U_2"))):
        first, second = (p[name] for name in factors)
        np.testing.assert_allclose(low.dparams[factors[0]], expected.dparams[side] @ second, rtol=0, atol=1e-12)
        np.testing.assert_allclose(low.dparams[factors[1]], expected.dparams[side].T @ first, rtol=0, atol=1e-12)
