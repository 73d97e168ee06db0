"""What every matrix of a class body understands: +, -, *, /, @ and .T, be it declared, of a pattern, or made of others.

SymPy's own matrix expressions would not do: plain SymPy takes `(U - U.T) @ h` for a product of scalars. A matrix is a
sum of terms, each a scalar times a product of factors, and the operators make the terms of their result from those of
their operands. What becomes of these is in `matrix_sum`; it is imported late, because a sum is a matrix with these
operators too.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any

import sympy

from symcell.declare.asked import Truthless
from symcell.declare.errors import CellAttributeError, CellError, cell_being_declared, suggestion

Term = tuple[sympy.Expr, tuple[Any, ...]]  # a scalar, and the factors of a product


class MatrixAlgebra(Truthless):
    """The operators; a class of matrices adds `codomain`, `domain`, `T` and `__str__`."""

    __slots__ = ()

    @property
    def T(self) -> Any:
        """The transpose."""
        return _combined((c, tuple(factor.T for factor in reversed(factors))) for c, factors in self._terms())

    @property
    def matrices(self) -> tuple[Any, ...]:
        """The declared matrices in it."""
        return (self,)

    def _terms(self) -> tuple[Term, ...]:
        return ((sympy.S.One, (self,)),)

    def __add__(self, other: Any) -> Any:
        return _combined((*self._terms(), *_operand(self, other, "+")._terms()))

    def __radd__(self, other: Any) -> Any:
        return _operand(self, other, "+") + self

    def __sub__(self, other: Any) -> Any:
        return self + -_operand(self, other, "-")

    def __rsub__(self, other: Any) -> Any:
        return _operand(self, other, "-") - self

    def __neg__(self) -> Any:
        return self * -1

    def __mul__(self, other: Any) -> Any:
        from symcell.declare.entrywise import product_of

        if isinstance(other, MatrixAlgebra):
            return product_of(self, other)
        return _combined((_scalar(self, other) * c, factors) for c, factors in self._terms())

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self * (1 / _scalar(self, other))

    def __matmul__(self, other: Any) -> Any:
        from symcell.declare.matrix_sum import applied, product

        if isinstance(other, MatrixAlgebra):
            return product(self, other)
        if not isinstance(other, sympy.Expr):
            raise misuse(self, f"{self} @ {other!r}: a matrix applies to a vector expression.")
        return applied(self, other)

    def __abs__(self) -> Any:
        from symcell.declare.functions import absolute

        return absolute(self)

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_") or attribute in getattr(self, "__slots__", ()):
            raise AttributeError(attribute)
        hint = suggestion(attribute, ["T"])
        raise CellAttributeError(f"{_cell(self)}the matrix {self} has no attribute {attribute!r}.{hint}")

    def _refuse(self, *_: Any) -> Any:
        raise misuse(self, f"{self} is a matrix: it takes @, .T, +, - and * with matrices, * and / with scalars, and "
                           "functions of one argument.")

    __pow__ = __rtruediv__ = __rpow__ = __lt__ = __le__ = __gt__ = __ge__ = __rmatmul__ = _refuse
    __call__ = _refuse  # no __getitem__: SymPy would take what has one for a sequence

    def __repr__(self) -> str:
        return str(self)

    def _sympystr(self, printer: Any) -> str:
        return str(self)


class ComputedMatrix(MatrixAlgebra, sympy.Basic):
    """A factor that is no array of its own: a matrix is computed of it, once per call."""

    __slots__ = ()


def _combined(terms: Iterable[Term]) -> Any:
    from symcell.declare.matrix_sum import combined

    return combined(terms)


def _operand(matrix: MatrixAlgebra, other: Any, sign: str) -> MatrixAlgebra:
    if isinstance(other, MatrixAlgebra):
        return other
    what = other if isinstance(other, (sympy.Basic, int, float)) else repr(other)
    raise misuse(matrix, f"{matrix} {sign} {what}: a matrix is added to a matrix only. A multiple of the identity is "
                         "written a * Identity(h).")


def _scalar(matrix: MatrixAlgebra, value: Any) -> sympy.Expr:
    if isinstance(value, (sympy.Expr, numbers.Real)) and not isinstance(value, bool):
        return sympy.sympify(value)
    raise misuse(matrix, f"{matrix} * {value!r}: a matrix is multiplied by a number, a Constant or a scalar.")


def scope_of(factors: Iterable[Any]) -> Any:
    """Return the scope of the cell that some factors belong to; None of identities, which belong to none."""
    return next((matrix._scope for factor in factors for matrix in factor.matrices), None)


def _cell(matrix: Any) -> str:
    factors = matrix if isinstance(matrix, tuple) else [f for _, factors in matrix._terms() for f in factors]
    scope = scope_of(factors)
    return f"{scope.cell}: " if scope is not None else cell_being_declared()


def misuse(matrix: Any, text: str) -> CellError:
    """Return the error with the name of the cell that the matrix, or a tuple of factors, belongs to."""
    return CellError(f"{_cell(matrix)}{text}")
