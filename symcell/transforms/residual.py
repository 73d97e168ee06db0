"""residual: what a step returns, plus its input."""

from __future__ import annotations

from symcell.declare.cell import CellMeta
from symcell.declare.errors import CellError
from symcell.declare.members import Output
from symcell.declare.spec import CellSpec
from symcell.declare.symbols import NEXT
from symcell.transforms.body import Body, declaration


def residual(cell: CellMeta | str, input: str | None = None) -> CellMeta:
    """Return the cell whose output is that of `cell` plus its input; the recurrence is the old one.

    He et al. 2015, arXiv:1512.03385, eq. 1, with the sequence through the cell for F; between the layers of a stack, as
    in Wu et al. 2016, arXiv:1609.08144, eq. 6.

    Args:
        cell: a Cell class, or the name of a cell of the zoo, whose output y is (T, B, dim).
        input: which input (T, B, dim) is added; left out where only one has the dimension of the output.

    Raises:
        CellError: no input has the dimension of the output, or several have.
    """
    old = declaration(cell)
    chosen = _input(old, input)
    body = Body(old, f"Residual{old.name}", f"{old.name} whose output has the input {chosen} added to it. He et al. "
                                            "2015, arXiv:1512.03385, eq. 1.")
    for equation in old.equations:
        formula = body.copied(equation.expression)
        own = equation.name == old.output and not equation.name.endswith(NEXT)
        body.enter(equation, formula + body[chosen] if own else formula)
    if old.output.endswith(NEXT):
        body.add(body.fresh("y"), Output(body[old.output] + body[chosen]))
    return body.cell()


def _input(old: CellSpec, wanted: str | None) -> str:
    """Return the input that can be added to the output."""
    where, dims = f"residual({old.name})", dict(old.inputs)
    dim, = next(equation.dims for equation in old.equations if equation.name == old.output)
    shown = ", ".join(f"{name} of {of}" for name, of in dims.items())
    if wanted is not None and not (isinstance(wanted, str) and wanted in dims):
        raise CellError(f"{where}: there is no input {wanted!r}; its inputs are {shown}.")
    fitting = [name for name, of in dims.items() if of == dim and wanted in (None, name)]
    if len(fitting) > 1:
        raise CellError(f"{where}: several inputs have the dimension {dim} of the output; choose one: "
                        f'residual(cell, input="{fitting[0]}").')
    if not fitting:
        other = dims[wanted or next(iter(dims))]
        raise CellError(f"{where}: the output {old.output} is a vector of {dim}, and the inputs are {shown}; only "
                        f"vectors of one dimension are added. Make them one, residual(with_dims(cell, {other}="
                        f'"{dim}")), or project the input in a cell of your own.')
    return fitting[0]
