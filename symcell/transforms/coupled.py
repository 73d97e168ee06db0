"""coupled: the input gate of an LSTM becomes 1 - f."""

from __future__ import annotations

import sympy

from symcell.declare.cell import CellMeta
from symcell.declare.errors import CellError
from symcell.declare.functions import FUNCTIONS
from symcell.declare.spec import CellSpec, Equation
from symcell.declare.symbols import NEXT
from symcell.declare.words import names_in, reached, words
from symcell.transforms.body import Body, declaration

GATES = FUNCTIONS["sigmoid"], FUNCTIONS["hard_sigmoid"]


def coupled(cell: CellMeta | str, input_gate: str = "i", forget_gate: str = "f") -> CellMeta:
    """Return the cell whose input gate is i = 1 - f, without the weights of its own that it had.

    Greff et al. 2017, arXiv:1503.04069, variant CIFG, where f = 1 - i; Cho et al. 2014, arXiv:1406.1078, couple them in
    the GRU. Defined for a cell with two gates i and f, each a sigmoid or hard_sigmoid, and a state whose update is
    f * state + i * candidate, in which neither the candidate nor the gate f reads i.

    Args:
        cell: a Cell class, or the name of a cell of the zoo.
        input_gate: the name of the gate that is replaced.
        forget_gate: the name of the gate that stays.

    Raises:
        CellError: the cell is not of this form; the message says which part of it is missing.
    """
    old = declaration(cell)
    _check(old, input_gate, forget_gate)
    after = {equation.name: names_in(equation.expression) for equation in old.equations}
    wanted = [old.output, *(state + NEXT for state, _ in old.states)]
    needed = reached(wanted, after | {input_gate: {forget_gate}})
    dropped = reached(wanted, after) - needed
    body = Body(old, f"Coupled{old.name}", f"{old.name} whose input gate is {input_gate} = 1 - {forget_gate}. Greff et "
                                           "al. 2017, arXiv:1503.04069, variant CIFG.",
                leave_out=dropped & {name for name, _ in words(old)})
    for equation in old.equations:
        if equation.name == input_gate or equation.name in dropped:
            continue
        body.enter(equation, body.copied(equation.expression))
        if equation.name == forget_gate:
            body.add(input_gate, 1 - body[forget_gate])
    return body.cell()


def _check(old: CellSpec, input_gate: str, forget_gate: str) -> None:
    where = f"coupled({old.name})"
    equations = {equation.name: equation for equation in old.equations}
    for gate in (input_gate, forget_gate):
        if gate not in equations or not isinstance(equations[gate].expression, GATES):
            raise CellError(f"{where}: expected a gate {gate} = sigmoid(...) or hard_sigmoid(...); the equations are "
                            f"{', '.join(equations)}. Other names are given by input_gate= and forget_gate=.")
    if not any(_gated(equations[state + NEXT], state, input_gate, forget_gate) for state, _ in old.states):
        raise CellError(f"{where}: no state has an update {forget_gate} * state + {input_gate} * candidate, in which "
                        f"{input_gate} = 1 - {forget_gate} would make a mean of the two.")
    between = [e.name for e in _before(old, forget_gate) if e.name != input_gate
               and input_gate in names_in(e.expression)]
    if between:
        raise CellError(f"{where}: {between[0]} reads {input_gate}, and {forget_gate} is computed after it; "
                        f"{input_gate} = 1 - {forget_gate} would be needed before it is known.")


def _before(old: CellSpec, gate: str) -> list[Equation]:
    """The equations down to that of the gate."""
    names = [equation.name for equation in old.equations]
    return list(old.equations[:names.index(gate) + 1])


def _gated(update: Equation, state: str, input_gate: str, forget_gate: str) -> bool:
    """Say whether an update is f * state + i * candidate, the candidate free of all three."""
    if not isinstance(update.expression, sympy.Add) or len(update.expression.args) != 2:
        return False
    for kept, added in (update.expression.args, update.expression.args[::-1]):
        factors = [factor.name for factor in added.args if isinstance(factor, sympy.Symbol)]
        if (isinstance(kept, sympy.Mul) and {*map(str, kept.args)} == {forget_gate, state} and len(kept.args) == 2
                and isinstance(added, sympy.Mul) and input_gate in factors):
            rest = [factor for factor in added.args if str(factor) != input_gate]
            return not {input_gate, forget_gate, state} & names_in(sympy.Tuple(*rest))
    return False
