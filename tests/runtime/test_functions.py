"""The vector functions, compiled for every variant this processor has, against mpmath."""

import math

import mpmath
import numpy as np
import pytest

from tests.runtime.vectors import DTYPES, UNARY, compiled

mp = mpmath.mp.clone()
mp.dps = 40


def _gelu(x):
    return x * mp.erfc(-x / mp.sqrt(2)) / 2


# name: the exact function, ulp allowed in float32 and in float64
FUNCTIONS = {
    "exp": (mp.exp, 1.5, 1.5),
    "tanh": (mp.tanh, 2, 2),
    "sigmoid": (lambda x: 1 / (1 + mp.exp(-x)), 2, 2.1),
    "expm1": (mp.expm1, 2, 3),
    "log": (mp.log, 1, 1),
    "log1p": (mp.log1p, 1, 1),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), 4, 4),
    "logsigmoid": (lambda x: -mp.log1p(mp.exp(-x)), 4, 4),
    "erf": (mp.erf, 1.5, 1.5),
    "gelu": (_gelu, 5, 5),  # and more far below 0, see the test
    "silu": (lambda x: x / (1 + mp.exp(-x)), 2.5, 2.5),
    "elu": (lambda x: x if x > 0 else mp.expm1(x), 2, 2),
    "relu": (lambda x: max(x, mp.zero), 0, 0),
    "hard_sigmoid": (lambda x: min(max((x + 3) / 6, 0), 1), 2, 2),
    "hard_tanh": (lambda x: min(max(x, -1), 1), 0, 0),
}

inf, nan = math.inf, math.nan
SPECIAL = {  # the value at: 0, -0, inf, -inf
    "exp": (1, 1, inf, 0),
    "expm1": (0, -0.0, inf, -1),
    "tanh": (0, -0.0, 1, -1),
    "sigmoid": (0.5, 0.5, 1, 0),
    "log": (-inf, -inf, inf, nan),
    "log1p": (0, -0.0, inf, nan),
    "softplus": (math.log(2), math.log(2), inf, 0),
    "logsigmoid": (-math.log(2), -math.log(2), 0, -inf),
    "erf": (0, -0.0, 1, -1),
    "gelu": (0, 0, inf, 0),
    "silu": (0, 0, inf, 0),
    "elu": (0, 0, inf, -1),
    "relu": (0, 0, inf, 0),
    "hard_sigmoid": (0.5, 0.5, 1, 0),
    "hard_tanh": (0, -0.0, 1, -1),
    "abs": (0, 0, inf, inf),
    "neg": (-0.0, 0, -inf, inf),
    "sqrt": (0, -0.0, inf, nan),
    "sign": (0, -0.0, 1, -1),
}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("functions"))


def ulps(got, exact, dtype):
    """Distances in units in the last place of the exact values, mpmath numbers."""
    limit = mp.mpf(2) ** (np.finfo(dtype).maxexp)  # where rounding gives infinity, as infinity counts
    digits = np.finfo(dtype).nmant
    lowest = int(np.finfo(dtype).minexp)
    result = []
    for y, e in zip(got.tolist(), exact, strict=True):
        e = max(min(e, limit), -limit)
        y = max(min(mp.mpf(y), limit), -limit)
        exponent = max(int(mp.floor(mp.log(abs(e), 2))), lowest) if e else lowest
        result.append(float(abs(y - e) / mp.mpf(2) ** (exponent - digits)))
    return np.array(result)


def points(name, dtype, n=150):
    """Arguments over the whole range: near 0 on a logarithmic scale, the usual ones, up to overflow."""
    rng = np.random.default_rng(1)
    info = np.finfo(dtype)
    top = math.log(info.max)
    x = [
        rng.uniform(-1.06 * top, top, n),
        rng.uniform(-20, 20, n),
        rng.uniform(-5, 5, 2 * n),
        rng.uniform(-1, 1, 2 * n),
        rng.choice([-1, 1], n) * np.exp(rng.uniform(-top, 1, n)),
        [info.smallest_subnormal, -7 * info.smallest_subnormal, info.tiny, -0.999 * info.tiny, top, -top],
    ]
    x = np.concatenate(x).astype(dtype)
    if name == "log":
        x = np.concatenate([abs(x), np.exp(x[:n] * 0.9).astype(dtype), 1 + x[2 * n : 4 * n] / 64])
        return x[x > 0]
    return x[x > -1] if name == "log1p" else x


