import pytest

from symcell.render.names import name_of, names_of


@pytest.mark.parametrize(("identifier", "printed"), [
    ("f", "f"), ("W_f", "W_f"), ("alpha", r"\alpha"), ("Gamma", r"\Gamma"), ("lambda_", r"\lambda"),
    ("h_tilde", r"\tilde{h}"), ("c_hat", r"\hat{c}"), ("gate", r"\mathit{gate}"), ("W_hh_2", "W_{hh,2}"),
    ("gate_hat", r"\widehat{\mathit{gate}}"), ("W_h_tilde", r"W_{\tilde{h}}"), ("b1", "b_1"),
    ("tau_max", r"\tau_{\mathrm{max}}"),
    ("I", "I"), ("E", "E"), ("gamma_1", r"\gamma_1"), ("W_alpha", r"W_\alpha"), ("input", r"\mathit{input}"),
    ("x2y", r"\mathit{x2y}"), ("h_bar", r"h_{\mathrm{bar}}"), ("hat", r"\mathit{hat}"), ("Alpha", r"\mathit{Alpha}"),
])  # fmt: skip
def test_a_name(identifier, printed):
    got = name_of(identifier).latex()
    assert got.replace("{\\alpha}", "\\alpha") == printed


def test_time_bar_and_the_later_adjoint():
    assert name_of("f").latex("t") == "f_t"
    assert name_of("a_f").latex("t-1", bar=True) == r"\bar{a}_{f,t-1}"
    assert name_of("h_tilde").latex("t", bar=True, superscript="+") == r"\bar{\tilde{h}}_t^+"
    assert name_of("gate").latex("t", bar=True) == r"\overline{\mathit{gate}}_t"


@pytest.mark.parametrize("pair", [("a1", "a_1"), ("h_hat_1", "h_1_hat"), ("f_", "f"), ("b", "b_t"), ("a__1", "a_1")])
def test_no_two_names_print_alike(pair):
    names = names_of(pair)
    looks = [{name.latex(time) for time in ("", "t", "t-1")} for name in names.values()]
    assert not looks[0] & looks[1]
