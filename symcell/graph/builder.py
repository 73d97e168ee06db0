"""A graph under construction: fresh names, and one value for one expression."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import sympy

from symcell.declare.symbols import ROW
from symcell.graph.ir import GIVEN, BatchSum, Map, MatMul, Node, Once, Outer, Reduce, Role, TimeSum, Value, symbol
from symcell.graph.names import INDEX, SIZE, base


class Builder:
    """Collects values and nodes; an expression or product that is already there is not made twice."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        """Start empty; `reserved` names are given to nothing that is made up."""
        self.values: dict[str, Value] = {}
        self.nodes: list[Node] = []
        self.reserved = set(reserved)
        self._made: dict[object, str] = {}

    def fresh(self, wish: str) -> str:
        """Return the wished name, or the first of wish_2, wish_3 ... that is free."""
        wish = wish if base(wish) == wish else f"{wish}_"  # the part of d_a from a matrix T is no transpose
        name, count = wish, 1
        while name in self.reserved or name in self.values:
            count += 1
            name = f"{wish}_{count}"
        return name

    def add(self, name: str, dims: tuple[str, ...], role: Role, anonymous: bool = False, whole: bool = False) -> str:
        """Enter a value."""
        self.values[name] = Value(name, dims, role, anonymous, whole)
        return name

    def dims(self, name: str) -> tuple[str, ...]:
        """Return the dimensions of a value."""
        return self.values[name].dims

    def map_dims(self, expression: sympy.Expr) -> tuple[str, ...]:
        """Return the dimensions of an elementwise expression: those of its vectors, else of its numbers per row."""
        found = {self.dims(symbol.name) for symbol in expression.free_symbols} - {()}
        return next(iter(found - {(ROW,)} or found), ())

    def map_whole(self, expression: sympy.Expr) -> bool:
        """Whether an expression is one for the whole sequence: it has such a vector, and none that changes."""
        values = [self.values[s.name] for s in expression.free_symbols if self.dims(s.name)]
        changing = [value for value in values if value.role not in GIVEN]
        return bool(changing) and all(value.whole for value in changing)

    def find(self, expression: sympy.Expr, like: Value | None = None) -> str | None:
        """Return the name of the value that this expression already is, if there is one (with dimensions as `like`)."""
        name = expression.name if isinstance(expression, sympy.Symbol) else self._made.get(expression)
        if like is None or name is None or name not in self.values:
            return name
        found = self.values[name]
        fits = found.dims == like.dims and (found.whole == like.whole or found.role in GIVEN)
        return name if fits else None

    def map(self, name: str, expression: sympy.Expr, anonymous: bool = False,
            dims: tuple[str, ...] | None = None, whole: bool | None = None) -> str:
        """Compute `name = expression` at each step, or for the whole sequence where no part of it changes in that."""
        whole = self.map_whole(expression) if whole is None else whole
        self.add(name, self.map_dims(expression) if dims is None else dims, "local", anonymous, whole)
        self.nodes.append(Map(name, expression))
        self._made.setdefault(expression, name)
        return name

    def once(self, name: str, expression: sympy.Expr, dims: tuple[str, ...], anonymous: bool = False,
             role: Role = "derived", over: str = "", kind: str = "sum") -> str:
        """Compute `name = expression`, or a reduction of it `over` entries, once per call.

        role: "derived" before the first step, or "total" after the last.
        """
        self.add(name, dims, role, anonymous)
        self.nodes.append(Once(name, expression, over, kind))
        if over:
            self._made.setdefault((over, kind, expression), name)
        elif (known := self._made.setdefault(expression, name)) in self.values \
                and self.values[known].role not in GIVEN:
            self._made[expression] = name  # it serves the steps, too
        return name

    def once_of(self, expression: sympy.Expr, wish: str) -> str:
        """Return the value that an expression of what is known once per call is, computing it if it is new."""
        found = self.find(expression)
        if found is not None and self.values[found].role in GIVEN:
            return found
        return self.once(self.fresh(wish), expression, self.map_dims(expression), anonymous=True)

    def over(self, wish: str, expression: sympy.Expr, dims: tuple[str, ...], over: str, kind: str = "sum",
             role: Role = "derived") -> str:
        """Return the reduction of an expression `over` entries once per call, computing it if it is new."""
        key = over, kind, expression
        return self._made.get(key) or self.once(self.fresh(wish), expression, dims, True, role, over, kind)

    def value_of(self, expression: sympy.Expr, wish: str, anonymous: bool = True) -> str:
        """Return the value that the expression is, computing it under a fresh name if it is new."""
        return self.find(expression) or self.map(self.fresh(wish), expression, anonymous)

    def shared(self, key: object, make: Callable[[], str]) -> str:
        """Return the value that was made for this key, making it the first time."""
        if ("shared", key) not in self._made:
            self._made["shared", key] = make()
        return self._made["shared", key]

    def matmul(self, matrix: str, transposed: bool, operand: str, name: str | None = None) -> str:
        """Apply a matrix (or its transpose) to a vector; the result is anonymous unless named."""
        key = (matrix, transposed, operand)
        if key in self._made:  # a second name for the same product is a copy of it
            return self._made[key] if name is None else self.map(name, symbol(self._made[key]))
        wish = f"{matrix}{'T' if transposed else ''}_{operand}".replace(".", "_")
        out = name or self.fresh(wish)
        rows, cols = self.dims(matrix)
        self.add(out, (cols if transposed else rows,), "local", name is None, self.values[operand].whole)
        self.nodes.append(MatMul(out, matrix, transposed, operand))
        self._made.setdefault(key, out)
        return out

    def time_sum(self, wish: str, expression: sympy.Expr, dims: tuple[str, ...]) -> str:
        """Sum an expression of the step over time, for each member of the batch."""
        # The operand is nobody else's, whatever its expression: the kernel adds it up where it is computed.
        operand = self.add(self.fresh(f"{wish}.t"), dims, "local", anonymous=True)
        self.nodes.append(Map(operand, expression))
        out = self.add(self.fresh(wish), dims, "local", anonymous=True, whole=True)
        self.nodes.append(TimeSum(out, operand))
        return out

    def reduce(self, kind: str, operand: str, name: str | None = None) -> str:
        """Reduce a vector to a number per row; the result is anonymous unless named."""
        key = ("reduce", kind, operand)
        if key in self._made:
            return self._made[key] if name is None else self.map(name, symbol(self._made[key]))
        out = name or self.fresh(f"{kind}_{operand.replace('.', '_')}")
        self.add(out, (ROW,), "local", name is None, self.values[operand].whole)
        self.nodes.append(Reduce(out, kind, operand))
        self._made.setdefault(key, out)
        return out

    def size(self, dim: str) -> sympy.Symbol:
        """Return the symbol of the number of components that vectors of a dimension have."""
        name = f"{SIZE}{dim}"
        return symbol(name if name in self.values else self.add(name, (), "size"))

    def index(self, dim: str) -> sympy.Symbol:
        """Return the symbol of the vector 0, 1, 2, ... of a dimension."""
        name = f"{INDEX}{dim}"
        return symbol(name if name in self.values else self.add(name, (dim,), "index"))

    def outer(self, out: str, left: str, right: str) -> None:
        """Accumulate an outer product."""
        self.nodes.append(Outer(out, left, right))

    def batch_sum(self, out: str, operand: str) -> None:
        """Accumulate a sum over batch and time."""
        self.nodes.append(BatchSum(out, operand))


def total(terms: Iterable[sympy.Expr]) -> sympy.Expr:
    """Add up the contributions to an adjoint; SymPy collects equal ones."""
    return sympy.Add(*terms)


__all__ = ["Builder", "symbol", "total"]
