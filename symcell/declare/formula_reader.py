"""Data -> formula: what `formula_data` wrote is read back.

Nothing is evaluated: a name is looked up among the names of the cell, a function in the table of functions, and
anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import sympy

from symcell.declare.entrywise import AXES, softmax_of
from symcell.declare.errors import CellError, suggestion
from symcell.declare.formula import BITS, LARGEST, MAX_POWER, is_computable, is_exponent
from symcell.declare.formula_data import LOGIC, NUMBERS, RELATIONS, SUMS
from symcell.declare.functions import FUNCTIONS
from symcell.declare.matrices import ComputedMatrix
from symcell.declare.matrix_sum import MatrixSum, combined, single
from symcell.declare.names import check_dimension
from symcell.declare.patterns import BlockMatrix, IdentityMatrix, block_diagonal
from symcell.declare.reductions import HELD
from symcell.declare.size import MAX_DEPTH, MAX_NODES
from symcell.declare.symbols import Apply, MatrixSymbol, Quantity

_DECIMAL = re.compile(r"-?\d{1,40}(\.\d{1,90})?(e[+-]?\d{1,4})?\Z", re.ASCII)


class Reader:
    """Reads the formulas of one cell; `names` are the quantities and matrices declared so far."""

    def __init__(self, names: Mapping[str, Any], where: str) -> None:
        """`where` begins each error: the document and the equation."""
        self.names, self.where = names, where
        self.count = 0

    def formula(self, data: Any, depth: int = 1) -> sympy.Expr:
        """Return the formula of a vector or scalar.

        Raises:
            CellError: the data is no formula, or reads a name that is not declared above it.
        """
        self._count(depth)
        if isinstance(data, str):
            return self._named(data, Quantity, "quantity")
        if isinstance(data, (int, float)) and not isinstance(data, bool):
            return self._number(data)
        tag, arguments = self._list(data)
        if tag in HELD:
            self._arity(tag, arguments, range(1, 2))
            return HELD[tag](self.formula(arguments[0], depth + 1))
        if tag in SUMS:
            self._arity(tag, arguments, range(2, MAX_NODES))
            return SUMS[tag](*(self.formula(argument, depth + 1) for argument in arguments))
        if tag in FUNCTIONS:
            return self._call(tag, arguments, depth)
        if tag in READ:
            row, arity = READ[tag]
            self._arity(tag, arguments, range(arity, arity + 1))
            return row(self, arguments, depth)
        if tag in NUMBERS:
            self._arity(tag, arguments, range(1))
            return NUMBERS[tag]
        known = (*SUMS, *READ, *HELD, *NUMBERS, *FUNCTIONS)
        raise self._error(f"the function {short(tag)} is not known here.{suggestion(tag[:64], known)} A function of "
                          "your own has to be registered before a cell that uses it is read.")

    def condition(self, data: Any, depth: int) -> sympy.Basic:
        """Return a comparison, or several of them joined."""
        self._count(depth)
        tag, arguments = self._list(data)
        if tag in RELATIONS:
            self._arity(tag, arguments, range(2, 3))
            # SymPy could decide the comparison; it stays as it is written.
            return RELATIONS[tag](*(self.formula(a, depth + 1) for a in arguments), evaluate=False)
        if tag not in LOGIC:
            raise self._error(f"where() expects a comparison, one of {', '.join((*RELATIONS, *LOGIC))}; "
                              f"got {short(tag)}.")
        build, arity = LOGIC[tag]
        self._arity(tag, arguments, arity)
        return build(*(self.condition(argument, depth + 1) for argument in arguments))

    def matrix(self, data: Any) -> MatrixSum:
        """Return the sum of matrices of an equation for a matrix."""
        _, terms = self._list(data)
        found = []
        for term in terms:
            self._count(1)
            if not isinstance(term, list) or len(term) != 2:
                raise self._error(f'expected a term of a sum of matrices such as [-1, ["T", "U"]]; got {short(term)}.')
            found.append((self.formula(term[0]), (self.factor(term[1]),)))
        value = combined(found) if found else None
        if isinstance(value, ComputedMatrix):
            value = single(value._terms())
        if not isinstance(value, MatrixSum) or not value.matrices:
            raise self._error(f"expected a matrix that is computed of declared ones, got {short(data)}; one that is "
                              "declared stands left of @ itself.")
        return value

    def factor(self, data: Any, depth: int = 1) -> Any:
        """Return a matrix of a sum: declared, its transpose, or one made of such."""
        self._count(depth)
        if not isinstance(data, list):
            return self._named(data, MatrixSymbol, "matrix")
        tag, arguments = self._list(data)
        if tag in AXES or (tag in FUNCTIONS and len(FUNCTIONS[tag].row.partials) == 1):
            self._arity(tag, arguments, range(1, 2))
            matrix = self.factor(arguments[0], depth + 1)
            return softmax_of(matrix, AXES[tag]) if tag in AXES else FUNCTIONS[tag](matrix)
        if tag not in FACTORS:
            raise self._error(f"expected a matrix, a function, or one of {', '.join(FACTORS)}; got {short(tag)}.")
        row, arity = FACTORS[tag]
        self._arity(tag, arguments, arity)
        return row(self, arguments, depth)

    def _blocks(self, arguments: list[Any], depth: int) -> BlockMatrix:
        return block_diagonal(self.factor(arguments[0], depth + 1), arguments[1])

    def _entrywise(self, arguments: list[Any], depth: int) -> Any:
        product = self.factor(arguments[0], depth + 1)
        for argument in arguments[1:]:
            product = product * self.factor(argument, depth + 1)
        return product

    def _identity(self, arguments: list[Any], depth: int) -> IdentityMatrix:
        return IdentityMatrix(check_dimension(arguments[0], self.where))

    def _transposed(self, arguments: list[Any], depth: int) -> MatrixSymbol:
        matrix: MatrixSymbol = self._named(arguments[0], MatrixSymbol, "matrix").T
        return matrix

    def _call(self, tag: str, arguments: list[Any], depth: int) -> sympy.Expr:
        count = len(FUNCTIONS[tag].row.partials)
        self._arity(tag, arguments, range(count, count + 1))
        first = [self.condition(arguments[0], depth + 1)] if tag == "where" else []
        return FUNCTIONS[tag](*first, *(self.formula(a, depth + 1) for a in arguments[len(first):]))

    def _apply(self, arguments: list[Any], depth: int) -> sympy.Expr:
        matrix = arguments[0]
        if isinstance(matrix, list):
            tag, inner = self._list(matrix)
            if tag != "T" or len(inner) != 1:
                raise self._error(f'left of @ stands a matrix or ["T", matrix]; got {short(matrix)}.')
            return Apply(self._named(inner[0], MatrixSymbol, "matrix").T, self.formula(arguments[1], depth + 1))
        return Apply(self._named(matrix, MatrixSymbol, "matrix"), self.formula(arguments[1], depth + 1))

    def _power(self, arguments: list[Any], depth: int) -> sympy.Expr:
        base, exponent = (self.formula(argument, depth + 1) for argument in arguments)
        if not is_exponent(exponent):
            raise self._error(f"an exponent is a number or a fraction between -{MAX_POWER} and {MAX_POWER}; "
                              f"got {short(arguments[1])}.")
        if not base.free_symbols and not is_computable(base, exponent):
            raise self._error("a power of constants is too large; write its value.")
        return sympy.Pow(base, exponent)

    def _rational(self, arguments: list[Any], depth: int) -> sympy.Expr:
        p, q = (self.formula(argument, depth + 1) if isinstance(argument, int) else None for argument in arguments)
        if p is None or not q or not q.is_Integer:
            raise self._error(f"a fraction is [\"/\", p, q] of two integers, q not 0; got {short(arguments)}.")
        return sympy.Rational(p, q)

    def _decimal(self, arguments: list[Any], depth: int) -> sympy.Expr:
        text, bits = arguments
        if not (isinstance(text, str) and _DECIMAL.match(text) and isinstance(bits, int) and bits in BITS):
            raise self._error('a number beyond float64 is ["float", "0.1", bits], bits from '
                              f"{BITS[0]} to {BITS[-1]}; got {short(arguments)}.")
        return sympy.Float(text, precision=bits)

    def _number(self, value: float) -> sympy.Expr:
        if isinstance(value, int) and abs(value) > LARGEST:
            raise self._error(f"an integer is larger than {LARGEST}; write it as a decimal number, 1e20.")
        return sympy.Integer(value) if isinstance(value, int) else sympy.Float(value)

    def _named(self, name: Any, kind: type, what: str) -> Any:
        found = self.names.get(name) if isinstance(name, str) else None
        if not isinstance(found, kind):
            fitting = [known for known, value in self.names.items() if isinstance(value, kind)]
            hint = suggestion(name[:64], fitting) if isinstance(name, str) else ""
            raise self._error(f"{short(name)} is no {what} that is declared above this equation.{hint}")
        return found

    def _list(self, data: Any) -> tuple[str, list[Any]]:
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise self._error(f'expected a name, a number, or a list such as ["+", "a", "b"]; got {short(data)}.')
        return data[0], data[1:]

    def _arity(self, tag: str, arguments: list[Any], expected: range) -> None:
        if len(arguments) not in expected:
            wanted = str(expected[0]) if len(expected) == 1 else f"{expected[0]} or more"
            raise self._error(f"{tag!r} takes {wanted} argument{'s' * (wanted != '1')}, got {len(arguments)}.")

    def _count(self, depth: int) -> None:
        self.count += 1
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            raise self._error(f"the formula is too large: at most {MAX_NODES} operations and {MAX_DEPTH} levels.")

    def _error(self, message: str) -> CellError:
        return CellError(f"{self.where}: {message}")


READ: Mapping[str, tuple[Callable[[Reader, list[Any], int], sympy.Expr], int]] = {
    "@": (Reader._apply, 2), "^": (Reader._power, 2), "/": (Reader._rational, 2), "float": (Reader._decimal, 2),
}


FACTORS: Mapping[str, tuple[Callable[[Reader, list[Any], int], Any], range]] = {
    "T": (Reader._transposed, range(1, 2)), "identity": (Reader._identity, range(1, 2)),
    "blocks": (Reader._blocks, range(2, 3)), "entrywise": (Reader._entrywise, range(2, MAX_NODES)),
}


def short(data: Any) -> str:
    """Return what an error shows of foreign data: its beginning, in ASCII."""
    if isinstance(data, list):
        return f"[{', '.join('[...]' if isinstance(item, (list, dict)) else short(item) for item in data[:4])}" + (
            ", ...]" if len(data) > 4 else "]")
    if isinstance(data, dict):
        return "an object"
    text = ascii(data[:64] if isinstance(data, str) else data)
    return text if len(text) <= 80 else f"{text[:77]}..."
