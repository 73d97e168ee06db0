"""A function of the author's own is reachable from everything: kernels, gradients, derivations, documents, oracles."""

import numpy as np
import pytest
import sympy
import torch

import symcell
from symcell import CellError, register_function, sigmoid, where
from symcell.compiler import stages
from symcell.declare.functions import FUNCTIONS
from symcell.runtime.fingerprint import key_inputs, key_of
from tests.declare.mish import mish
from tests.declare.text import declare

pytestmark = pytest.mark.usefixtures("table")
CELL = """
x, h = Input(), State()
W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
f = sigmoid(W @ x + b)
h.next = f * own(U @ h + W @ x + b) + own(f) * h
"""


def check_gradients(cell, own):
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


def test_a_derivative_may_use_functions_of_sympy_that_the_table_has():
    """As formulas of a class body may; Python's abs() is one of them."""
    softsign = register_function("softsign", lambda x, y: 1 / (1 + abs(x))**2, c="{0} / (vfill(1.0) + vabs({0}))",
                                 numpy=lambda x: x / (1 + np.abs(x)))
    check_gradients(declare(CELL, own=softsign), torch.nn.functional.softsign)
    again = register_function("tanh_again", lambda x, y: 1 - sympy.tanh(x)**2, c="vtanh({0})",
                              numpy=np.tanh)
    check_gradients(declare(CELL, own=again), torch.tanh)


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


def test_the_command_line_runs_a_file_that_registers_one(tmp_path, monkeypatch):
    from symcell.cli.cells import resolve

    (tmp_path / "mine.py").write_text("""
import numpy as np
import sympy
from symcell import Cell, Input, Matrix, State, register_function
cube = register_function("cube", lambda x, y: 3 * x**2, c="{0} * {0} * {0}", numpy=lambda x: x**3)
class Mine(Cell):
    x, h = Input(), State()
    W, U = Matrix(h, x), Matrix(h, h)
    h.next = cube(W @ x + U @ h)
""", encoding="utf-8")
    for _ in range(2):  # a file may be run again
        assert str(resolve(str(tmp_path / "mine.py")).spec.equations[0].expression) == "cube(U @ h + W @ x)"
