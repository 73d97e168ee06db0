"""Published cells, a family per file, each a few lines of mathematics.

Importing the zoo imports no SymPy; finding a cell imports the file that declares it.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symcell.declare.errors import CellError, suggestion

if TYPE_CHECKING:
    from symcell.declare.cell import Cell


@dataclass(frozen=True)
class Entry:
    """Where a cell is declared: home is "module:Class", family the group it is listed in."""

    name: str
    home: str
    family: str


_FAMILIES = {
    "simple recurrent networks": {
        "rnn": "elman:RNN",
        "rnn_relu": "elman:RNNReLU",
        "rnn_linear": "elman:RNNLinear",
        "elman_head": "elman:ElmanHead",
        "jordan": "elman:Jordan",
        "rnn_multiplicative": "multiplicative:MultiplicativeRNN",
        "rnn_multiplicative_integration": "multiplicative:RNNMultiplicativeIntegration",
    },
    "long short-term memory": {
        "lstm": "lstm:LSTM",
        "lstm_nobias": "lstm:LSTMNoBias",
        "lstm_peephole": "lstm:LSTMPeephole",
        "lstm_full_peephole": "lstm:LSTMFullPeephole",
        "lstm_linear_output": "lstm_variants:LSTMLinearOutput",
        "lstm_inverted_forget": "lstm_variants:LSTMInvertedForget",
        "lstm_no_forget": "lstm_variants:LSTMNoForget",
        "lstm_coupled": "lstm_variants:LSTMCoupled",
        "lstm_multiplicative": "multiplicative:LSTMMultiplicative",
        "lstm_projected": "lstm_extended:LSTMProjected",
        "lstm_residual": "lstm_extended:LSTMResidual",
        "lstm_working_memory": "lstm_extended:LSTMWorkingMemory",
        "lstm_memory_controller": "lstm_extended:LSTMMemoryController",
        "lstm_mass_conserving": "mass:LSTMMassConserving",
        "lstm_hard_sigmoid": "exponential:LSTMHardSigmoid",
        "slstm": "exponential:SLSTM",
        "janet": "janet:JANET",
        "ran": "janet:RAN",
    },
    "gated recurrent units": {
        "gru": "gru:GRU",
        "gru_nobias": "gru:GRUNoBias",
        "gru_reset_before": "gru:GRUResetBefore",
        "gru_reset_before_inverted": "gru:GRUResetBeforeInverted",
        "gru1": "gru_reduced:GRU1",
        "gru2": "gru_reduced:GRU2",
        "gru3": "gru_reduced:GRU3",
        "gru_hard_sigmoid": "exponential:GRUHardSigmoid",
        "miru1": "minion:MiRU1",
        "miru2": "minion:MiRU2",
    },
    "one gate or two": {
        "mgu": "gated:MGU",
        "ugrnn": "light:UGRNN",
        "ligru": "light:LiGRU",
        "minimal_rnn": "light:MinimalRNN",
        "atr": "light:ATR",
        "cfn": "light:CFN",
        "lightru": "light:LightRU",
        "star": "light:STAR",
        "sgrn": "light:SGRN",
        "sgu": "deep_gates:SGU",
        "dsgu": "deep_gates:DSGU",
        "br": "bistable:BR",
        "nbr": "bistable:NBR",
    },
    "two paths": {
        "scrn": "two_paths:SCRN",
        "scrn_output_fed_back": "two_paths:SCRNOutputFedBack",
        "intersection_rnn": "two_paths:IntersectionRNN",
    },
    "layer normalisation": {
        "lstm_layer_norm": "layer_norm:LSTMLayerNorm",
        "gru_layer_norm": "layer_norm:GRULayerNorm",
    },
    "recurrent highway networks": {
        "rhn": "highway:RHN3",
    },
    "found by search": {
        "nas": "searched:NAS",
        "mut1": "mutated:MUT1",
        "mut2": "mutated:MUT2",
        "mut3": "mutated:MUT3",
    },
    "differential equations": {
        "cornn": "oscillators:CoRNN",
        "unicornn": "oscillators:UnICORNN",
        "lem": "timescales:LEM",
        "tau_gru": "timescales:TauGRU",
    },
    "strongly typed": {
        "trnn": "typed:TRNN",
        "tgru": "typed:TGRU",
        "tlstm": "typed:TLSTM",
    },
    "antisymmetric networks": {
        "antisymmetric": "antisymmetric:AntisymmetricRNN",
        "antisymmetric_gated": "antisymmetric:GatedAntisymmetricRNN",
    },
    "fast small networks": {
        "fastrnn": "fast:FastRNN",
        "fastgrnn": "fast:FastGRNN",
        "fastgrnn_lowrank": "fast:FastGRNNLowRank",
    },
    "elementwise recurrences": {
        "sru": "sru:SRU",
        "sru_recurrence": "sru:SRURecurrence",
        "indrnn": "independent:IndRNN",
        "indrnn_tanh": "independent:IndRNNTanh",
        "qrnn_f": "quasi:QRNNF",
        "qrnn_fo": "quasi:QRNNFO",
        "qrnn_ifo": "quasi:QRNNIFO",
        "min_gru": "independent:MinGRU",
        "min_lstm": "independent:MinLSTM",
    },
}

REGISTRY: dict[str, Entry] = {
    name: Entry(name, f"{__name__}.{home}", family)
    for family, cells in _FAMILIES.items()
    for name, home in cells.items()
}
PREBUILT = ("rnn", "rnn_relu", "lstm", "lstm_peephole", "gru", "gru_reset_before")


def names() -> tuple[str, ...]:
    """Return the names of all cells, family by family."""
    return tuple(REGISTRY)


def entry(name: str) -> Entry:
    """Return where the cell of this name is declared, without importing it.

    Raises:
        CellError: no cell has this name.
    """
    if name not in REGISTRY:
        hint = suggestion(name.lower(), REGISTRY) or f" The zoo has {', '.join(REGISTRY)}."
        raise CellError(f"The zoo has no cell {name!r}.{hint}")
    return REGISTRY[name]


def find(name: str) -> type[Cell]:
    """Return the cell of this name.

    Raises:
        CellError: no cell has this name.
    """
    module, _, cls = entry(name).home.partition(":")
    found: type[Cell] = getattr(importlib.import_module(module), cls)
    return found
