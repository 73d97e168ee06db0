"""A function of the author's own: one call, and it is reachable from everything; a wrong one is refused there."""

import numpy as np
import pytest
import torch

import symcell
from symcell import CellError, exp, register_function, sigmoid, softplus, tanh, where
from symcell.compiler import stages
from symcell.declare.functions import FUNCTIONS
from symcell.declare.numeric import softplus as stable_softplus
from symcell.runtime.fingerprint import key_inputs, key_of
from tests.declare.text import declare

CELL = """
x, h = Input(), State()
W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
f = sigmoid(W @ x + b)
h.next = f * own(U @ h + W @ x + b) + own(f) * h
"""


def mish_slope(x, y):
    t = tanh(softplus(x))
    return t + x * sigmoid(x) * (1 - t**2)


def mish_numpy(x):
    return x * np.tanh(stable_softplus(x))


def mish(**changed):
    """Misra 2019, arXiv:1908.08681."""
    given = {"derivative": mish_slope, "c": "{0} * vtanh(vsoftplus({0}))", "numpy": mish_numpy} | changed
    return register_function(given.pop("name", "mish"), **given)


def lonely(x):
    """Finite at the points of the trial only."""
    return np.where(np.isin(x, np.random.default_rng(0).uniform(-3, 3, 64)), 0.0, np.nan)


@pytest.fixture(autouse=True)
def table():
    before = dict(FUNCTIONS)
    yield
    FUNCTIONS.clear()
    FUNCTIONS.update(before)


def check_gradients(cell, own, dtype="float64"):
    """Outputs and gradients of the kernel and of the interpreter against PyTorch's autograd."""
    torch.manual_seed(0)
    x, params = torch.randn(5, 3, 4, dtype=torch.float64), {
        "W": torch.randn(6, 4, dtype=torch.float64), "U": torch.randn(6, 6, dtype=torch.float64) / 3,
        "b": torch.randn(6, dtype=torch.float64)}
    leaves = [leaf.requires_grad_() for leaf in (x, *params.values())]
    h, steps = torch.zeros(3, 6, dtype=torch.float64), []
    for step in x:
        f = torch.sigmoid(step @ params["W"].T + params["b"])
        h = f * own(h @ params["U"].T + step @ params["W"].T + params["b"]) + own(f) * h
        steps.append(h)
    y, dy = torch.stack(steps), torch.randn(5, 3, 6, dtype=torch.float64)
    wanted = [array.numpy() for array in torch.autograd.grad(y, leaves, dy)]
    arrays = {name: array.detach().numpy() for name, array in params.items()}
    for runner, kind, tolerance in ((symcell.reference(cell), "float64", 1e-12),
                                    (symcell.compile(cell, "float64"), "float64", 1e-11),
                                    (symcell.compile(cell, "float32"), "float32", 3e-5)):
        given = {name: array.astype(kind) for name, array in arrays.items()}
        run = runner.forward(x.detach().numpy().astype(kind), given)
        grads = runner.backward(run, dy.numpy().astype(kind))
        for got, expected in zip((run.y, grads.x, *(grads.params[n] for n in arrays)),
                                 (y.detach().numpy(), *wanted), strict=True):
            assert np.abs(expected).max() > 0.1
            assert np.abs(got - expected).max() <= tolerance * np.abs(expected).max()


# --- reachable from everything ------------------------------------------------------------------------------


def test_values_and_gradients_of_kernels_and_interpreter():
    own = mish()
    assert own.row.analytic
    check_gradients(declare(CELL, own=own), torch.nn.functional.mish)


def test_a_function_with_a_kink_of_real_arguments_only():
    def shrink(x):
        return np.sign(x) * np.maximum(np.abs(x) - 0.5, 0.0)

    own = register_function("softshrink", lambda x, y: where((x > 0.5) | (x < -0.5), 1, 0),
                            c="vselect({0} > vfill(0.5), {0} - vfill(0.5), "
                              "vselect({0} < vfill(-0.5), {0} + vfill(0.5), vfill(0.0)))", numpy=shrink)
    assert not own.row.analytic
    check_gradients(declare(CELL, own=own), torch.nn.functional.softshrink)


def test_a_function_of_two_arguments():
    own = register_function("gate", (lambda a, b, y: b * sigmoid(a) * (1 - sigmoid(a)), lambda a, b, y: sigmoid(a)),
                            c="vsigmoid({0}) * {1}", numpy=lambda a, b: (1 + np.tanh(a / 2)) / 2 * b,
                            latex=r"\gamma\left({0}, {1}\right)")
    check_gradients(declare(CELL, own=lambda v: own(v, v)), lambda v: torch.sigmoid(v) * v)


