import pytest

from symcell.graph.ir import MatMul, Outer
from symcell.render import counts
from symcell.zoo import find
from tests.oracle import Sample, graphs
from tests.render.cells import Odd
from tests.render.reader import read

SIZES = {"I": 5, "H": 7, "O": 3, "D": 2, "P": 11}
CELLS = [*map(find, ("rnn", "rnn_linear", "lstm", "lstm_peephole", "lstm_full_peephole", "gru", "mgu", "jordan")), Odd]


def value(formula):
    """What the printed formula says for these sizes."""
    return read(formula)({**SIZES, **{f"{dim}^2": size**2 for dim, size in SIZES.items()}})


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.__name__)
def test_the_printed_formulas_are_the_real_counts(cell):
    forward, backward = graphs(cell)
    sample = Sample.draw(cell, **SIZES)
    parameters = counts.parameter_counts(forward)
    assert value(counts.formula(parameters, cell.spec.dims)) == sum(a.size for a in sample.params.values())
    for graph in (forward, backward):
        real = 0
        for node in graph.nodes:
            if isinstance(node, (MatMul, Outer)):
                rows, cols = graph.value(node.matrix if isinstance(node, MatMul) else node.out).dims
                real += SIZES[rows] * SIZES[cols]
        made = counts.multiply_adds(graph)
        assert value(counts.formula(made, cell.spec.dims)) == counts.total(made, SIZES) == real


def test_formulas():
    mgu = graphs(find("mgu"))
    assert counts.formula(counts.parameter_counts(mgu[0]), ("I", "H")) == "2 (H I + H^2 + H)"
    assert counts.formula(counts.multiply_adds(mgu[1]), ("I", "H")) == "4 (H I + H^2)"
    assert counts.formula({("H", "H"): 4}, ("H",)) == "4 H^2"
    assert counts.formula({(): 1, ("H",): 2}, ("H",)) == "2 H + 1"
    assert counts.formula({}, ()) == "0"
