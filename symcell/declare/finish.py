"""The end of a class body: the whole is checked and frozen."""

from __future__ import annotations

from symcell.declare.errors import CellError
from symcell.declare.scope import Scope
from symcell.declare.spec import CellSpec
from symcell.declare.symbols import NEXT


def finish(scope: Scope, doc: str) -> CellSpec:
    """Return what a class body declared; doc: its docstring.

    Raises:
        CellError: something is missing, or was deleted.
    """
    _check_whole(scope)
    output = scope.output or next(iter(scope.states)) + NEXT
    return CellSpec(
        scope.cell, doc, tuple(scope.inputs.items()), tuple(scope.states.items()), tuple(scope.parameters.values()),
        tuple(scope.constants.items()), tuple(scope.equations.values()), output, tuple(scope.whole))


def _check_whole(scope: Scope) -> None:
    if scope.deleted is not None:
        raise CellError(f"{scope.cell}: {scope.deleted} cannot be deleted: a declaration is not undone.")
    if not scope.states:
        raise CellError(f"{scope.cell}: no State is declared: a recurrent cell needs one, such as h = State().")
    if not scope.inputs:
        raise CellError(f"{scope.cell}: no Input is declared: write x = Input().")
    if len(scope.whole) == len(scope.inputs):
        raise CellError(f"{scope.cell}: {', '.join(scope.whole)} stays for the whole sequence, and nothing says how "
                        "many steps there are: declare an Input() of each step as well.")
    for state in scope.states:
        if state + NEXT not in scope.equations:
            raise CellError(f"{scope.cell}: the state {state} has no update; write {state}.next = ... .")
    if scope.output_written and scope.output is None:
        raise CellError(f"{scope.cell}: an Output(...) has no name; write y = Output(...).")
