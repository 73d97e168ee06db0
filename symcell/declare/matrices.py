"""The algebra of matrices in a class body: sums, scalar multiples, transposes, products of both kinds, the identity.

SymPy's own matrix expressions would not do: plain SymPy takes `(U - U.T) @ h` for a product of scalars. A matrix
expression here is a sum of terms, each a scalar times a product of declared matrices. Applied to a vector, a sum of
single matrices becomes one matrix, computed once per call; a product of matrices is applied factor by factor, so that
`(P @ Q) @ h` of low rank costs P @ (Q @ h), and `(U + P @ Q) @ h` two more products.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import sympy

from symcell.declare.asked import Truthless
from symcell.declare.errors import CellAttributeError, CellError, cell_being_declared, suggestion

MAX_FACTORS = 2000  # of one expression: products of sums grow fast
Term = tuple[sympy.Expr, tuple[Any, ...]]  # a scalar, and the factors of a product


class MatrixAlgebra(Truthless):
    """What a matrix of a class body understands, be it declared, an identity or an expression."""

    __slots__ = ()

    @property
    def T(self) -> Any:
        """The transpose."""
        return combined((c, tuple(factor.T for factor in reversed(factors))) for c, factors in self._terms())

    def _terms(self) -> tuple[Term, ...]:
        return ((sympy.S.One, (self,)),)

    def __add__(self, other: Any) -> Any:
        return combined((*self._terms(), *_operand(self, other, "+")._terms()))

    def __radd__(self, other: Any) -> Any:
        return _operand(self, other, "+") + self

    def __sub__(self, other: Any) -> Any:
        return self + -_operand(self, other, "-")

    def __rsub__(self, other: Any) -> Any:
        return _operand(self, other, "-") - self

    def __neg__(self) -> Any:
        return self * -1

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, MatrixAlgebra):
            return combined((a * b, (_entrywise(left, right),)) for a, left in self._terms()
                            for b, right in other._terms())
        return combined((_scalar(self, other) * c, factors) for c, factors in self._terms())

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        return self * (1 / _scalar(self, other))

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, MatrixAlgebra):
            return combined((a * b, (*left, *right)) for a, left in _merged(self) for b, right in _merged(other))
        if not isinstance(other, sympy.Expr):
            raise misuse(self, f"{self} @ {other!r}: a matrix applies to a vector expression.")
        result = sympy.S.Zero
        for coefficient, factors in _merged(self):
            vector = other
            for factor in reversed(factors):
                vector = factor._apply(vector)
            result += coefficient * vector
        return result

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("_") or attribute in getattr(self, "__slots__", ()):
            raise AttributeError(attribute)
        hint = suggestion(attribute, ["T"])
        raise CellAttributeError(f"{_cell(self)}the matrix {self} has no attribute {attribute!r}.{hint}")

    def _refuse(self, *_: Any) -> Any:
        raise misuse(self, f"{self} is a matrix: it takes @, .T, +, - and * with matrices, * and / with scalars, and "
                           "functions of one argument.")

    def __abs__(self) -> Any:
        from symcell.declare.functions import absolute

        return absolute(self)

    __pow__ = __rtruediv__ = __rpow__ = __lt__ = __le__ = __gt__ = __ge__ = __rmatmul__ = _refuse
    __call__ = _refuse  # no __getitem__: SymPy would take what has one for a sequence


class IdentityMatrix(MatrixAlgebra, sympy.Basic):
    """The identity of a dimension."""

    __slots__ = ()

    def __new__(cls, dim: Any) -> IdentityMatrix:
        """dim: the name of the dimension."""
        return sympy.Basic.__new__(cls, dim if isinstance(dim, sympy.Basic) else sympy.Symbol(dim))

    @property
    def codomain(self) -> str:
        """The dimension of the vectors it applies to, and gives."""
        return str(self.args[0])

    domain = codomain

    @property
    def T(self) -> IdentityMatrix:
        """The same."""
        return self

    @property
    def free_symbols(self) -> set[Any]:
        """None: the argument is a name."""
        return set()

    def _apply(self, vector: sympy.Expr) -> sympy.Expr:
        scope = next((found._scope for found in vector.free_symbols if hasattr(found, "_scope")), None)
        if scope is not None:
            scope.check_vector(self, vector)
        return vector

    def __str__(self) -> str:
        return f"Identity({self.codomain})"

    __repr__ = __str__

    def _sympystr(self, printer: Any) -> str:
        return str(self)


class BlockMatrix(MatrixAlgebra, sympy.Basic):
    """A matrix with zeros outside of so many blocks along its diagonal. args: the matrix, the number of blocks."""

    __slots__ = ()

    @property
    def matrix(self) -> Any:
        """The matrix whose blocks are kept."""
        return self.args[0]

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return int(self.args[1])

    @property
    def _scope(self) -> Any:
        return self.matrix._scope

    @property
    def codomain(self) -> str:
        """The dimension of its rows."""
        return str(self.matrix.codomain)

    @property
    def domain(self) -> str:
        """The dimension of its columns."""
        return str(self.matrix.domain)

    @property
    def T(self) -> BlockMatrix:
        """The transpose, which has the transposed blocks."""
        return self.func(self.matrix.T, self.args[1])

    def __str__(self) -> str:
        return f"BlockDiagonal({self.matrix}, {self.blocks})"

    __repr__ = __str__

    def _sympystr(self, printer: Any) -> str:
        return str(self)


class Entrywise(MatrixAlgebra, sympy.Basic):
    """A matrix made of others of one shape, entry by entry."""

    __slots__ = ()

    @property
    def factors(self) -> tuple[Any, ...]:
        """What it is made of."""
        return self.args

    @property
    def _scope(self) -> Any:
        return _scope(self.matrices)

    @property
    def matrices(self) -> tuple[Any, ...]:
        """The declared matrices in it."""
        return declared(self.factors)

    @property
    def codomain(self) -> str:
        """The dimension of its rows."""
        return str(self.factors[0].codomain)

    @property
    def domain(self) -> str:
        """The dimension of its columns."""
        return str(self.factors[0].domain)

    def _sympystr(self, printer: Any) -> str:
        return str(self)


class EntrywiseProduct(Entrywise):
    """The product of matrices entry by entry, as of a mask and a matrix. args: the matrices."""

    __slots__ = ()

    @property
    def T(self) -> EntrywiseProduct:
        """The transpose: the product of the transposes."""
        return self.func(*(factor.T for factor in self.args))

    def __str__(self) -> str:
        return "*".join(str(factor) for factor in self.args)

    __repr__ = __str__


COMPUTED = (BlockMatrix, Entrywise)  # factors that are no array of their own: a matrix is computed of them


class MatrixSum(MatrixAlgebra, sympy.Basic):
    """A sum of products of matrices, each with a scalar in front; made by `combined`. args: (scalar, *factors)."""

    __slots__ = ()

    def _terms(self) -> tuple[Term, ...]:
        return tuple((term[0], tuple(term[1:])) for term in self.args)

    @property
    def matrices(self) -> tuple[Any, ...]:
        """The declared matrices in it."""
        return declared(factor for _, product in self._terms() for factor in product)

    @property
    def codomain(self) -> str:
        """The dimension of its rows."""
        codomain: str = self._terms()[0][1][0].codomain
        return codomain

    @property
    def domain(self) -> str:
        """The dimension of its columns."""
        domain: str = self._terms()[0][1][-1].domain
        return domain

    def _sympystr(self, printer: Any) -> str:
        text = ""
        for coefficient, factors in self._terms():
            negative = coefficient.could_extract_minus_sign()
            size = -coefficient if negative else coefficient
            scalar = "" if size == 1 else f"({size})*" if size.is_Add else f"{size}*"
            sign = ("-" if negative else "") if not text else " - " if negative else " + "
            text += sign + scalar + " @ ".join(str(factor) for factor in factors)
        return text

    def __str__(self) -> str:
        return self._sympystr(None)

    __repr__ = __str__


def declared(factors: Iterable[Any]) -> tuple[Any, ...]:
    """Return the declared matrices in some factors."""
    found: list[Any] = []
    for factor in factors:
        found += factor.matrices if isinstance(factor, Entrywise) else \
            [factor.matrix] if isinstance(factor, BlockMatrix) else [factor]
    return tuple(matrix for matrix in found if not isinstance(matrix, IdentityMatrix))


def single(terms: Iterable[Term]) -> MatrixSum:
    """Return the sum as it is, even of one term."""
    return sympy.Basic.__new__(MatrixSum, *(sympy.Tuple(c, *factors) for c, factors in terms))


def combined(terms: Iterable[Term]) -> Any:
    """Return the sum of some terms, equal products collected; a single matrix as itself.

    Raises:
        CellError: the shapes do not agree, or nothing is left.
    """
    listed, count = [], 0
    for c, factors in terms:
        listed.append((c, _without_identities(factors)))
        count += len(factors)
        if count > MAX_FACTORS:
            raise misuse(factors, f"an expression of matrices has more than {MAX_FACTORS} factors; give its parts "
                                  "names of their own, or apply them one after the other.")
    found: dict[tuple[Any, ...], sympy.Expr] = {}
    for coefficient, factors in listed:
        found[factors] = found.get(factors, sympy.S.Zero) + coefficient
    kept = [(c, factors) for factors, c in found.items() if c is not sympy.S.Zero]
    if not kept:
        raise misuse(listed[0][1][0], "a sum of matrices cancels to zero.")
    if len(kept) == 1 and kept[0][0] is sympy.S.One and len(kept[0][1]) == 1:
        return kept[0][1][0]
    _check_shapes([factors for _, factors in kept])
    return single((c, factors) for c, factors in kept)


def _entrywise(left: tuple[Any, ...], right: tuple[Any, ...]) -> Any:
    """Return the product, entry by entry, of two terms of one factor each."""
    names = [str(single([(sympy.S.One, factors)])) for factors in (left, right)]
    names = [f"({name})" if len(factors) > 1 else name for name, factors in zip(names, (left, right), strict=True)]
    for product, name in zip((left, right), names, strict=True):
        if len(product) > 1:
            raise misuse((*left, *right), f"{names[0]} * {names[1]}: the product {name} is never formed, so it has no "
                                          "entries to multiply. An elementwise product takes single matrices.")
    _check_shapes([left, right])
    parts = [part for [factor] in (left, right)
             for part in (factor.args if isinstance(factor, EntrywiseProduct) else (factor,))]
    if len(parts) > MAX_FACTORS:
        raise misuse(tuple(parts), f"an elementwise product has more than {MAX_FACTORS} factors; give its parts names "
                                   "of their own.")
    return parts[0] if not declared(parts) else sympy.Basic.__new__(EntrywiseProduct, *parts)


def _without_identities(factors: tuple[Any, ...]) -> tuple[Any, ...]:
    for left, right in pairwise(factors):
        if left.domain != right.codomain:
            raise misuse(left, f"{left} @ {right}: the shapes do not agree: ({left.codomain}, {left.domain}) meets "
                               f"({right.codomain}, {right.domain}).")
    return tuple(factor for factor in factors if not isinstance(factor, IdentityMatrix)) or factors[:1]


def _check_shapes(products: list[tuple[Any, ...]]) -> None:
    first = products[0]
    for other in products[1:]:
        shapes = [f"({factors[0].codomain}, {factors[-1].domain})" for factors in (first, other)]
        if shapes[0] != shapes[1]:
            texts = [" @ ".join(map(str, factors)) for factors in (first, other)]
            raise misuse((*first, *other), f"a sum or elementwise product of matrices of two shapes: {texts[0]} is "
                                           f"{shapes[0]} and {texts[1]} is {shapes[1]}.")


def _merged(matrix: MatrixAlgebra) -> Iterator[Term]:
    """Yield the terms, several single matrices merged into one that is computed once per call."""
    terms = matrix._terms()
    alone = [term for term in terms if len(term[1]) == 1]
    scope = _scope([factor for _, factors in alone for factor in factors])
    dense = len(alone) > 1 or any(isinstance(factors[0], COMPUTED) for _, factors in alone)
    if dense and scope is not None:
        yield sympy.S.One, (scope.matrix_of(single(alone)),)
        terms = tuple(term for term in terms if len(term[1]) > 1)
    for coefficient, factors in terms:
        scope = _scope(factors)
        yield (scope.check_coefficient(coefficient, matrix) if scope is not None else coefficient), factors


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


def _scope(factors: Iterable[Any]) -> Any:
    return next((factor._scope for factor in factors if not isinstance(factor, IdentityMatrix)), None)


def _cell(matrix: Any) -> str:
    factors = matrix if isinstance(matrix, tuple) else [f for _, factors in matrix._terms() for f in factors]
    scope = _scope(factors)
    return f"{scope.cell}: " if scope is not None else cell_being_declared()


def misuse(matrix: Any, text: str) -> CellError:
    """Return the error with the name of the cell that the matrix belongs to."""
    return CellError(f"{_cell(matrix)}{text}")
