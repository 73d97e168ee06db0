"""Declarations whose derivations are hard to fit on a page: long names, many gates, nested stages, long words."""

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid, tanh, where
from symcell.declare.members import Input, Matrix, Scalar, State, Vector
from symcell.declare.naming import named
from symcell.render.derivation import Derivation
from symcell.transforms.dropout import variational_dropout, zoneout
from symcell.transforms.normalised import layer_normalised
from symcell.zoo import find, names
from symcell.zoo.highway import rhn
from tests.oracle import graphs
from tests.random_cells.generator import seeded
from tests.render.cells import Bare, Derived, Entries, Odd, Reduced, Shared


class LongNames(Cell):
    r"""Long words. Somebody and Somebody-Else 2020, https://proceedings.example.org/volumes/2020/a-long-path/paper_1.pdf.

    \cite{hochreiter1997long} $\frac{1}{2}$ doi:10.1162/neco.1997.9.8.1735abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrs
    abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghij
    """

    observed_signal, auxiliary_measurement = Input("observations"), Input("measurements")
    hidden_representation, working_memory = State("representation"), State("memorycells")
    input_projection_weights = Matrix(hidden_representation, observed_signal)
    auxiliary_projection_weights = Matrix(hidden_representation, auxiliary_measurement)
    recurrent_transition_weights = Matrix(hidden_representation, hidden_representation)
    memory_to_hidden_weights = Matrix(hidden_representation, working_memory)
    hidden_to_memory_weights = Matrix(working_memory, hidden_representation)
    recurrent_transition_bias = Vector(hidden_representation)
    leakcoefficient = Scalar()

    update_gate_activation = sigmoid(
        input_projection_weights @ observed_signal + auxiliary_projection_weights @ auxiliary_measurement
        + recurrent_transition_weights @ hidden_representation + recurrent_transition_bias)
    candidate_representation = tanh(
        recurrent_transition_weights @ (update_gate_activation * hidden_representation)
        + memory_to_hidden_weights @ working_memory)
    hidden_representation.next = where(
        candidate_representation > recurrent_transition_bias,
        update_gate_activation * hidden_representation + (1 - update_gate_activation) * candidate_representation,
        leakcoefficient * candidate_representation / (1 + update_gate_activation**2))
    working_memory.next = leakcoefficient * working_memory + tanh(hidden_to_memory_weights @ hidden_representation.next)


class Gates(Cell):
    """Eight gates, of which one formula reads all."""

    x, h, c = Input(), State(), State()
    g = []
    for k in range(1, 9):
        W, U, V = named(f"W_{k}", Matrix(h, x)), named(f"U_{k}", Matrix(h, h)), named(f"V_{k}", Matrix(h, c))
        g.append(named(f"gate_{k}", sigmoid(W @ x + U @ h + V @ c + named(f"b_{k}", Vector(h)))))
    c.next = g[0] * c + g[1] * g[2] + g[3] * g[4] + g[5] * g[6] + g[7]
    h.next = g[0] * tanh(c.next) * g[1] + g[2] * g[3] * g[4] * g[5] * g[6] * g[7] * c.next / (1 + c.next**2) \
        / (g[0] + g[1] + g[2] + g[3] + g[4] + g[5] + g[6] + g[7])


class Nested(Cell):
    """Stages without names in one another, cases and roots of long formulas."""

    x, h = Input(), State()
    W, U, V, P, Q, b = Matrix(h, x), Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h), Vector(h)
    h.next = tanh(P @ (sigmoid(Q @ (tanh(V @ (sigmoid(U @ h + W @ x + b) * h) + W @ x) * h + where(
        h > b, sigmoid(V @ h) * tanh(Q @ h) * tanh(P @ h) + h * b * h - tanh(h * b + h), h * h * h + b)) + U @ h)
        * h) + b) + h / (1 + (tanh(V @ h) * sigmoid(U @ h) + tanh(Q @ h) * sigmoid(P @ h)
                              + tanh(V @ h + b) * sigmoid(U @ h + b) + tanh(Q @ h - b))**2)**0.5


LONG = {
    "long_names": LongNames, "gates": Gates, "nested": Nested, "rhn5": rhn(5),
    "zoneout": zoneout("lem", 0.1), "dropout": variational_dropout("slstm", 0.2), "normalised": layer_normalised("lem"),
    "both": zoneout(layer_normalised("unicornn"), 0.1),
}  # fmt: skip
ODD = {cell.__name__: cell for cell in (Odd, Shared, Bare, Derived, Entries, Reduced)}
CELLS = {name: name for name in names()} | ODD | LONG
SEEDS = range(24)  # of random cells


def derivation(cell):
    """The derivation of a class, of a cell of the zoo by its name, of the random cell of a seed."""
    cell = find(cell) if isinstance(cell, str) else seeded(cell).cell if isinstance(cell, int) else cell
    return Derivation(cell.spec, *graphs(cell))
