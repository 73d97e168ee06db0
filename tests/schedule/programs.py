"""Programs of all cells, and questions that several tests ask of one."""

from symcell.compiler import stages
from symcell.zoo import find, names
from tests import reductions
from tests.schedule.cells import CELLS

EVERY = [*map(find, names()), *CELLS, *reductions.CELLS]


def program(cell):
    return stages(cell).program


def products(phase):
    """Every matrix product of a phase, as text."""
    return {f"{term.matrix}{'.T' if term.transposed else ''} @ {term.operand}" for stage in phase.stages
            for panel in stage.panels for _, terms in panel.accumulators for term in terms}


def stored(made, name):
    """(train, infer) of the buffer in which a value lives."""
    buffer = made.buffer(made.places[name].buffer)
    return buffer.train, buffer.infer
