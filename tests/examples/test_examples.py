"""Every example runs, and does what it says."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
SMALL = ("--hidden", "24", "--batch", "8", "--length", "20")


def python(*arguments, folder, code=0, **environment):
    """Run Python on `arguments` in a folder, warnings being errors; return what it printed."""
    environment = {**os.environ, "MPLCONFIGDIR": str(folder), **environment}
    done = subprocess.run([sys.executable, "-W", "error", *map(str, arguments)], cwd=folder, env=environment,
                          capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def char_lm(folder, *options, **keywords):
    options = ("--out", folder / "out", *SMALL, *options)
    return python(EXAMPLES / "char_lm.py", *options, folder=folder, **keywords)


def losses(report):
    """The first and the last loss, and the entropy they are compared with."""
    number = r"(\d+\.\d+)"
    found = re.search(rf"loss {number} -> {number} nats per .* \(frequencies alone: {number}\)", report)
    assert found, report
    return tuple(map(float, found.groups()))


def parameters(path):
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_every_example_is_tested():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {"mgu.py", "char_lm.py", "torch_function.py"}


# --- mgu.py --------------------------------------------------------------------------------------------


def test_the_declared_cell_is_that_of_the_zoo(tmp_path):
    code = "import mgu, json; print(json.dumps([str(mgu.MGU.spec), mgu.MGU.__doc__]))"
    spec, doc = json.loads(python("-c", code, folder=tmp_path, PYTHONPATH=str(EXAMPLES)))
    from symcell import zoo

    assert spec == str(zoo.find("mgu").spec)
    assert "arXiv:1603.09420" in doc
    lines = [line for line in (EXAMPLES / "mgu.py").read_text().split("class MGU", 1)[1].splitlines() if line]
    assert len(lines) <= 12, "a dozen lines"


# --- char_lm.py ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder where the default cell was trained for some steps, and what was printed."""
    folder = tmp_path_factory.mktemp("char_lm")
    return folder, char_lm(folder, "--steps", "300", "--seed", "3")


def test_the_loss_falls_below_the_entropy_of_single_characters(trained):
    first, last, entropy = losses(trained[1])
    assert last < entropy - 0.3
    assert entropy < first


def test_progress_is_shown(trained):
    shown = [float(loss) for loss in re.findall(r"^step +\d+   loss ([\d.]+)$", trained[1], re.MULTILINE)]
    assert len(shown) == 10
    assert shown[:4] == sorted(shown[:4], reverse=True)


def test_a_saved_model_is_the_same_after_loading(trained):
    folder, report = trained
    found = re.search(r"not trained on: ([\d.]+); after saving and loading: ([\d.]+), the same", report)
    assert found[1] == found[2]
    saved = parameters(folder / "out" / "model.npz")
    assert set(saved) == {"alphabet", "embedding", "output", "bias",
                          *(f"cell.{kind}_{gate}" for kind in "WUb" for gate in "fn")}
    assert all(value.dtype == np.float32 and np.isfinite(value).all()
               for name, value in saved.items() if name != "alphabet")


def test_the_sample_is_text_of_the_alphabet(trained):
    folder, report = trained
    sample = (folder / "out" / "sample.txt").read_text(encoding="utf-8")
    assert sample.startswith("The ")
    assert len(sample) == 504
    assert set(sample) <= set("".join(parameters(folder / "out" / "model.npz")["alphabet"]))
    assert 1 / 20 < sample.count(" ") / len(sample) < 1 / 2, "no words"
    assert sample in report


def test_the_loss_is_drawn(trained):
    from matplotlib import image

    drawn = image.imread(trained[0] / "out" / "loss.png")
    assert drawn.shape[2] == 4
    assert drawn[..., :3].std() > 0.01, "an empty picture"


