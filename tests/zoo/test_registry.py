"""The registry: every entry is found, cited and compilable, and looking at the list costs nothing."""

import re
import subprocess
import sys

import numpy as np
import pytest

from symcell import zoo
from symcell.declare.errors import CellError
from symcell.graph.adjoint import adjoint
from symcell.graph.lower import lower
from tests.oracle import Sample, assert_alive, run

each_cell = pytest.mark.parametrize("name", zoo.names())

# Converters and prebuilt kernels rely on these: parameters in order, and the states.
CONTRACT = {
    "rnn": ("W U b", "h"),
    "rnn_relu": ("W U b", "h"),
    "lstm": ("W_i W_f W_g W_o U_i U_f U_g U_o b_i b_f b_g b_o", "h c"),
    "lstm_peephole": ("W_i W_f W_g W_o U_i U_f U_g U_o p_i p_f p_o b_i b_f b_g b_o", "h c"),
    "gru": ("W_r W_z W_n U_r U_z U_n b_r b_z b_n c_n", "h"),
    "gru_reset_before": ("W_r W_z W_n U_r U_z U_n b_r b_z b_n", "h"),
    "mgu": ("W_f W_n U_f U_n b_f b_n", "h"),
    "lstm_multiplicative": ("W_m U_m W_i W_f W_g W_o U_i U_f U_g U_o b_i b_f b_g b_o", "h c"),
    "nas": (" ".join(f"{k}_{node}" for k in "WUb" for node in range(8)), "h c"),
}


@each_cell
def test_found_under_a_plain_name(name):
    cell, entry = zoo.find(name), zoo.entry(name)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", name)
    assert entry.name == name
    assert entry.home == f"{cell.__module__}:{cell.__name__}"
    assert entry.family


@each_cell
def test_docstring_cites_and_says_its_convention(name):
    doc = zoo.find(name).spec.doc
    journals = r"(Cognitive Science|Computation|JMLR|PMLR|report) \d+|Workshop|ICML"
    assert re.search(rf"arXiv:\d{{4}}\.\d{{4,5}}|doi:10\.\d{{4,}}/|{journals}", doc), doc
    assert re.search(r"\b(19|20)\d\d\b", doc), "the year of the paper"
    assert "Convention: " in doc


@each_cell
def test_lowers_differentiates_and_differentiates_again(name):
    """The checker runs inside each pass: the graph is closed under its own adjoint."""
    forward = lower(zoo.find(name).spec)
    backward = adjoint(forward)
    assert not forward.reverse
    assert backward.reverse
    assert {value.name for value in forward.with_role("param")} <= set(backward.adjoints)
    adjoint(backward)


@each_cell
def test_every_parameter_matters(name):
    assert_alive(run(zoo.find(name), Sample.draw(zoo.find(name), seed=1, H=6)))


@pytest.mark.parametrize("name", CONTRACT)
def test_names_that_others_rely_on(name):
    parameters, states = CONTRACT[name]
    spec = zoo.find(name).spec
    assert [parameter.name for parameter in spec.parameters] == parameters.split()
    assert [state for state, _ in spec.states] == states.split()
    assert spec.output == "h.next"
    assert spec.dims == ("I", "H")


def test_prebuilt_cells_are_in_the_zoo():
    assert set(zoo.PREBUILT) < set(zoo.names())
    assert len(zoo.PREBUILT) == 6


def test_no_two_names_for_one_class():
    assert len({zoo.entry(name).home for name in zoo.names()}) == len(zoo.names())


@pytest.mark.parametrize(("wrong", "hint"), [
    ("LSTM", "Did you mean 'lstm'?"),
    ("gru_reset_befor", "Did you mean 'gru_reset_before'?"),
    ("xylophone", "The zoo has rnn,"),
])
def test_an_unknown_name_gets_a_suggestion(wrong, hint):
    with pytest.raises(CellError, match=re.escape(f"no cell {wrong!r}")) as caught:
        zoo.find(wrong)
    assert hint in str(caught.value)


def test_the_list_needs_no_sympy():
    code = ("import sys, symcell.zoo as zoo, symcell.zoo.convert; zoo.names(); zoo.entry('lstm')\n"
            "assert 'sympy' not in sys.modules; zoo.find('mgu'); assert 'sympy' in sys.modules\n"
            "assert 'symcell.zoo.lstm' not in sys.modules")
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_initial_values_are_those_of_the_language():
    """Biases start at 0, matrices as Matrix says; only scalars and the gains of a layer norm set initial values."""
    for name in zoo.names():
        arrays = [p for p in zoo.find(name).spec.parameters if p.dims]
        others = [p for p in arrays if not (p.name.startswith("g_") and p.init == 1.0)]
        inits = {(len(p.dims), p.init) for p in others}
        assert name.endswith("layer_norm") or others == arrays
        assert inits <= {(2, "uniform"), (1, 0.0)}, name


def test_output_layers_have_their_own_size():
    for name in ("rnn_linear", "elman_head", "jordan"):
        cell = zoo.find(name)
        assert np.shape(run(cell, Sample.draw(cell, T=2, B=3, I=4, H=5, O=6)).y) == (2, 3, 6)
