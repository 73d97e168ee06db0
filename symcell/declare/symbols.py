"""What a class body names: quantities (vectors and scalars, as SymPy symbols) and matrices.

SymPy caches its symbols, so two cells' `h` would be one object. A quantity therefore carries the scope of its
cell, which is part of its identity, and everything said about it is stored in that scope.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sympy

from symcell.declare.asked import Operand
from symcell.declare.errors import CellAttributeError, CellError, suggestion
from symcell.declare.matrices import MatrixAlgebra

if TYPE_CHECKING:
    from symcell.declare.scope import Scope

ANONYMOUS = "matrix."  # with a number: a sum of matrices that stands in a formula without a name of its own
NEXT = ".next"  # "h.next" names the new value of state h: no identifier can collide with it
ROW = "1"  # the dimension of what a reduction leaves: one number per step and row of the batch


class Quantity(Operand, sympy.Symbol):
    """A named vector or scalar; in formulas it stands for any one component."""

    __slots__ = ("_scope",)

    def __new__(cls, name: str, scope: Scope) -> Quantity:
        """Make the symbol `name` of one scope; equal only to itself."""
        made: Quantity = sympy.Symbol.__xnew__(cls, name, real=True)
        object.__setattr__(made, "_scope", scope)
        return made

    def __getnewargs_ex__(self) -> Any:
        raise CellError(f"{self.name} belongs to the cell {self._scope.cell} and cannot be copied out of it.")

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*super()._hashable_content(), id(self._scope))

    @property
    def next(self) -> Quantity:
        """The value of this state after the step."""
        return self._scope.read_next(self)

    @next.setter
    def next(self, expression: Any) -> None:
        self._scope.set_next(self, expression)

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_"):  # SymPy asks for some of these
            raise AttributeError(attribute)
        hint = suggestion(attribute, ["next"])
        raise CellAttributeError(f"{self._scope.cell}: {self.name} has no attribute {attribute!r}.{hint}")

    def __setattr__(self, attribute: str, value: Any) -> None:
        if attribute == "next" or attribute.startswith("_") or attribute in sympy.Symbol.__slots__:
            object.__setattr__(self, attribute, value)
        else:
            hint = suggestion(attribute, ["next"])
            raise CellError(
                f"{self._scope.cell}: {self.name}.{attribute} cannot be set; only .next of a state can.{hint}")

    def __matmul__(self, other: Any) -> None:
        raise CellError(
            f"{self._scope.cell}: {self.name} @ ... : only a declared matrix stands left of @. "
            "For an elementwise product of vectors write *.")


class MatrixSymbol(MatrixAlgebra, sympy.Basic):
    """A declared matrix, or one computed once per call, or the transpose of one."""

    __slots__ = ("name", "rows", "cols", "transposed", "_scope")

    def __new__(cls, name: str, rows: str, cols: str, scope: Scope, transposed: bool = False) -> MatrixSymbol:
        """`rows` and `cols` are dimension names of the matrix as declared, not of its transpose."""
        made: MatrixSymbol = sympy.Basic.__new__(cls)
        said = {"name": name, "rows": rows, "cols": cols, "transposed": transposed, "_scope": scope}
        for attribute, value in said.items():
            object.__setattr__(made, attribute, value)
        return made

    def __setattr__(self, attribute: str, value: Any) -> None:
        if not attribute.startswith("_"):
            self._refuse()
        object.__setattr__(self, attribute, value)

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.name, self.transposed, id(self._scope))

    def sort_key(self, order: Any = None) -> Any:
        """By name: sums of products print in one order, where ties would be broken by addresses in memory."""
        one = sympy.S.One
        return self.class_key(), (2, (self.name, str(self.transposed))), one.sort_key(), one

    @property
    def T(self) -> MatrixSymbol:
        """The transpose."""
        return MatrixSymbol(self.name, self.rows, self.cols, self._scope, not self.transposed)

    @property
    def domain(self) -> str:
        """The dimension of the vectors it applies to."""
        return self.rows if self.transposed else self.cols

    @property
    def codomain(self) -> str:
        """The dimension of the vectors it gives."""
        return self.cols if self.transposed else self.rows

    def _apply(self, vector: sympy.Expr) -> Apply:
        return Apply(self, vector)

    def __str__(self) -> str:
        return self._scope.text_of(self.name) + (".T" if self.transposed else "")


class Apply(Operand, sympy.Expr):
    """`W @ v`: one component of a matrix applied to a vector."""

    is_commutative = True
    precedence = 45  # when printed: between a sum's 40 and a product's 50
    is_real = True
    is_extended_real = True

    def __new__(cls, matrix: MatrixSymbol, vector: sympy.Expr) -> Apply:
        """Hold the product unevaluated."""
        return sympy.Expr.__new__(cls, matrix, vector)

    @property
    def matrix(self) -> MatrixSymbol:
        """The matrix, or its transpose."""
        return self.args[0]

    @property
    def vector(self) -> sympy.Expr:
        """What it is applied to."""
        return self.args[1]

    def _sympystr(self, printer: Any) -> str:
        inner = printer._print(self.vector)
        return f"{self.matrix} @ {inner if self.vector.is_Atom else f'({inner})'}"
