"""The table of the zoo's cells: a row each, with the cell of torchrecurrent that it is compared to."""

from __future__ import annotations

from dataclasses import dataclass

from symcell import zoo
from tests.zoo.packaged import HardSigmoid, Package


@dataclass(frozen=True)
class Row:
    """One cell. in_every_run: its float32 kernel is compiled by `make test` too, not only by `make test-all`."""

    name: str
    package: Package | None = None
    in_every_run: bool = False


PACKAGED = {
    "mgu": Package("MGU", {"weight_ih": "W_f W_n", "weight_hh": "U_f U_n", "bias_ih": "b_f b_n"}),
    "ugrnn": Package("UGRNN", {"weight_ih": "W_n W_g", "weight_hh": "U_n U_g", "bias_ih": "b_n b_g"}),
    "ligru": Package("LiGRU", {"weight_ih": "W_z W_n", "weight_hh": "U_z U_n", "bias_ih": "b_z b_n"}),
    "minimal_rnn": Package("MinimalRNN", {
        "weight_ih": "W_z", "weight_hh": "U_u", "weight_mm": "V_u", "bias_ih": "b_z", "bias_hh": "b_u"}),
    "atr": Package("ATR", {"weight_ih": "W_p", "weight_hh": "U_q", "bias_ih": "b_p", "bias_hh": "b_q"}),
    "cfn": Package("CFN", {"weight_ih": "W_f W_i W_n", "weight_hh": "U_f U_i", "bias_ih": "b_f b_i 0"}),
    "lightru": Package("LightRU", {"weight_ih": "W_n W_f", "weight_hh": "U_f", "bias_hh": "b_f"}),
    "star": Package("STAR", {"weight_ih": "W_z W_k", "weight_hh": "U_k", "bias_ih": "b_z b_k"}),
    "sgrn": Package("SGRN", {"weight_ih": "W", "weight_hh": "U_f", "bias_ih": "b", "bias_hh": "b_f"}),
    "miru1": Package("MiRU1", {"weight_ih": "W_r W_n", "weight_hh": "U_r U_n", "bias_ih": "b_r b_n"}),
    "miru2": Package("MiRU2", {"weight_ih": "W", "weight_hh": "U", "bias_ih": "b"}),
    "sgu": Package("SGU", {"weight_ih": "W_g W_z", "weight_hh": "U_m U_z", "bias_ih": "b_g b_z"},
                   options={"gate_nonlinearity": HardSigmoid()}),
    "dsgu": Package("DSGU", {
        "weight_ih": "W_g W_z", "weight_hh": "U_m U_z", "weight_ho": "U_o", "bias_ih": "b_g b_z"},
        options={"gate_nonlinearity": HardSigmoid()}),
    "br": Package("BR", {"weight_ih": "W_a W_c W_n", "weight_hh": "w_a w_c", "bias_ih": "b_a b_c b_n"}),
    "nbr": Package("NBR", {"weight_ih": "W_a W_c W_n", "weight_hh": "U_a U_c", "bias_ih": "b_a b_c b_n"}),
}

IN_EVERY_RUN = {"ligru", "cfn", "dsgu", "br"}

TABLE = [Row(name, PACKAGED.get(name), name in IN_EVERY_RUN) for name in zoo.names()]