def test_a_derivative_may_use_another_registered_function():
    slope = register_function("slope", lambda x, y: y, c="vexp({0})", numpy=np.exp)
    own = register_function("power", lambda x, y: slope(x), c="vexp({0})", numpy=np.exp)
    source = stages(declare(CELL, own=own)).source
    header = next(text for file, text in source.files.items() if file.endswith(".h"))
    assert header.count("SC_INLINE vec SC(sc_user_slope)(const vec a0) { return vexp(a0); }") == 1
    assert header.count("SC_INLINE vec SC(sc_user_power)(const vec a0) { return vexp(a0); }") == 1


def test_a_kernel_without_registered_functions_knows_nothing_of_them():
    mish()
    assert not any("sc_user" in text for text in stages("mgu").source.files.values())


def test_the_derivation_prints_it():
    text = symcell.derive(declare(CELL, own=mish(latex=r"\mu\left({0}\right)"))).latex()
    assert r"\mu(W x_t + U h_{t-1} + b)" in text
    assert r"\operatorname{mi\_sh}(" in symcell.derive(declare(CELL, own=mish(name="mi_sh"))).latex()


def test_the_c_text_is_part_of_the_key_of_the_cache():
    keys = []
    for c in ("{0} * vtanh(vsoftplus({0}))", "vtanh(vsoftplus({0})) * {0}"):
        FUNCTIONS.pop("mish", None)
        source = stages(declare(CELL, own=mish(c=c))).source
        keys.append(key_of(key_inputs(source.name, source.files, ["avx2"])))
    assert keys[0] != keys[1]


def test_a_document_names_it_and_holds_no_code():
    text = declare(CELL, own=mish()).to_json()
    assert '["mish", ' in text
    assert "vtanh" not in text
    assert symcell.Cell.from_json(text).to_json() == text
    del FUNCTIONS["mish"]
    with pytest.raises(CellError, match=r"the function 'mish' is not known here\. .* has to be registered"):
        symcell.Cell.from_json(text)


def test_oracles_that_cannot_know_it_say_so():
    from symcell.proof import frameworks, handwritten, numeric, symbolic

    spec = declare(CELL, own=mish()).spec
    for check in (frameworks.check_torch, frameworks.check_jax, symbolic.check):
        assert next(iter(check(spec))).how.startswith("the function mish is not one of symcell's own")
    assert all(outcome.passed for check in (numeric.check, handwritten.check) for outcome in check(spec))


def test_peers_of_the_benchmark_that_cannot_know_it_say_so():
    from symcell.bench.frameworks import _lookup
    from symcell.bench.problem import MissingError

    with pytest.raises(MissingError, match="no function mish"):
        _lookup({})(mish())


def test_c_that_does_not_compile_is_a_build_error():
    with pytest.raises(symcell.BuildError, match="vtnah"):
        symcell.compile(declare(CELL, own=mish(c="vtnah({0})")))


# --- registering --------------------------------------------------------------------------------------------


def test_registering_again():
    first = mish()
    assert mish() is first
    with pytest.raises(CellError, match="mish is registered already, with another definition"):
        mish(c="vtanh({0})")
    with pytest.raises(CellError, match="mish is registered already"):
        mish(latex=r"m({0})")
    with pytest.raises(CellError, match="mish is registered already"):
        mish(numpy=lambda x: mish_numpy(x) + 1)


@pytest.mark.parametrize("factor", [1 + 1e-8, -1.0, 0.0])
def test_a_wrong_derivative_is_caught(factor):
    with pytest.raises(CellError, match=r"mish: the derivative by argument 0 is not that of `numpy`: at \(.*\) "
                                        r"expected .*, by complex steps, got .*; \d+ of 64 points differ"):
        mish(derivative=lambda x, y: mish_slope(x, y) * factor)
    assert "mish" not in FUNCTIONS


def test_a_wrong_derivative_by_one_of_two_arguments_is_caught():
    with pytest.raises(CellError, match="the derivative by argument 1 is not that"):
        register_function("power", (lambda a, b, y: b, lambda a, b, y: a + 1), "{0} * {1}", lambda a, b: a * b)


def test_a_wrong_derivative_of_a_real_function_is_caught():
    def real(x):
        return np.array([float(np.tanh(value)) for value in x.real])

    assert not register_function("real", lambda x, y: 1 - y**2, "vtanh({0})", real).row.analytic
    with pytest.raises(CellError, match="by central differences, got"):
        register_function("wrong", lambda x, y: 1.0001 - y**2, "vtanh({0})", real)