@pytest.mark.parametrize("suffix", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_accuracy_over_the_whole_range(kinds, name, suffix):
    exact_function, *limits = FUNCTIONS[name]
    dtype = DTYPES[suffix]
    x = points(name, dtype)
    exact = [exact_function(mp.mpf(v)) for v in x.tolist()]
    for kind in kinds:
        if kind.suffix == suffix:
            error = ulps(kind.map(name, x), exact, dtype)
            if name == "gelu":  # below 0 half an ulp of x itself is worth x^2 / 2 of the result
                error -= np.where(x < 0, np.minimum(x * x / 4, 5), 0)
            worst = int(np.argmax(error))
            assert error[worst] <= limits[suffix == "f64"], (kind, x[worst], error[worst])


@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid"])
def test_float32_over_every_exponent(kinds, name):
    """65536 bit patterns, denormals among them, against float64; benchmarks/accuracy.c goes through all."""
    x = (np.arange(2**16, dtype=np.uint32) << 16 | 0x5A5A).view(np.float32)
    x = x[np.isfinite(x)]
    oracle = {"exp": np.exp, "tanh": np.tanh, "sigmoid": lambda v: 1 / (1 + np.exp(-v))}[name]
    with np.errstate(over="ignore", under="ignore"):
        exact = np.minimum(oracle(x.astype(np.float64)), 2.0**128)
    ulp = np.ldexp(1.0, np.maximum(np.frexp(exact)[1] - 24, -149))
    for kind in kinds:
        if kind.suffix == "f32":
            got = np.minimum(kind.map(name, x).astype(np.float64), 2.0**128)
            assert (abs(got - exact) / ulp).max() <= 2, kind


def test_tanh_where_its_error_is_largest(kinds):
    """Every float32 just past ln(2), where the argument reduction begins: few of them come near 2 ulp."""
    x = np.arange(*np.float32([0.6875, 0.78125]).view(np.uint32), dtype=np.uint32).view(np.float32)
    exact = np.tanh(x.astype(np.float64))
    for kind in kinds:
        if kind.suffix == "f32":
            error = (kind.map("tanh", x) - exact) * 2.0**24
            assert abs(error).max() <= 2, (kind, x[np.argmax(abs(error))])


def test_the_measure_finds_a_crude_function(kinds):
    for kind in kinds:
        x = np.geomspace(1e-3, 1, 64).astype(kind.dtype)
        exact = [mp.tanh(mp.mpf(v)) for v in x.tolist()]
        assert ulps(kind.map("crude", x), exact, kind.dtype).max() > 20
        assert ulps(np.zeros_like(x), exact, kind.dtype).min() > 1e6


@pytest.mark.parametrize("name", UNARY)
def test_special_values(kinds, name):
    for kind in kinds:
        expected = np.array([*SPECIAL[name], nan], kind.dtype)
        got = kind.map(name, [0, -0.0, inf, -inf, nan])
        np.testing.assert_array_max_ulp(got[np.isfinite(expected)], expected[np.isfinite(expected)], 2)
        np.testing.assert_array_equal(got[~np.isfinite(expected)], expected[~np.isfinite(expected)])
        signed = expected == 0
        if any(np.signbit(expected[signed])):
            assert (np.signbit(got[signed]) == np.signbit(expected[signed])).all(), (kind, got)


def test_edges_of_exp(kinds):
    """The last finite result, the first infinite one, the smallest denormal, the first 0."""
    for kind in kinds:
        info = np.finfo(kind.dtype)
        x = np.array([math.log(float(info.max)), math.log(float(info.smallest_subnormal))], kind.dtype)
        below = np.nextafter(x[0], kind.dtype.type(0))
        above = np.nextafter(np.nextafter(x[0], kind.dtype.type(inf)), kind.dtype.type(inf))
        assert np.isfinite(kind.map("exp", [below])).all()
        assert np.isposinf(kind.map("exp", [above, info.max])).all()
        assert kind.map("exp", [x[1]])[0] == info.smallest_subnormal
        assert kind.map("exp", [x[1] - 1, -info.max])[0] == 0


def test_tiny_arguments_pass_unchanged(kinds):
    for kind in kinds:
        info = np.finfo(kind.dtype)
        x = np.array([1e-8, -1e-20, info.tiny, info.smallest_subnormal, -3 * info.smallest_subnormal])
        if kind.suffix == "f64":
            x[:2] = 1e-17, -1e-200
        x = x.astype(kind.dtype)
        for name in ("tanh", "expm1", "log1p"):
            np.testing.assert_array_max_ulp(kind.map(name, x), x, 1)
        np.testing.assert_array_equal(kind.map("tanh", x), x)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_variants_agree(kinds, name):
    """To the rounding of FMA: kinds differ by less than the errors they are allowed."""
    for suffix, dtype in DTYPES.items():
        x = points(name, dtype, 40)
        first, *rest = [kind.map(name, x) for kind in kinds if kind.suffix == suffix]
        for other in rest:
            np.testing.assert_array_max_ulp(first, other, 12)
