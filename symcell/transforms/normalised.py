"""layer_normalised: every product of a matrix and a vector is normalised over its components."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import sympy

from symcell.declare.cell import CellMeta
from symcell.declare.errors import CellError, suggestion
from symcell.declare.members import Vector
from symcell.declare.normalise import layer_norm
from symcell.declare.reductions import SharedSpread
from symcell.declare.spec import CellSpec
from symcell.declare.symbols import NEXT, Apply
from symcell.declare.words import rebuilt
from symcell.transforms.body import Body, declaration

_PAPER = "Ba et al. 2016, arXiv:1607.06450, eq. 4"


def layer_normalised(cell: CellMeta | str, stacked: Iterable[Collection[str]] = (), memory: Collection[str] = (),
                     keep: Collection[str] = ()) -> CellMeta:
    """Return the cell in which each product of a matrix and a vector is normalised over its components.

    Ba et al. 2016, arXiv:1607.06450, eq. 4, with a gain for each product: W @ x becomes g_W * (W @ x - mean) / spread,
    g_W a vector that starts at 1; what comes from the input and from the state is thereby normalised apart. The bias is
    that of the sum in which the product stands, or where that has none a new one, b_W. Of a product of matrices,
    P @ (Q @ h), the result is normalised and nothing between them. The new cell's matrices are those of the old.

    Args:
        cell: a Cell class, or the name of a cell of the zoo.
        stacked: groups of equations, [("i", "f", "g", "o")]: their products with one vector are normalised together, as
            one stacked vector. With it and memory=["c"], "lstm" becomes the layer-normalised LSTM of the paper, eqs. 20
            to 22.
        memory: states whose new values are normalised where other equations read them, with a gain g_c and a bias b_c;
            what the step hands on is not.
        keep: names of matrices whose products stay as they are, such as that of an output layer.

    Raises:
        CellError: nothing is there to normalise, the cell is normalised already, or a name is none of the cell.
    """
    old = declaration(cell)
    groups = _groups(old, stacked)
    _check(old, groups, memory, keep)
    body = Body(old, f"LayerNorm{old.name}", f"{old.name} whose products are layer-normalised: {_PAPER}.")
    made = _Normalising(old, body, groups, keep)
    for equation in old.equations:
        formula = equation.expression
        body.enter(equation, made.formula(formula, equation.name) if formula.has(Apply) else body.copied(formula))
        state = equation.name.removesuffix(NEXT)
        if equation.name.endswith(NEXT) and state in memory:
            gain, bias = made.gain(state, equation.dims[0]), made.bias(state, equation.dims[0])
            normal = body.add(body.fresh(f"norm_{state}"), layer_norm(body[equation.name], gain, bias))
            body.read_as(equation.name, normal)
    return body.cell()


class _Normalising:
    """What has been normalised so far: (equation, product) -> its formula in the new cell."""

    def __init__(self, old: CellSpec, body: Body, groups: list[tuple[str, ...]], keep: Collection[str]) -> None:
        self.old, self.body, self.groups, self.keep = old, body, groups, keep
        self.formulas = {equation.name: equation.expression for equation in old.equations}
        self.biases = {parameter.name for parameter in old.parameters if len(parameter.dims) == 1}
        self.made: dict[tuple[str, Apply], sympy.Expr] = {}

    def formula(self, node: sympy.Basic, name: str, biased: bool = False) -> sympy.Basic:
        """Copy a formula of an equation, its products normalised; `biased`: it stands in a sum with a bias."""
        if isinstance(node, Apply):
            return self._product(node, name, biased)
        if not node.has(Apply):
            return self.body.copied(node)
        biased = isinstance(node, sympy.Add) and any(str(argument) in self.biases for argument in node.args)
        arguments = []
        for argument in node.args:
            arguments.append(self.formula(argument, name, biased))
            normal = isinstance(argument, Apply) and argument.matrix.name not in self.keep
            biased |= isinstance(node, sympy.Add) and normal  # the first took a bias for all
        return rebuilt(node, arguments)

    def _product(self, product: Apply, name: str, biased: bool) -> sympy.Basic:
        if product.matrix.name in self.keep:
            return self.body.copied(product.matrix) @ self._vector(product.vector, name)
        if (name, product) not in self.made:
            self._normalise(product, name)
        found = self.made[name, product]
        return found if biased else found + self.bias(product.matrix.name, product.matrix.codomain)

    def _normalise(self, product: Apply, name: str) -> None:
        """Normalise a product, with those that are stacked upon it."""
        group = next((group for group in self.groups if name in group), (name,))
        keys = [(other, found) for other in group for found in self._products(self.formulas[other])
                if found.vector == product.vector and found.matrix.codomain == product.matrix.codomain
                and (other, found) not in self.made and (len(group) > 1 or found == product)]
        vectors = tuple(self.body.copied(found.matrix) @ self._vector(found.vector, name) for _, found in keys)
        gains = tuple(self.gain(found.matrix.name, found.matrix.codomain) for _, found in keys)
        for key, normal in zip(keys, layer_norm(vectors, gains), strict=True):
            self.made[key] = normal

    def _products(self, formula: sympy.Basic) -> list[Apply]:
        """List the products of a formula that are normalised, in the order in which they are printed."""
        found = sorted((node for node in formula.atoms(Apply) if node.matrix.name not in self.keep), key=str)
        inner = {node.vector for node in formula.atoms(Apply)}
        return [node for node in found if node not in inner]

    def _vector(self, vector: sympy.Expr, name: str) -> sympy.Basic:
        """Copy what a matrix applies to; a product there makes a product of matrices, and is left alone."""
        if isinstance(vector, Apply):
            return self.body.copied(vector.matrix) @ self._vector(vector.vector, name)
        return self.formula(vector, name)

    def gain(self, name: str, dim: str) -> sympy.Expr:
        """Declare the gain of what has this name."""
        return self.body.add(self.body.fresh(f"g_{_plain(name)}"), Vector(dim, init=1.0))

    def bias(self, name: str, dim: str) -> sympy.Expr:
        """Declare the bias of what has this name."""
        return self.body.add(self.body.fresh(f"b_{_plain(name)}"), Vector(dim))


def _plain(name: str) -> str:
    return name.replace(".", "_")


def _groups(old: CellSpec, stacked: Any) -> list[tuple[str, ...]]:
    """The groups, each of names; a text in place of a list of names would be read as its letters."""
    groups: list[Any] = list(stacked) if isinstance(stacked, Iterable) and not isinstance(stacked, str) else [None]
    if not all(isinstance(group, Collection) and not isinstance(group, str) for group in groups):
        raise CellError(f"layer_normalised({old.name}): stacked is a list of groups of names, such as "
                        f'[("i", "f", "g", "o")]; got {stacked!r}.')
    return [tuple(group) for group in groups]


def _check(old: CellSpec, groups: list[tuple[str, ...]], memory: Collection[str], keep: Collection[str]) -> None:
    where, states = f"layer_normalised({old.name})", [name for name, _ in old.states]
    products = {node for equation in old.equations for node in equation.expression.atoms(Apply)}
    if not products:
        raise CellError(f"{where}: no matrix applies to a vector, and there is nothing to normalise.")
    if any(equation.expression.has(SharedSpread) for equation in old.equations):
        raise CellError(f"{where}: the cell has a layer_norm or rms_norm already.")
    equations = [equation.name for equation in old.equations if equation.expression.has(Apply)]
    matrices = sorted({node.matrix.name for node in products})
    listed = [name for group in groups for name in group]
    for what, names, known in (("stacked", listed, equations), ("memory", memory, states), ("keep", keep, matrices)):
        if isinstance(names, str) or not isinstance(names, Collection):
            raise CellError(f"{where}: {what} is a list of names, got {names!r}.")
        for name in names:
            if name not in known:
                raise CellError(f"{where}: {what} names {name!r}; expected some of {', '.join(known)}."
                                f"{suggestion(str(name), known)}")
    if len(set(listed)) < len(listed):
        raise CellError(f"{where}: stacked names an equation twice: {', '.join(listed)}.")
