"""The order in which a person writes: terms of a sum, factors of a product. SymPy's own order is alphabetical.

Sums: numbers, what a carry brings unchanged, W x before U h, products, biases; what is subtracted comes last.
Products: numbers, scalars, the adjoint that comes from above, weights, gates in the order of the cell (`1 - f` next
to `f`), then states and inputs, then sums in parentheses.
"""

from __future__ import annotations

import sympy

from symcell.declare.symbols import NEXT
from symcell.graph.ir import PASSED, Computed, MatMul, Once, TimeSum
from symcell.render.notation import Notation

Key = tuple[float, ...]


class Order:
    """Sort keys over the names of one cell."""

    def __init__(self, notation: Notation) -> None:
        """Keys for the printed formulas of this notation."""
        self.notation = notation

    # --- sums --------------------------------------------------------------------------------------------

    def term(self, term: sympy.Expr) -> Key:
        """Sort key of a term of a sum."""
        if term.is_number:
            return (0,)
        bare = self._formula(term)
        adjoints = self._adjoints(term)
        if isinstance(bare, MatMul):
            return 4 if adjoints else 2, *self._matmul(bare)
        if isinstance(term, sympy.Symbol) and bare is None:
            role = self.notation.value(term.name).role
            kind = {"carry": 1.0, "input": 1.5, "param": 6.0, "constant": 6.0, "derived": 6.0}.get(role, 4.0)
            return 1 if adjoints else kind, self.notation.index(term.name)
        return 3, min(adjoints, default=0), *self._product(term)

    def _product(self, term: sympy.Expr) -> Key:
        """(1 - f) h before f n; a product with an old state before one without; then as the cell has it."""
        names = {name for symbol in term.free_symbols for name in self._spelled(symbol.name)}
        carried = any(self._role(name) == "carry" for name in names)
        complement = any(isinstance(factor, sympy.Add) and len(factor.args) == 2 and factor.args[0] == 1
                         for factor in sympy.Mul.make_args(term))
        static = all(self.notation.is_static(name) for name in names)
        indices = [self.notation.index(name) for name in names if self._role(name) == "local"]
        return static, not complement, not carried, min(indices, default=0)

    def _matmul(self, node: MatMul) -> Key:
        """W x first, then U h, then the rest; in the order of the declaration."""
        kinds = {"input": 0, "carry": 1}
        return kinds.get(self.notation.value(node.operand).role, 2), self.notation.index(node.matrix)

    # --- products ----------------------------------------------------------------------------------------

    def factor(self, factor: sympy.Expr) -> Key:
        """Sort key of a factor of a product."""
        base = factor.base if isinstance(factor, sympy.Pow) else factor
        adjoints = self._adjoints(base)
        if base.is_number:
            return (-3,)
        if not any(self.notation.has_components(symbol.name) for symbol in base.free_symbols):
            return -2, *self._position(base)
        if adjoints:
            return -1, min(adjoints)
        if isinstance(base, sympy.Symbol):
            return *self._position(base), 0
        others = [argument for argument in base.args if not argument.is_number]
        single = len(others) == 1 and len(others[0].free_symbols) == 1
        if isinstance(base, sympy.Add) and len(base.args) == 2 and single:
            return *self._position(next(iter(others[0].free_symbols))), 1  # 1 - f, right after f
        return (5,)

    def _position(self, base: sympy.Expr) -> Key:
        if not isinstance(base, sympy.Symbol):
            return 6, 0
        name, role = base.name, self._role(base.name)
        if role in PASSED:
            return 1, self.notation.index(name)
        if role in ("carry", "input") or name.endswith(NEXT):
            return 3, self.notation.index(name)
        return 2, self.notation.index(name)

    # --- what a symbol stands for ------------------------------------------------------------------------

    def _role(self, name: str) -> str:
        return self.notation.value(name).role

    def _formula(self, expression: sympy.Basic) -> Computed | Once | TimeSum | None:
        return self.notation.formula(expression.name) if isinstance(expression, sympy.Symbol) else None

    def _spelled(self, name: str) -> set[str]:
        """The printed names in what a name stands for."""
        node = self.notation.formula(name)
        return {name} if node is None else {part for read in node.reads for part in self._spelled(read)}

    def _adjoints(self, expression: sympy.Expr) -> list[int]:
        """When the adjoints in an expression were computed."""
        names = {name for symbol in expression.free_symbols for name in self._spelled(symbol.name)}
        return [self.notation.index(name) for name in names if self.notation.is_adjoint(name)]

