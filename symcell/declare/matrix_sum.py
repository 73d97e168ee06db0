"""Sums of products of matrices: what the operators make of terms, and how a sum is applied to a vector.

Applied to a vector, the single matrices of a sum become one, computed once per call; a product of matrices is applied
factor by factor, so that `(P @ Q) @ h` of low rank costs P @ (Q @ h), and `(U + P @ Q) @ h` two more products.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import sympy

from symcell.declare.derived import checked_coefficient, matrix_of
from symcell.declare.matrices import ComputedMatrix, MatrixAlgebra, Term, misuse, scope_of
from symcell.declare.patterns import IdentityMatrix

MAX_FACTORS = 2000  # of one expression: products of sums grow fast


class MatrixSum(MatrixAlgebra, sympy.Basic):
    """A sum of products of matrices, each with a scalar in front; made by `combined`. args: (scalar, *factors)."""

    __slots__ = ()

    def _terms(self) -> tuple[Term, ...]:
        return tuple((term[0], tuple(term[1:])) for term in self.args)

    @property
    def matrices(self) -> tuple[Any, ...]:
        """The declared matrices in it."""
        return tuple(matrix for _, product in self._terms() for factor in product for matrix in factor.matrices)

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

    def __str__(self) -> str:
        text = ""
        for coefficient, factors in self._terms():
            negative = coefficient.could_extract_minus_sign()
            size = -coefficient if negative else coefficient
            scalar = "" if size == 1 else f"({size})*" if size.is_Add else f"{size}*"
            sign = ("-" if negative else "") if not text else " - " if negative else " + "
            text += sign + scalar + " @ ".join(str(factor) for factor in factors)
        return text


def single(terms: Iterable[Term]) -> MatrixSum:
    """Return the sum as it is, even of one term."""
    return sympy.Basic.__new__(MatrixSum, *(sympy.Tuple(c, *factors) for c, factors in terms))


def combined(terms: Iterable[Term]) -> Any:
    """Return the sum of some terms, equal products collected; a single matrix as itself.

    Raises:
        CellError: the shapes do not agree, or nothing is left.
    """
    listed = _limited(terms)
    found: dict[tuple[Any, ...], sympy.Expr] = {}
    for coefficient, factors in listed:
        found[factors] = found.get(factors, sympy.S.Zero) + coefficient
    kept = [(c, factors) for factors, c in found.items() if c is not sympy.S.Zero]
    if not kept:
        raise misuse(listed[0][1][0], "a sum of matrices cancels to zero.")
    if len(kept) == 1 and kept[0][0] is sympy.S.One and len(kept[0][1]) == 1:
        return kept[0][1][0]
    check_shapes([factors for _, factors in kept])
    return single(kept)


def _limited(terms: Iterable[Term]) -> list[Term]:
    """Return the terms without identities; refuse them before they take too much memory."""
    listed, count = [], 0
    for c, factors in terms:
        listed.append((c, _without_identities(factors)))
        count += len(factors)
        if count > MAX_FACTORS:
            raise misuse(factors, f"an expression of matrices has more than {MAX_FACTORS} factors; give its parts "
                                  "names of their own, or apply them one after the other.")
    return listed


def _without_identities(factors: tuple[Any, ...]) -> tuple[Any, ...]:
    for left, right in pairwise(factors):
        if left.domain != right.codomain:
            raise misuse(left, f"{left} @ {right}: the shapes do not agree: ({left.codomain}, {left.domain}) meets "
                               f"({right.codomain}, {right.domain}).")
    return tuple(factor for factor in factors if not isinstance(factor, IdentityMatrix)) or factors[:1]


def check_shapes(products: list[tuple[Any, ...]]) -> None:
    """Refuse to add products of matrices, or to multiply them entry by entry, that are of several shapes."""
    first = products[0]
    for other in products[1:]:
        shapes = [f"({factors[0].codomain}, {factors[-1].domain})" for factors in (first, other)]
        if shapes[0] != shapes[1]:
            texts = [" @ ".join(map(str, factors)) for factors in (first, other)]
            raise misuse((*first, *other), f"a sum or elementwise product of matrices of two shapes: {texts[0]} is "
                                           f"{shapes[0]} and {texts[1]} is {shapes[1]}.")


def product(left: MatrixAlgebra, right: MatrixAlgebra) -> Any:
    """Return `left @ right`: a sum of products, none of which is formed."""
    return combined((a * b, (*first, *then)) for a, first in _merged(left) for b, then in _merged(right))


def applied(matrix: MatrixAlgebra, vector: sympy.Expr) -> sympy.Expr:
    """Return `matrix @ vector`, factor by factor."""
    result = sympy.S.Zero
    for coefficient, factors in _merged(matrix):
        part = vector
        for factor in reversed(factors):
            part = factor._apply(part)
        result += coefficient * part
    return result


def _merged(matrix: MatrixAlgebra) -> Iterator[Term]:
    """Yield the terms, several single matrices merged into one that is computed once per call."""
    terms = matrix._terms()
    alone = [term for term in terms if len(term[1]) == 1]
    scope = scope_of([factor for _, factors in alone for factor in factors])
    dense = len(alone) > 1 or any(isinstance(factors[0], ComputedMatrix) for _, factors in alone)
    if dense and scope is not None:
        yield sympy.S.One, (matrix_of(single(alone), scope),)
        terms = tuple(term for term in terms if len(term[1]) > 1)
    for coefficient, factors in terms:
        scope = scope_of(factors)
        yield (checked_coefficient(coefficient, matrix, scope) if scope is not None else coefficient), factors
