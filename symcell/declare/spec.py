"""A finished declaration: frozen, in the order in which it was written. What `lower` reads."""

from __future__ import annotations

from dataclasses import dataclass

import sympy

from symcell.declare.symbols import ANONYMOUS, MatrixSymbol, Quantity


@dataclass(frozen=True)
class Parameter:
    """An array: dims () for a scalar, (dim,) for a vector, (rows, cols) for a matrix. Learned: it has a gradient."""

    name: str
    symbol: Quantity | MatrixSymbol
    dims: tuple[str, ...]
    init: str | float
    learned: bool = True


@dataclass(frozen=True)
class Equation:
    """`name = expression`; the name is "h.next" for the update of state h. dims: (), (dim,) or (ROW,).

    Of a matrix that is computed once per call: dims (rows, cols), and the expression is a MatrixSum of single matrices.
    """

    name: str
    symbol: Quantity | MatrixSymbol
    expression: sympy.Basic
    dims: tuple[str, ...]

    @property
    def anonymous(self) -> bool:
        """Whether it is a sum of matrices that stands in another equation, which shows it."""
        return self.name.startswith(ANONYMOUS)


@dataclass(frozen=True)
class CellSpec:
    """Everything a class body said."""

    name: str
    doc: str
    inputs: tuple[tuple[str, str], ...]  # (name, dim)
    states: tuple[tuple[str, str], ...]  # (name, dim)
    parameters: tuple[Parameter, ...]
    constants: tuple[tuple[str, float], ...]  # (name, default)
    equations: tuple[Equation, ...]
    output: str  # the name of the equation whose value a step returns
    whole: tuple[str, ...] = ()  # the inputs that are given for the whole sequence

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimension names, inputs' first, in order of appearance."""
        named = [dim for _, dim in self.inputs] + [dim for _, dim in self.states]
        named += [dim for parameter in self.parameters for dim in parameter.dims]
        return tuple(dict.fromkeys(named))

    def __str__(self) -> str:
        lines = [f"cell {self.name}"]
        lines += [f"  input  {name} ({dim}){self._once(name)}" for name, dim in self.inputs]
        lines += [f"  state  {name} ({dim})" for name, dim in self.states]
        lines += [f"  param  {p.name} ({', '.join(p.dims)}){'' if p.learned else ', not learned'}"
                  for p in self.parameters]
        lines += [f"  const  {name} = {value!r}" for name, value in self.constants]
        lines += [f"  {e.name} = {e.expression}" for e in self.equations if not e.anonymous]
        return "\n".join([*lines, f"  output {self.output}"])

    def _once(self, name: str) -> str:
        return ", for the whole sequence" if name in self.whole else ""
