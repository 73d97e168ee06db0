"""residual, coupled, with_dims: against PyTorch's autograd, kernels against the interpreter, and what they refuse."""

import numpy as np
import pytest
from torch import sigmoid, tanh
from torch.nn.functional import relu6

import symcell
from symcell import CellError, coupled, residual, with_dims, zoo
from symcell.graph.lower import lower
from tests.declare.text import declare
from tests.oracle import Sample, assert_alive, assert_close, run
from tests.zoo import test_frameworks
from tests.zoo.torch_cells import TORCH_CELLS, gate

BODY = """
x, h, c = Input(), State(), State()
W, U, V = Matrix(h, x), Matrix(h, h), Matrix(h, h)
"""


def coupled_peephole(p, x, h, c):
    """Greff et al. 2017, arXiv:1503.04069, CIFG, its forget gate kept; Graves 2013, eqs. 7 to 11, otherwise."""
    f = sigmoid(gate(p, "f", x, h) + p["p_f"] * c)
    c = f * c + (1 - f) * tanh(gate(p, "g", x, h))
    h = sigmoid(gate(p, "o", x, h) + p["p_o"] * c) * tanh(c)
    return h, h, c


def coupled_hard(p, x, h, c):
    """The same without peepholes, with hard sigmoids; PyTorch's own has 1/6 in float32 in its gradient."""
    f = relu6(gate(p, "f", x, h) + 3) / 6
    c = f * c + (1 - f) * tanh(gate(p, "g", x, h))
    h = relu6(gate(p, "o", x, h) + 3) / 6 * tanh(c)
    return h, h, c


def residual_mgu(p, x, h):
    """The new state is what it was without the input; the output has it."""
    _, h = TORCH_CELLS["mgu"](p, x, h)
    return h + x, h


MADE = {
    "coupled": (lambda: coupled("lstm_peephole"), coupled_peephole),
    "coupled hard": (lambda: coupled("lstm_hard_sigmoid"), coupled_hard),
    "residual": (lambda: residual(with_dims("mgu", I="H")), residual_mgu),
    "both": (lambda: residual(with_dims(coupled("lstm_peephole"), I="H")),
             lambda p, x, h, c: (lambda y, *state: (y + x, *state))(*coupled_peephole(p, x, h, c))),
}


@pytest.mark.parametrize("name", MADE)
def test_against_autograd(name, monkeypatch):
    make, cell_of_torch = MADE[name]
    cell = make()
    sample = Sample.draw(cell, T=5, B=3, I=4, H=4)
    results = run(cell, sample)
    monkeypatch.setitem(test_frameworks.AUTOGRAD, "made", cell_of_torch)
    expected = test_frameworks.run_torch_cell("made", sample)
    assert_alive(results)
    assert_close(results, expected, tolerance=1e-11)
    monkeypatch.setitem(test_frameworks.AUTOGRAD, "made", lambda p, x, *s: (lambda y, *n: (y * (1 + 1e-9), *n))(
        *cell_of_torch(p, x, *s)))
    with pytest.raises(AssertionError):
        assert_close(results, test_frameworks.run_torch_cell("made", sample), tolerance=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MADE)
def test_kernels_against_the_interpreter(name, dtype):
    cell = MADE[name][0]()
    kernel, reference = symcell.compile(cell, dtype), symcell.reference(cell)
    rng = np.random.default_rng(0)
    exact = {n: a.astype("float64") for n, a in kernel.init_params(seed=0, **dict.fromkeys(cell.spec.dims, 9)).items()}
    x, dy = rng.normal(size=(2, 6, 3, 9)).astype(dtype)
    found = kernel.forward(x, {n: a.astype(dtype) for n, a in exact.items()})
    wanted = reference.forward(x.astype("float64"), exact)
    got, expected = kernel.backward(found, dy), reference.backward(wanted, dy.astype("float64"))
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    pairs = [(found.y, wanted.y), (got.x, expected.x), *((got.params[n], expected.params[n]) for n in exact)]
    for ours, theirs in pairs:
        assert np.abs(theirs).max() > 1e-2
        assert np.abs(ours - theirs).max() <= tolerance * max(1, np.abs(theirs).max())


def test_coupled_is_the_coupled_lstm_of_the_zoo_turned_round():
    cell = coupled("lstm")
    sample = Sample.draw(cell, T=6, B=2, I=3, H=4)
    turned = {name.replace("_f", "_i"): -a if "_f" in name else a for name, a in sample.params.items()}
    other = Sample.draw(zoo.find("lstm_coupled"), T=6, B=2, I=3, H=4)
    y = run(cell, sample).y
    same = type(other)(**{**vars(sample), "params": {name: turned[name] for name in other.params}})
    assert np.allclose(run(zoo.find("lstm_coupled"), same).y, y, rtol=0, atol=1e-14)


def test_names_of_what_is_made():
    spec = coupled("lstm").spec
    assert spec.name == "CoupledLSTM"
    assert [p.name for p in spec.parameters] == ["W_f", "W_g", "W_o", "U_f", "U_g", "U_o", "b_f", "b_g", "b_o"]
    assert [e.name for e in spec.equations] == ["f", "i", "g", "o", "c.next", "h.next"]
    assert spec.doc.startswith("LSTM whose input gate is i = 1 - f. Greff et al. 2017")
    spec = residual(with_dims("lstm", I="H")).spec
    assert (spec.name, spec.output, spec.dims) == ("ResidualLSTM", "y", ("H",))


