"""A cell as data: the round trip is exact."""

import json

import pytest
import sympy

import symcell
from symcell import Cell, CellError, zoo
from symcell.compiler import stages
from symcell.declare import document, functions, symbols
from symcell.declare.formula_data import written
from symcell.declare.formula_reader import Reader
from tests.declare.documents import MGU_TEXT, changed, quiet, refused_or_valid, with_formula
from tests.declare.text import START, UPDATE, declare, formula


def test_inputs_of_the_sequence_and_what_is_not_learned_come_back():
    cell = declare("""
    x, h, z = Input(), State(), Input("H", each="sequence")
    W, M, k = Matrix(h, x), Matrix(h, h, learned=False), Vector(h, learned=False)
    h.next = tanh(W @ x + M @ (h * z) + k)
    """)
    back = Cell.from_json(cell.to_json())
    assert back.spec.whole == ("z",)
    assert [p.learned for p in back.spec.parameters] == [True, False, False]
    assert str(back.spec) == str(cell.spec)
    for wrong in ('"each": "sequences"', '"each": 1', '"each": true', '"each": null'):
        with pytest.raises(CellError, match="each"):
            Cell.from_json(cell.to_json().replace('"each": "sequence"', wrong))
    for wrong in ('"learned": "no"', '"learned": 0', '"learned": null', '"learned": []'):
        with pytest.raises(CellError, match="learned"):
            Cell.from_json(cell.to_json().replace('"learned": false', wrong))


@pytest.mark.parametrize("name", zoo.names())
def test_a_cell_of_the_zoo_comes_back(name):
    cell = zoo.find(name)
    text = cell.to_json()
    back = Cell.from_json(text)
    assert (str(back.spec), back.spec.doc, back.spec.dims) == (str(cell.spec), cell.spec.doc, cell.spec.dims)
    assert [p.init for p in back.spec.parameters] == [p.init for p in cell.spec.parameters]
    assert back.to_json() == Cell.from_json(text.encode()).to_json() == text
    old, new = stages(cell), stages(back)
    assert (str(new.forward), str(new.backward)) == (str(old.forward), str(old.backward))
    assert new.source == old.source


@pytest.mark.parametrize("expression", [
    "h / 3 + 0.1", "h * sympy.pi + sympy.E", "sympy.sqrt(2) * h", "h + sympy.sin(1)", "h * sympy.Float('0.1', 40)",
    "(1 + sympy.sqrt(2)) ** 3 * h", "h**-2 + c**0.5", "W.T @ (2 * h) + x", "abs(h) + maximum(h, 0)", "leaky_relu(h)",
    "where((h < c) & ~((h >= s) | equal(h, c)), h, where(c <= 1, 1.5e-300, -c))",
    "-(h + c)", "2 * (h + c)", "(h - c) / (1 + exp(-h))", "h * 1e300 * 1e-300", "k * 123456789012345678901.5",
    "h * sympy.Float(1e300)**-2",
])
def test_a_formula_comes_back(expression):
    before = formula(expression, where=functions.where, leaky_relu=functions.leaky_relu)
    names = {node.name: node for node in sympy.preorder_traversal(before)
             if isinstance(node, (symbols.Quantity, symbols.MatrixSymbol))}
    names = {name: node.T if getattr(node, "transposed", False) else node for name, node in names.items()}
    assert Reader(names, "Trial").formula(json.loads(json.dumps(written(before)))) == before


def test_a_document_can_leave_out_what_has_a_default():
    cell = quiet(with_formula(["*", "s", ["sigmoid", ["@", "W", "x"]]]))
    assert cell.spec.inputs == (("x", "I"),)
    assert [p.init for p in cell.spec.parameters] == ["uniform", 0.0]
    assert str(cell.spec.equations[0].expression) == "s*sigmoid(W @ x)"


def test_sums_of_products_print_in_one_order():
    """Ties between U_i @ h and U_f @ h were broken by where a cell lay in memory."""
    sums = ["+", *(["@", f"W_{k}", "x"] for k in "qwertyuiop")]
    members = [{"word": "Input", "name": "x"}, {"word": "State", "name": "h"},
               *({"word": "Matrix", "name": f"W_{k}", "rows": "H", "cols": "I"} for k in "qwertyuiop")]
    text = changed(members=members, equations=[{"name": "h.next", "is": sums}], output="h.next")
    assert len({str(quiet(text).spec) for _ in range(20)}) == 1


def test_the_cell_belongs_to_whom_read_it():
    assert Cell.from_json(MGU_TEXT).__module__ == __name__


@pytest.mark.parametrize("make", [
    lambda: symcell.zoneout("lstm", 0.1), lambda: symcell.variational_dropout("gru", 0.2),
    lambda: symcell.layer_normalised("mgu"), lambda: symcell.coupled("lstm"),
    lambda: symcell.residual(symcell.with_dims("lstm_mass_conserving", I="H", M="H"), input="x"),
], ids=["zoneout", "dropout", "normalised", "coupled", "residual"])
def test_a_transformed_cell_comes_back(make):
    cell = make()
    assert Cell.from_json(cell.to_json()).to_json() == cell.to_json()
    assert str(Cell.from_json(cell.to_json()).spec) == str(cell.spec)


@pytest.mark.parametrize("doc", ["a\xa0b\u2003c", "é ü 你"])
def test_a_docstring_comes_back(doc):
    cell = declare(f"__doc__ = {doc!r}\n" + START + UPDATE)
    assert Cell.from_json(cell.to_json()).spec.doc == doc


def test_a_comparison_that_sympy_would_decide_stays():
    cell = quiet(with_formula(["where", [">", ["^", "h", 2], -1], "h", 0]))
    assert str(cell.spec.equations[0].expression) == "where(h**2 > -1, h, 0)"
    refused_or_valid(cell.to_json())


def test_a_cell_may_use_the_names_of_the_methods():
    cell = declare(START + "to_json = tanh(W @ x)\nspec = to_json * b" + UPDATE + "y = Output(spec + h.next)")
    text = document.to_json(cell.spec)
    assert document.to_json(quiet(text).spec) == text
