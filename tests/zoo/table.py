"""The table of the zoo's cells: a row each, with the cell of torchrecurrent that it is compared to."""

from __future__ import annotations

from dataclasses import dataclass

from symcell import zoo
from symcell.bench.packaged import PACKAGED, Package


@dataclass(frozen=True)
class Row:
    """One cell. in_every_run: its float32 kernel is compiled by `make test` too, not only by `make test-all`."""

    name: str
    package: Package | None = None
    in_every_run: bool = False


# One of each kind: a kink, several states, two dimensions, an output that is no state, the input of the step
# before, no matrix in the loop, a division, a constant, three products one after the other, a matrix made once per
# call, a reduction, a softmax of a matrix.
IN_EVERY_RUN = {"ligru", "slstm", "lstm_projected", "intersection_rnn", "qrnn_ifo", "br", "min_lstm", "cornn", "dsgu",
                "lem", "scrn", "lstm_residual", "antisymmetric_gated", "gru_layer_norm", "lstm_mass_conserving"}

TABLE = [Row(name, PACKAGED.get(name), name in IN_EVERY_RUN) for name in zoo.names()]