def test_a_gate_of_other_names_and_parts():
    cell = declare(BODY + """
part = V @ h
u = sigmoid(W @ x + part)
q = tanh(U @ h)
k = sigmoid(W @ x + U @ h)
c.next = k * c + 2 * u * q
h.next = c.next""")
    spec = coupled(cell, input_gate="u", forget_gate="k").spec
    assert [p.name for p in spec.parameters] == ["W", "U"]  # V served u alone
    assert [(e.name, str(e.expression)) for e in spec.equations[1:4]] == [
        ("k", "sigmoid(U @ h + W @ x)"), ("u", "1 - k"), ("c.next", "c*k + 2*q*u")]


def test_an_output_of_its_own_gets_the_input():
    cell = declare(BODY + "h.next = tanh(U @ h + W @ x)\nc.next = c\nz = Output(V @ h.next)")
    spec = residual(with_dims(cell, I="H")).spec
    assert str(spec.equations[-1].expression) == "x + V @ h.next"
    assert spec.output == "z"
    assert spec.equations[0].expression.func.__name__ == "tanh"


def test_one_of_several_inputs():
    spec = residual("sru_recurrence", input="u_f").spec
    assert str(spec.equations[-1].expression).endswith("+ u_f")
    with pytest.raises(CellError, match=r"several inputs have the dimension H of the output; choose one: .*\"u\"\)"):
        residual("sru_recurrence")
    with pytest.raises(CellError, match="there is no input 'z'; its inputs are u of H, u_f of H"):
        residual("sru_recurrence", input="z")


def test_an_output_that_is_in_the_way_gets_another_name():
    cell = declare("x, y = Input('H'), State()\nW = Matrix(y, y)\ny.next = tanh(W @ y + x)")
    assert residual(cell).spec.output == "y_2"


def test_with_dims():
    assert with_dims("lstm", I="H").spec.dims == ("H",)
    assert with_dims("jordan", I="O", O="I").spec.dims == ("O", "I", "H")
    same = with_dims("gru", I="F").spec
    assert str(lower(same)).replace("F", "I") == str(lower(zoo.find("gru").spec)).replace("F", "I")
    renamed = with_dims("antisymmetric", H="K").spec
    assert renamed.dims == ("I", "K")
    assert "A = U - U.T - gamma*Identity(K)" in str(renamed)
    with pytest.raises(CellError, match=r"with_dims\(LSTM\): there is no dimension F. Its dimensions are I, H."):
        with_dims("lstm", F="H")
    for wrong in ("T", "B", "a b", 3):
        with pytest.raises(CellError, match=r"cannot name a dimension|cannot be used|a dimension is a declared vector"):
            with_dims("lstm", I=wrong)


@pytest.mark.parametrize(("lines", "message"), [
    ("i = sigmoid(W @ x)\nf = tanh(U @ h)\nc.next = f * c + i * h", "expected a gate f = sigmoid.* or hard_sig"),
    ("i = tanh(W @ x)\nf = sigmoid(U @ h)\nc.next = f * c + i * h", "expected a gate i = sigmoid"),
    ("i = sigmoid(W @ x)\nf = sigmoid(U @ h)\nc.next = i * c + f * h", r"no state has an update f \* state \+ i"),
    ("i = sigmoid(W @ x)\nf = sigmoid(U @ h)\nc.next = f * c + i * h + h", "no state has an update"),
    ("i = sigmoid(W @ x)\nf = sigmoid(U @ h)\nc.next = f * h + i * c", "no state has an update"),
    ("i = sigmoid(W @ x)\nf = sigmoid(U @ h)\nc.next = f * c + i * f", "no state has an update"),
    ("i = sigmoid(W @ x)\nf = sigmoid(U @ h)\nc.next = f * c + i * tanh(i)", "no state has an update"),
    ("i = sigmoid(W @ x)\nf = sigmoid(U @ h)\nc.next = 2 * f * c + i * h", "no state has an update"),
    ("i = sigmoid(W @ x)\nf = sigmoid(U @ i)\nc.next = f * c + i * h", "f reads i, and f is computed after it"),
    ("i = sigmoid(W @ x)\nq = V @ i\nf = sigmoid(U @ q)\nc.next = f * c + i * h", "q reads i, and f is computed"),
])
def test_coupled_refuses_other_cells(lines, message):
    with pytest.raises(CellError, match=message):
        coupled(declare(BODY + lines + "\nh.next = tanh(c)"))


@pytest.mark.parametrize(("name", "message"), [
    ("lstm", r"the output h.next is a vector of H, and the inputs are x of I; .*with_dims\(cell, I=\"H\"\)"),
    ("jordan", r"the output y.next is a vector of O, and the inputs are x of I"),
])
def test_residual_refuses_other_dimensions(name, message):
    with pytest.raises(CellError, match=message):
        residual(name)