def test_a_run_is_repeatable_and_goes_on_where_another_stopped(trained, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    for folder in (first, again):
        folder.mkdir()
        char_lm(folder, "--steps", "4", "--seed", "1")
    one, two = parameters(first / "out" / "model.npz"), parameters(again / "out" / "model.npz")
    assert all(np.array_equal(one[name], two[name]) for name in one)

    resumed = losses(char_lm(tmp_path, "--steps", "4", "--resume", trained[0] / "out" / "model.npz"))
    assert resumed[0] < losses(trained[1])[1] + 0.7  # the first piece of the text again
    assert resumed[0] < losses(trained[1])[0] - 1


@pytest.mark.parametrize("cell", ["lstm", "elman_head", "own.py:Two"])
def test_any_cell_trains(tmp_path, cell):
    (tmp_path / "own.py").write_text("""
from symcell import Cell, Constant, Input, Matrix, Output, State, Vector, exp, tanh

class One(Cell):
    x, h = Input("H"), State()
    U = Matrix(h, h)
    h.next = tanh(x + U @ h)

class Two(Cell):
    x, h, s = Input("F"), State("P"), State("Q")
    W, U, V, R, tau = Matrix(h, x), Matrix(h, h), Matrix("O", s), Matrix(s, h), Vector(h, init=-1.0)
    dt = Constant(0.5)
    h.next = tanh(W @ x + U @ h)
    s.next = s * (1 - dt) + dt * tanh(R @ (exp(tau) * h.next))
    y = Output(V @ s.next)
""", encoding="utf-8")
    first, last, _ = losses(char_lm(tmp_path, "--cell", cell, "--steps", "40"))
    assert last < first - 0.2


def test_time_can_be_the_budget(tmp_path):
    report = char_lm(tmp_path, "--seconds", "2", "--cell", "rnn")
    assert losses(report)[1] < losses(report)[0]


@pytest.mark.parametrize(("options", "code", "message"), [
    (("--cell", "lsmt"), 1, "Did you mean 'lstm'"),
    (("--cell", "nowhere.py"), 1, "no file nowhere.py"),
    (("--hidden", "25", "--resume", "MODEL"), 1, "is of another cell, another --hidden"),
    (("--resume", "nowhere.npz"), 1, "nowhere.npz was not written by this program"),
    (("--length", "500000"), 1, "the text is too short"),
    (("--hidden", "0"), 2, "0 is not in the range"),
])
def test_what_cannot_work_is_said_in_one_line(trained, tmp_path, options, code, message):
    options = [trained[0] / "out" / "model.npz" if option == "MODEL" else option for option in options]
    report = char_lm(tmp_path, "--steps", "1", *options, code=code)
    assert message in report
    assert "Traceback" not in report
    assert not (tmp_path / "out").exists()


def test_no_matplotlib_no_plot_and_everything_else_works(tmp_path):
    (tmp_path / "matplotlib.py").write_text("raise ImportError('not here')")
    report = char_lm(tmp_path, "--steps", "2", PYTHONPATH=str(tmp_path))
    assert "matplotlib is missing (pip install 'symcell[plot]')" in report
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["model.npz", "sample.txt"]


def test_the_written_out_gradients_are_those_of_the_loss(tmp_path):
    """Central differences through embedding, cell, output layer and softmax, in float64."""
    shutil.copy(EXAMPLES / "char_lm.py", tmp_path)
    code = """
import dataclasses, numpy as np, symcell, char_lm
from symcell import zoo
kernel, random = symcell.compile("mgu", "float64"), np.random.default_rng(0)
model = char_lm.Model.create(zoo.find("mgu").spec, kernel, "abcde", 4, 0)
model = dataclasses.replace(model, params={name: np.asarray(v, np.float64) for name, v in model.params.items()})
x, target = random.integers(0, 5, (2, 6, 3))
loss, gradients, _ = model.gradients(x, target, None)
assert abs(loss - model.loss(x, target)) < 1e-12
assert set(gradients) == set(model.params)
for name, value in model.params.items():
    for index in [tuple(random.integers(0, n) for n in value.shape) for _ in range(4)]:
        kept, pair = value[index], []
        for sign in (1, -1):
            value[index] = kept + sign * 1e-5
            pair.append(model.loss(x, target))
        value[index] = kept
        difference = (pair[0] - pair[1]) / 2e-5
        assert abs(difference - gradients[name][index]) < 1e-8, (name, index)
print("agree")
"""
    assert "agree" in python("-c", code, folder=tmp_path)


# --- torch_function.py ---------------------------------------------------------------------------------


def test_pytorch_checks_the_gradients_and_trains(tmp_path):
    report = python(EXAMPLES / "torch_function.py", "--steps", "120", folder=tmp_path)
    assert "gradcheck: passed" in report
    values = [float(loss) for loss in re.findall(r"loss ([\d.]+)", report)]
    assert values[-1] < values[0] / 2


def test_the_pytorch_layer_is_well_behaved(tmp_path):
    code = """
import numpy as np, torch, torch_function
from torch_function import CellLayer, check_gradients
from symcell import zoo
assert check_gradients(zoo.find("lstm")), "a cell with two states"
layer = CellLayer(zoo.find("lstm"), I=3, H=4)
x = torch.randn(5, 2, 3, requires_grad=True)
y, state = layer(x)
before = y.detach().clone()
y2, _ = layer(x + 1, state)  # the state carried on
assert torch.equal(y, before) and list(state) == ["h", "c"]
assert torch.equal(state["h"], y[-1])
assert not np.shares_memory(y.detach().numpy(), state["h"].detach().numpy())
(y.sum() + y2.sum() + state["c"].sum()).backward()  # y.sum(): a gradient with strides of 0
assert x.grad.isfinite().all() and all(p.grad.abs().sum() > 0 for p in layer.parameters())
saved = torch.nn.modules.module.Module.state_dict(layer)
assert sorted(saved) == sorted(p for p, _ in layer.named_parameters()) and "U_f" in saved
y, _ = layer(x)
with torch.no_grad():
    layer.U_f += 1
try:
    y.sum().backward()
except RuntimeError as error:
    assert "modified by an inplace operation" in str(error)
else:
    raise AssertionError("parameters that changed since the forward pass went unnoticed")
print("fine")
"""
    assert "fine" in python("-c", code, folder=tmp_path, PYTHONPATH=str(EXAMPLES))
