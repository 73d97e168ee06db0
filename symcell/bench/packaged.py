"""torchrecurrent 0.2.5: how the weights of a cell of the zoo lie in the package's cell of the same paper.

The package stacks the matrices of a cell's gates in one, (G*H, I), in an order of its own, and has two biases where
their sum is one number: those that a row does not name are 0. The benchmark and the tests of the zoo share the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from symcell.declare.cell import CellMeta
from symcell.zoo.searched import nas
from symcell.zoo.timescales import lem

Call = Callable[..., Any]
_VARIANTS: dict[str, Callable[[], CellMeta]] = {
    "nas(multiplied=False)": partial(nas, multiplied=False), "lem(new_memory=False)": partial(lem, new_memory=False)}


def single(call: Call, x: Any, h: Any) -> tuple[Any, ...]:
    """The output is the state."""
    h = call(x, h)
    return h, h


def double(call: Call, x: Any, h: Any, c: Any) -> tuple[Any, ...]:
    """The output is the first of two states."""
    h, c = call(x, (h, c))
    return h, h, c


def decoupled(call: Call, x: Any, h: Any) -> tuple[Any, ...]:
    """The output is not the state."""
    return tuple(call(x, h))


def decoupled_double(call: Call, x: Any, h: Any, c: Any) -> tuple[Any, ...]:
    """The output is neither of two states."""
    y, (h, c) = call(x, (h, c))
    return y, h, c


def twice(call: Call, x: Any, h: Any) -> tuple[Any, ...]:
    """The package carries our one state twice."""
    h, again = call(x, (h, h))
    assert h is again
    return h, h


def delayed(call: Call, x: Any, h: Any, *past: Any) -> tuple[Any, ...]:
    """The state of as many steps before as we keep is a third argument."""
    new = call(x, h, past[-1])
    return new, new, h, *past[:-1]


@dataclass(frozen=True)
class Package:
    """A cell of the package.

    name: of its class of layers; that of cells has "Cell" besides. weights: which of our parameters are stacked in each
    of its tensors, separated by blanks, "0" for a block of H zeros; a number where the package learns what the paper
    has fixed. step: from the module, an input and our states to the output and our states. options: of its
    constructor. constants: the same for our cell, where they are not its defaults. variant: what to compare where the
    package deviates from the paper, a variant of the zoo's cell.
    """

    name: str
    weights: Mapping[str, str | float]
    step: Callable[..., tuple[Any, ...]] = single
    options: Mapping[str, Any] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    variant: str = ""

    @cached_property
    def cell(self) -> CellMeta | None:
        """The variant."""
        return _VARIANTS[self.variant]() if self.variant else None

    @property
    def settings(self) -> str:
        """What was set to other values than the defaults of either library, as text; "" where nothing was."""
        learned = {name: value for name, value in self.weights.items() if isinstance(value, float)}
        sides = ((f"torchrecurrent's {self.name} with", self.options), ("symcell's cell with", self.constants),
                 (f"torchrecurrent's {self.name} with the parameter", learned))
        return ", ".join(f"{side} {' and '.join(f'{name}={value!r}' for name, value in given.items())}"
                         for side, given in sides if given)


PACKAGED = {
    # --- long short-term memory ---
    "lstm_peephole": Package("PeepholeLSTM", {
        "weight_ih": "W_i W_f W_g W_o", "weight_hh": "U_i U_f U_g U_o", "weight_ph": "p_i p_f p_o",
        "bias_ih": "b_i b_f b_g b_o"}, double),
    "lstm_no_forget": Package("OriginalLSTM", {
        "weight_ih": "W_i W_g W_o", "weight_hh": "U_i U_g U_o", "bias_ih": "b_i b_g b_o"}, double),
    "lstm_multiplicative": Package("MultiplicativeLSTM", {
        "weight_ih": "W_m W_i W_f W_g W_o", "weight_hh": "U_m", "weight_mh": "U_i U_f U_g U_o",
        "bias_ih": "0 b_i b_f b_g b_o"}, double),
    "lstm_residual": Package("ResLSTM", {
        "weight_ih": "W_i W_f W_g W_o", "weight_hh": "U_i U_f U_g U_o", "weight_ph": "p_i p_f p_o",
        "weight_proj": "W_p", "weight_res": "W_h", "bias_ih": "b_i b_f b_g b_o"}, double),
    "lstm_working_memory": Package("WMCLSTM", {
        "weight_ih": "W_i W_f W_g W_o", "weight_hh": "U_i U_f U_g U_o", "weight_mh": "V_i V_f V_o",
        "bias_ih": "b_i b_f b_g b_o"}, double),
    "lstm_memory_controller": Package("MCLSTM", {
        "weight_ih": "W_f W_i W_o W_m W_g", "weight_hh": "U_f U_i U_o U_m U_g",
        "bias_ih": "b_f b_i b_o b_m b_g"}, decoupled_double),
    "janet": Package("JANET", {"weight_ih": "W_s W_n", "weight_hh": "U_s U_n", "bias_ih": "b_s b_n", "beta": 0.3},
                     twice, constants={"beta": 0.3}),
    "ran": Package("RAN", {"weight_ih": "W_g W_i W_f", "weight_hh": "U_i U_f", "bias_ih": "b_i b_f"}, double),
    # --- gated recurrent units ---
    "miru1": Package("MiRU1", {"weight_ih": "W_r W_n", "weight_hh": "U_r U_n", "bias_ih": "b_r b_n"},
                     options={"update_coefficient": 0.3}, constants={"lam": 0.3}),
    "miru2": Package("MiRU2", {"weight_ih": "W", "weight_hh": "U", "bias_ih": "b"},
                     options={"update_coefficient": 0.3, "reset_coefficient": 0.8},
                     constants={"lam": 0.3, "beta": 0.8}),
    # --- one gate or two ---
    "mgu": Package("MGU", {"weight_ih": "W_f W_n", "weight_hh": "U_f U_n", "bias_ih": "b_f b_n"}),
    "ugrnn": Package("UGRNN", {"weight_ih": "W_n W_g", "weight_hh": "U_n U_g", "bias_ih": "b_n b_g"}),
    "ligru": Package("LiGRU", {"weight_ih": "W_z W_n", "weight_hh": "U_z U_n", "bias_ih": "b_z b_n"}),
    "minimal_rnn": Package("MinimalRNN", {
        "weight_ih": "W_z", "weight_hh": "U_u", "weight_mm": "V_u", "bias_ih": "b_z", "bias_hh": "b_u"}),
    "atr": Package("ATR", {"weight_ih": "W_p", "weight_hh": "U_q", "bias_ih": "b_p", "bias_hh": "b_q"}),
    "cfn": Package("CFN", {"weight_ih": "W_f W_i W_n", "weight_hh": "U_f U_i", "bias_ih": "b_f b_i 0"}),
    "lightru": Package("LightRU", {"weight_ih": "W_n W_f", "weight_hh": "U_f", "bias_hh": "b_f"}),
    "star": Package("STAR", {"weight_ih": "W_z W_k", "weight_hh": "U_k", "bias_ih": "b_z b_k"}),
    "sgrn": Package("SGRN", {"weight_ih": "W", "weight_hh": "U_f", "bias_hh": "b_f"}),
    "sgu": Package("SGU", {"weight_ih": "W_g W_z", "weight_hh": "U_m U_z", "bias_ih": "b_g b_z"}),
    "dsgu": Package("DSGU", {
        "weight_ih": "W_g W_z", "weight_hh": "U_m U_z", "weight_ho": "U_o", "bias_ih": "b_g b_z"}),
    "br": Package("BR", {"weight_ih": "W_a W_c W_n", "weight_hh": "w_a w_c", "bias_ih": "b_a b_c b_n"}),
    "nbr": Package("NBR", {"weight_ih": "W_a W_c W_n", "weight_hh": "U_a U_c", "bias_ih": "b_a b_c b_n"}),
    "fastrnn": Package("FastRNN", {
        "weight_ih": "W", "weight_hh": "U", "bias_ih": "b", "alpha": "alpha", "beta": "beta"}),
    # The package's gate is a tanh by default; the paper's, and that of the package's documentation, is a sigmoid.
    "fastgrnn": Package("FastGRNN", {
        "weight_ih": "W", "weight_hh": "U", "bias_ih": "b_z b_n", "zeta": "zeta", "nu": "nu"},
        options={"nonlinearity": "sigmoid"}),
    # --- two paths ---
    "scrn_output_fed_back": Package("SCRN", {
        "weight_ih": "W_s W_a", "weight_hh": "U_a U_y", "weight_ch": "V_a V_y", "bias_ih": "b_s b_a",
        "bias_hh": "0 b_y", "alpha": 0.8}, double, constants={"alpha": 0.8}),
    "intersection_rnn": Package("IntersectionRNN", {
        "weight_ih": "W_u W_n W_g W_k", "weight_hh": "U_u U_n U_g U_k", "bias_ih": "b_u b_n b_g b_k"}, decoupled),
    # --- found by search ---
    "nas": Package("NAS", {
        "weight_ih": "W_0 W_1 W_2 W_3 W_4 W_5 W_6 W_7", "weight_hh": "U_0 U_1 U_2 U_3 U_4 U_5 U_6 U_7",
        "bias_ih": "b_0 b_1 b_2 b_3 b_4 b_5 b_6 b_7"}, double, variant="nas(multiplied=False)"),
    "mut1": Package("MUT1", {
        "weight_ih": "W_z W_r W_n", "weight_hh": "U_r U_n", "bias_ih": "b_z b_r 0", "bias_hh": "0 b_n"}),
    "mut2": Package("MUT2", {"weight_ih": "W_z W_r W_n", "weight_hh": "U_z U_r U_n", "bias_ih": "b_z b_r b_n"}),
    "mut3": Package("MUT3", {"weight_ih": "W_z W_r W_n", "weight_hh": "U_z U_r U_n", "bias_ih": "b_z b_r b_n"}),
    # --- differential equations ---
    "antisymmetric": Package("AntisymmetricRNN", {"weight_ih": "W", "weight_hh": "U", "bias_ih": "b"},
                             options={"epsilon": 0.3, "gamma": 0.2}, constants={"epsilon": 0.3, "gamma": 0.2}),
    "antisymmetric_gated": Package("GatedAntisymmetricRNN", {
        "weight_ih": "W_z W_n", "weight_hh": "U", "bias_ih": "b_z b_n"},
        options={"epsilon": 0.3, "gamma": 0.2}, constants={"epsilon": 0.3, "gamma": 0.2}),
    "cornn": Package("coRNN", {"weight_ih": "W", "weight_hh": "U", "weight_ch": "V", "bias_ih": "b"}, double,
                     {"dt": 0.2, "gamma": 0.7, "epsilon": 1.3}, {"dt": 0.2, "gamma": 0.7, "epsilon": 1.3}),
    "unicornn": Package("UnICORNN", {"weight_ih": "W", "weight_hh": "u", "weight_ch": "s", "bias_ih": "b"}, double,
                        {"dt": 0.2, "alpha": 0.9}, {"dt": 0.2, "alpha": 0.9}),
    "lem": Package("LEM", {
        "weight_ih": "W_r W_s W_m W_h", "weight_hh": "U_r U_s U_m", "weight_ch": "U_h", "bias_ih": "b_r b_s b_m b_h"},
        double, {"dt": 0.7}, {"dt": 0.7}, "lem(new_memory=False)"),
    "tau_gru": Package("tauGRU", {
        "weight_ih": "W_u W_z W_g W_a", "weight_hh": "U_u U_z U_g U_a", "bias_ih": "b_u b_z b_g b_a"}, delayed),
    # --- strongly typed ---
    "trnn": Package("TRNN", {"weight_ih": "W_z W_f", "bias_ih": "0 b_f"}),
    "tgru": Package("TGRU", {"weight_ih": "W_z W_f W_o", "weight_hh": "V_z V_f V_o", "bias_ih": "b_z b_f b_o"}, double),
    "tlstm": Package("TLSTM", {
        "weight_ih": "W_z W_f W_o", "weight_hh": "V_z V_f V_o", "bias_ih": "b_z b_f b_o"}, decoupled_double),
    # --- elementwise recurrences ---
    "indrnn": Package("IndRNN", {"weight_ih": "W", "vector_u": "u", "bias_ih": "b"}, options={"nonlinearity": "relu"}),
    "indrnn_tanh": Package("IndRNN", {"weight_ih": "W", "vector_u": "u", "bias_ih": "b"}),
}