def flat(x, y):
    return 0 * x


@pytest.mark.parametrize(("derivative", "numpy"), [
    (flat, lambda x: 1e-11 * x), (flat, lambda x: 1e-11 * np.real(x)), (flat, lambda x: 1e-200 * np.tanh(x)),
    (flat, lambda x: np.maximum(np.real(x) - 2.85, 0)),
    (lambda x, y: where(x > 2.8, 1, 0), lambda x: np.maximum(np.real(x) - 2.9, 0)),
    (lambda x, y: 1e-5 * (1 - tanh(x)**2), lambda x: 1.00001e-5 * np.tanh(np.real(x))),
])
def test_a_wrong_derivative_of_a_small_function_or_at_few_points_is_caught(derivative, numpy):
    with pytest.raises(CellError, match=r"wrong: the derivative by argument 0 is not that of `numpy`: at \(.*\)"):
        register_function("wrong", derivative, "{0}", numpy)


@pytest.mark.parametrize(("derivative", "numpy", "analytic"), [
    (lambda x, y: 1e-11 + 0 * x, lambda x: 1e-11 * x, True),
    (lambda x, y: 1e-200 * exp(x), lambda x: 1e-200 * np.exp(x), True),
    (lambda x, y: 1e-11 * exp(x), lambda x: 1e-11 * np.exp(np.real(x)), False),
    (flat, lambda x: np.sin(x)**2 + np.cos(x)**2, True), (flat, lambda x: 0.1 * np.round(10 * np.real(x)), False),
    (lambda x, y: 50 * (1 - y**2), lambda x: np.tanh(50 * np.real(x)), False),
    (lambda x, y: exp(x), lambda x: 1e4 + np.exp(np.real(x)), False),
])
def test_a_right_derivative_of_a_small_steep_or_flat_function_passes(derivative, numpy, analytic):
    assert register_function("right", derivative, "{0}", numpy).row.analytic is analytic


def test_at_a_kink_any_slope_between_those_of_the_two_sides_passes():
    kink = np.random.default_rng(0).uniform(-3, 3, 64)[7]  # one of the points at which derivatives are compared

    def bent(x):
        return np.maximum(np.real(x) - kink, 0)

    for name, slope in (("down", 0), ("middle", 0.5), ("up", 1)):
        register_function(name, lambda x, y, slope=slope: where(x > kink, 1, where(x < kink, 0, slope)), "{0}", bent)
    for slope in (-0.01, 1.01):
        with pytest.raises(CellError, match="; 1 of 64 points differ"):
            register_function("wrong", lambda x, y, slope=slope: where(x > kink, 1, where(x < kink, 0, slope)), "{0}",
                              bent)


def test_a_derivative_that_is_wrong_on_one_side_is_caught():
    with pytest.raises(CellError, match="is not that of `numpy`"):
        mish(derivative=lambda x, y: where(x > 0, mish_slope(x, y), 0))


def test_a_domain():
    with pytest.raises(CellError, match=r"`numpy` is finite at 0 of 64 points between -3 and 0; give the domain="):
        register_function("ln", lambda x, y: 1 / x, "vlog({0})", np.log, domain=(-3, 0))
    assert register_function("ln", lambda x, y: 1 / x, "vlog({0})", np.log, domain=(0.1, 5)).row.analytic


