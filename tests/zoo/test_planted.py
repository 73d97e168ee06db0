"""Planted errors: a wrong sign in a copy of a cell, or in the adjoint, is caught by the checks of the table."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy

import symcell
from symcell import zoo
from symcell.declare.spec import CellSpec, Equation
from symcell.proof import kernel, numeric, symbolic
from tests.oracle import assert_close, run
from tests.proof.test_mutations import map_sign
from tests.zoo.packaged import run_package
from tests.zoo.table import TABLE, Row
from tests.zoo.test_table import TOLERANCE, packaged_sample

PACKAGED = [row for row in TABLE if row.package]


def with_wrong_sign(spec: CellSpec, place: int) -> type:
    """A cell whose equation at this place has its first sum's first term negated; without a sum, everything."""
    equation = spec.equations[place]
    sums = [part for part in sympy.preorder_traversal(equation.expression) if isinstance(part, sympy.Add)]
    wrong = -equation.expression
    if sums:
        wrong = equation.expression.xreplace({sums[0]: sums[0] - 2 * sums[0].args[0]})
    assert wrong != equation.expression
    changed: list[Equation] = list(spec.equations)
    changed[place] = replace(equation, expression=wrong)
    return type(spec.name, (), {"spec": replace(spec, equations=tuple(changed))})


@pytest.mark.parametrize("row", PACKAGED, ids=lambda row: row.name)
def test_the_package_catches_a_wrong_sign_in_any_equation(row: Row) -> None:
    right = row.package.cell or zoo.find(row.name)
    sample = packaged_sample(row, right, T=5, I=4, H=4)
    theirs = run_package(row.package, sample)
    for place in range(len(right.spec.equations)):
        with pytest.raises(AssertionError, match=r"error .*, tolerance"):
            assert_close(run(with_wrong_sign(right.spec, place), sample), theirs, TOLERANCE)
    assert_close(run(right, sample), theirs, TOLERANCE)


def test_a_kernel_of_a_cell_with_a_wrong_sign_is_caught() -> None:
    """Any object with a kernel's methods is checked alike, so nothing need be compiled here."""

    class STAR(symcell.Cell):
        x = symcell.Input()
        h = symcell.State()
        W_z, W_k, U_k = symcell.Matrix(h, x), symcell.Matrix(h, x), symcell.Matrix(h, h)
        b_z, b_k = symcell.Vector(h), symcell.Vector(h)

        z = symcell.tanh(W_z @ x + b_z)
        k = symcell.sigmoid(W_k @ x + U_k @ h - b_k)
        h.next = symcell.tanh((1 - k) * h + k * z)

    spec = zoo.find("star").spec
    assert all(found.passed for found in kernel.check(spec, symcell.reference("star")))
    assert not all(found.passed for found in kernel.check(spec, symcell.reference(STAR)))


@pytest.mark.parametrize("check", [symbolic.check, numeric.check], ids=["proof", "differences"])
@pytest.mark.parametrize("name", ["ligru", "lem", "tgru", "br"])
def test_a_wrong_sign_in_the_adjoint_is_caught(name, check, monkeypatch: pytest.MonkeyPatch) -> None:
    map_sign(monkeypatch)
    assert not all(found.passed for found in check(zoo.find(name).spec))
