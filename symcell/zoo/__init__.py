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
    },
    "gated recurrent units": {
        "gru": "gru:GRU",
        "gru_nobias": "gru:GRUNoBias",
        "gru_reset_before": "gru:GRUResetBefore",
        "gru_reset_before_inverted": "gru:GRUResetBeforeInverted",
        "mgu": "gated:MGU",
    },
    "recurrent highway networks": {
        "rhn": "highway:RHN3",
    },
    "found by search": {
        "nas": "searched:NAS",
    },
    "elementwise recurrences": {
        "sru": "sru:SRU",
        "sru_recurrence": "sru:SRURecurrence",
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