@pytest.mark.parametrize(("changed", "message"), [
    ({"name": "tanh"}, "tanh is a word of the language already"), ({"name": "where"}, "is a word of the language"),
    ({"name": "State"}, "is a word of the language"), ({"name": "pi"}, "is a word of the language"),
    ({"name": "float"}, "is a reserved word"), ({"name": "a b"}, "the name 'a b' cannot be used"),
    ({"name": "f)(x"}, "cannot be used"), ({"name": 3}, "the name 3 cannot be used"),
    ({"derivative": 1}, "expected functions as `derivative`"), ({"derivative": ()}, "expected functions"),
    ({"numpy": None}, "expected functions"), ({"c": ""}, "expected a C expression"), ({"c": None}, "expected a C"),
    *(({"c": c}, f"mish: expected a C expression .* {why}") for c, why in (
        ("{}", "'{' does not belong"), ("{x}", "'{' does not belong"), ("{10}", "'{' does not belong"),
        ("{\u0660}", "'{' does not belong"),
        ("{0} /* ", r"'/\*' does not"), ("{0} // x", "'//' does not"), ("{0}; }", "';' does not"), ("#{0}", "'#' does"),
        ("vexp({0}) <% ", "'%' does not"), ("'{0}'", '"\'" does not'), ('"{0}"', "'\"' does not"),
        ("{0}\\", "does not"), ("{0} = {0}", "'=' does not"), ("{0}++", r"'\+\+' does not"),
        ("(vexp({0})", "its brackets do not match"), ("vexp){0}(", "its brackets do not match"),
        ("{0}, {0}", "not one expression"), ("({0}, {0})", "not one expression"), ("{0} +", "not one expression"),
        ("* {0}", "not one expression"), (" ", "not one expression"), ("v{0}", r"v\{0\} would run together"),
        ("{0}{0}", "would run together"), ("{0}.5", "would run together"), (3, "no text"))),
    *(({"cost": cost}, "mish: `cost` counts multiplications; expected an integer from 0 to 1000000, got ")
      for cost in ("a", None, -5, np.nan, np.inf, True, 2.5, 10**7)),
    ({"c": "{1}"}, r"`c` has the place \{1\}, and the function has 1 argument, the first of which is \{0\}"),
    ({"latex": "{0} {3}"}, r"`latex` has the place \{3\}"), ({"latex": "m"}, r"with \{0\} for the argument"),
    ({"latex": "é{0}"}, "ASCII"), ({"latex": "{0}$"}, "none of"), ({"latex": "{0}\n"}, "ASCII"),
    ({"latex": 3}, "got 3"),
    ({"latex": r"\input{{0}}"}, r"holds \\input, which is no mathematics"),
    ({"latex": r"\gdef\x{{0}}"}, r"holds \\gdef"), ({"latex": r"\write18{{0}}"}, r"holds \\write"),
    ({"latex": r"{0}\end{document}"}, r"holds \\end"), ({"latex": "m({0}}"}, "braces"), ({"latex": "}{0}{"}, "braces"),
    ({"derivative": lambda x: 1}, "`derivative`, called with a0, y, fails: TypeError"),
    ({"derivative": lambda x, y: None}, "`derivative`, called with a0, y, fails: SympifyError"),
    ({"derivative": lambda x, y: "x"}, "`derivative`, called with a0, y, fails: SympifyError"),
    ({"derivative": lambda x, y: __import__("sympy").cos(x)}, "`derivative` uses cos, which is not in the table"),
    ({"derivative": lambda x, y: exp(x) ** 0.5}, "holds the power"),
    ({"derivative": lambda x, y: 1 / (x - x)}, "uses ComplexInfinity"),
    ({"numpy": lambda x: 1.0}, r"`numpy` is expected to give a float64 array of the shape \(64,\)"),
    ({"numpy": lambda x: x[:3]}, r"got float64 \(3,\)"), ({"numpy": lambda x: x.astype("f4")}, "got float32"),
    ({"numpy": lambda x: 1 / 0}, "`numpy` fails on arrays of float64: ZeroDivisionError"),
    ({"numpy": lambda x: x * np.nan}, "is finite at 0 of 64"),
    ({"domain": (1, 0)}, "`domain` is two numbers"), ({"domain": 3}, "`domain` is two numbers"),
    ({"domain": (0, np.inf)}, "`domain` is two numbers"), ({"domain": (-1e308, 1e308)}, "`domain` is two numbers"),
    ({"domain": (0, 10**400)}, "`domain` is two numbers"), ({"domain": (1, 1 + 1e-9)}, "a millionth of the larger"),
    ({"domain": (0, 1e-300)}, "a millionth of the larger"),
    ({"numpy": lonely}, "the differences of `numpy` are finite at 0 of 64 points"),
])
def test_a_malformed_function_is_refused(changed, message):
    with pytest.raises(CellError, match=message):
        mish(**changed)
    assert "mish" not in FUNCTIONS


def test_the_command_line_runs_a_file_that_registers_one(tmp_path, monkeypatch):
    from symcell.cli.cells import resolve

    (tmp_path / "mine.py").write_text("""
import numpy as np
from symcell import Cell, Input, Matrix, State, register_function
cube = register_function("cube", lambda x, y: 3 * x**2, c="{0} * {0} * {0}", numpy=lambda x: x**3)
class Mine(Cell):
    x, h = Input(), State()
    W, U = Matrix(h, x), Matrix(h, h)
    h.next = cube(W @ x + U @ h)
""", encoding="utf-8")
    for _ in range(2):  # a file may be run again
        assert str(resolve(str(tmp_path / "mine.py")).spec.equations[0].expression) == "cube(U @ h + W @ x)"
