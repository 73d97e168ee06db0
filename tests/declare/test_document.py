"""A cell as data: the round trip is exact, and no document does anything but declare a cell or be refused."""

import contextlib
import inspect
import json
import time
import warnings
from dataclasses import fields

import numpy as np
import pytest
import sympy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symcell
from symcell import Cell, CellError, zoo
from symcell.compiler import stages
from symcell.declare import document, functions, matrices, reductions, symbols
from symcell.declare.formula_data import (
    FACTORS,
    LOGIC,
    NUMBERS,
    RELATIONS,
    SUM_OF_MATRICES,
    SUMS,
    WRITTEN,
    Reader,
    written,
)
from symcell.declare.members import MEMBERS
from symcell.declare.reductions import HELD
from symcell.graph import check
from symcell.graph.adjoint import adjoint
from symcell.graph.lower import lower
from symcell.zoo.gated import MGU
from tests.declare.text import START, UPDATE, declare, formula

MGU_TEXT = MGU.to_json()


def quiet(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", symcell.UnusedParameterWarning)
        return Cell.from_json(text)


def changed(**values):
    """The document of the MGU, with other values for some of its keys."""
    return json.dumps(json.loads(MGU_TEXT) | values)


def with_formula(data):
    """A cell of vectors x (I), h (H), a matrix W (H, I), a scalar s, and one formula that reads them."""
    members = [{"word": "Input", "name": "x"}, {"word": "State", "name": "h"},
               {"word": "Matrix", "name": "W", "rows": "H", "cols": "I"}, {"word": "Scalar", "name": "s"}]
    equations = [{"name": "q", "is": data}, {"name": "h.next", "is": ["*", "q", "h"]}]
    return changed(members=members, equations=equations, output="h.next")


# --- round trips --------------------------------------------------------------------------------------------


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
    assert quiet(MGU_TEXT).__module__ == __name__


MATRICES = """
x, h, c = Input(), State(), State("C")
W, U, M, V, P, Q = Matrix(h, x), Matrix(h, h), Matrix(h, h, learned=False), Matrix(h, c), Matrix(h, "R"), Matrix(h, "R")
a, b = Scalar(), Vector(h)
A = U - U.T - (1 + a) * Identity(h)
B = BlockDiagonal(V.T, 3)
D = M * U.T
r = reduce_mean(h)
g = softmax(A @ h + D @ h)
c.next = tanh(c + B @ h)
h.next = tanh(layer_norm(W @ x, b, b) + (2 * M * U - A) @ h + (P @ Q.T) @ (g * h)) * reduce_max(h) + r + reduce_sum(b)
"""


def test_matrices_and_reductions_come_back():
    cell = declare(MATRICES)
    text = cell.to_json()
    assert '{"name": "A", "is": ["matrix", [1, "U"], [-1, ["T", "U"]]' in text
    assert '{"name": "D", "is": ["matrix", [1, ["entrywise", "M", ["T", "U"]]]]}' in text
    assert '{"name": "matrix.1", "is": ["matrix", [2, ["entrywise", "M", "U"]], [-1, "A"]]}' in text
    assert '{"name": "r", "is": ["reduce_mean", "h"]}' in text
    back = Cell.from_json(text)
    assert back.to_json() == text
    old, new = stages(cell), stages(back)
    assert (str(new.forward), str(new.backward)) == (str(old.forward), str(old.backward))
    assert new.source.files == old.source.files


def with_matrix(data, name="A"):
    """A cell with x, h, a scalar s, matrices W (H, I) and U (H, H), and an equation for a matrix."""
    members = [{"word": "Input", "name": "x"}, {"word": "State", "name": "h"}, {"word": "Scalar", "name": "s"},
               {"word": "Matrix", "name": "W", "rows": "H", "cols": "I"},
               {"word": "Matrix", "name": "U", "rows": "H", "cols": "H"}]
    equations = [{"name": name, "is": data}, {"name": "h.next", "is": ["@", name, ["+", "h", ["@", "W", "x"]]]}]
    return changed(members=members, equations=equations, output="h.next")


def test_a_sum_of_matrices_is_read_as_it_is_written_in_a_class_body():
    terms = ["matrix", ["s", "U"], [-1, ["blocks", ["T", "U"], 2]], [0.5, ["identity", "H"]]]
    read = quiet(with_matrix(terms)).spec.equations[0].expression
    assert str(read) == str(declare("""
    x, h, s, U, W = Input(), State(), Scalar(), Matrix("H", "H"), Matrix("H", "I")
    A = s * U - BlockDiagonal(U.T, 2) + 0.5 * Identity(h)
    h.next = A @ (h + W @ x)
    """).spec.equations[0].expression)
    nameless = quiet(with_matrix(["matrix", [2, "U"], [1, ["T", "U"]]], "matrix.1")).spec
    assert "(2*U + U.T) @ (h + W @ x)" in str(nameless)


@pytest.mark.parametrize(("data", "message"), [
    (["matrix"], "expected a matrix that is computed of declared ones"),
    (["matrix", [1, "U"]], "one that is declared stands left of @ itself"),
    (["matrix", [2, ["identity", "H"]]], "expected a matrix that is computed of declared ones"),
    (["matrix", "U"], "expected a term of a sum of matrices"),
    (["matrix", ["h", "U"]], "no scalar of parameters and constants"),
    (["matrix", [2, "h"]], "'h' is no matrix"),
    (["matrix", [2, "V"]], "'V' is no matrix"),
    (["matrix", [2, ["ex", "U"]]], "expected a matrix, a function, or one of T, identity, blocks, entrywise; got 'ex'"),
    (["matrix", [2, ["maximum", "U", "U"]]], "expected a matrix, a function, or one of T"),
    (["matrix", [2, ["exp", "h"]]], "'h' is no matrix"),
    (["matrix", [2, ["exp", "U", "U"]]], "'exp' takes 1 argument, got 2"),
    (["matrix", [2, ["exp", ["identity", "H"]]]], "an identity is no parameter"),
    (["matrix", [2, ["softmax_columns"]]], "'softmax_columns' takes 1 argument, got 0"),
    (["matrix", [2, ["T", ["T", "U"]]]], "is no matrix"),
    (["matrix", [2, ["identity", "T"]]], "T"),
    (["matrix", [2, ["identity", 3]]], "dimension"),
    (["matrix", [2, ["blocks", "U", 0]]], "number of blocks"),
    (["matrix", [2, ["blocks", "U", 10**12]]], "number of blocks"),
    (["matrix", [2, ["blocks", "U", True]]], "number of blocks"),
    (["matrix", [2, ["blocks", ["identity", "H"], 2]]], "expects a declared matrix"),
    (["matrix", [2, ["entrywise", "U"]]], "takes 2 or more arguments, got 1"),
    (["matrix", [2, ["entrywise", "U", "W"]]], "elementwise product of matrices of two shapes"),
    (["matrix", [1, "U"], [1, "W"]], "two shapes"),
    (["matrix", [1, "U"], [-1, "U"]], "cancels to zero"),
    (["+", "U", "U"], "'U' is no quantity"),
])
def test_a_matrix_that_is_none_is_refused(data, message):
    with pytest.raises(CellError, match=message):
        Cell.from_json(with_matrix(data))


def test_a_matrix_without_a_name_has_its_number():
    with pytest.raises(CellError, match=r"numbered in order, each once; expected 'matrix\.1'"):
        Cell.from_json(with_matrix(["matrix", [2, "U"], [1, ["T", "U"]]], "matrix.2"))


CONSTRUCTIONS = [
    "q = where(~((h > 0) & (b > 0)) | ~(h < b) | equal(h, b), h, where(b >= h, b, 1))", "q = leaky_relu(h, -0.1)",
    "q = h**-0.5 + h**1.5", "q = maximum(h, 0.5) * abs(-h)", "q = U @ b + U.T @ (U @ h)", "q = -(U @ h)",
    "q = reduce_sum(b) * h", "q = softmax(b) * h", "q, rest = layer_norm((h, b), (b, b), (b, b))", "q = rms_norm(h, b)",
    "q = (reduce_sum(b) * U) @ h", "q = (sigmoid(reduce_max(b)) * U - U.T) @ h", "r = reduce_mean(b)\nq = (r * U) @ h",
    "q = exp(U).T @ h", "q = exp(exp(U)) @ h", "q = (exp(U - 2 * U.T) * U) @ h", "q = (U * U.T * U) @ h",
    "q = softmax(U - U.T, axis='rows').T @ h", "q = BlockDiagonal(U.T, 2) @ h",
    "A = BlockDiagonal(U, 2) * U\nq = A @ h",
    "A = U - U.T\nB = softmax(A, axis='rows')\nq = (A * B) @ h", "q = (U + U @ U) @ h", "q = (-U / 3) @ h",
    "q = (U @ U.T + Identity(h)) @ h", "s = Scalar()\nq = (s * Identity(h) + U) @ h", "q = Identity(h) @ h",
    "M, N = Matrix('K', h, init='normal'), Matrix(h, 'K', init=2)\nq = (N @ M) @ h",
    "k, v = Constant(1e300), Vector(h, init='uniform', learned=False)\nq = k * v * h",
]
LARGE = ["10**17", "2**63", "-10**25", "sympy.Rational(10**25, 3)", "sympy.Rational(1, 10**25)", "sympy.pi**100",
         "sympy.Integer(2) ** sympy.Rational(1, 100)", "sympy.Integer(2) ** sympy.pi", "sympy.sqrt(2) ** sympy.sqrt(3)",
         "sympy.Float('0.1', 200)", "sympy.Float('0.1', 5)", "sympy.Float('0.1', 75)", "sympy.Float('1e-400')",
         "sympy.Integer(3) ** -200", "sympy.factorial(30)", "1e308", "5e-324", "sympy.sqrt(sympy.sqrt(2) + 1)"]


@pytest.mark.parametrize("body", [*CONSTRUCTIONS, *(f"q = b**2 * ({number}) + tanh(h)" for number in LARGE)])
def test_every_construction_comes_back(body):
    cell = declare(START + body + UPDATE + "y = Output(1.0 * q)")
    back = quiet(cell.to_json())
    assert back.to_json() == cell.to_json()
    assert str(back.spec) == str(cell.spec)
    graphs = [lower(one.spec) for one in (cell, back)]
    assert str(graphs[0]) == str(graphs[1])
    assert str(adjoint(graphs[0])) == str(adjoint(graphs[1]))


@pytest.mark.parametrize("number", LARGE)
def test_a_number_that_no_document_holds_is_rounded_as_a_kernel_rounds_it(number):
    cell = declare(START + f"q = b**2 * ({number})" + UPDATE + "y = Output(q)")
    formula = next(e for e in cell.spec.equations if e.name == "q").expression
    factor = sympy.Mul(*(part for part in formula.args if part.is_number))
    assert float(factor) == pytest.approx(float(eval(number, {"sympy": sympy})), rel=1e-15)


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


@pytest.mark.parametrize(("doc", "message"), [
    ("a\u202eb", r"cannot be printed: '\\u202e'"), ("a\x07", r"cannot be printed: '\\x07'"),
    ("long" * 5001, "at most 20000 characters"),
])
def test_what_could_not_be_read_back_is_not_written(doc, message):
    with pytest.raises(CellError, match=message):
        declare(f"__doc__ = {doc!r}\n" + START + UPDATE).to_json()


def test_a_cell_too_long_for_a_document_has_none():
    doc = f"__doc__ = {chr(0x1D6FC) * 20_000!r}\n"  # 12 characters each in JSON
    long = "\n".join([f"q_{i} = " + " + ".join(f"tanh({n} * h)" for n in range(1, 120)) for i in range(4)])
    with pytest.raises(CellError, match=r"its document has \d+ characters; at most 250000 are read"):
        declare(doc + START + long + UPDATE).to_json()


# --- nothing is left out ------------------------------------------------------------------------------------


def test_every_kind_of_node_has_its_row():
    """A node of the language without a form in a document makes this fail: add its row to formula_data.WRITTEN."""
    modules = (symbols, functions, matrices, reductions)
    declared = {kind for module in modules for _, kind in inspect.getmembers(module, inspect.isclass)
                if issubclass(kind, sympy.Basic) and kind.__module__.startswith("symcell.declare")
                and kind.__name__ not in ("_Held", "Reduction")}  # only what is made of these two is in a formula
    assert declared
    tagged = {*HELD.values()}
    assert {kind for kind in declared if kind.__module__ == reductions.__name__} <= tagged
    decided = {"Symbol", "BooleanAtom", "Relational"}  # a Quantity, or what SymPy makes of comparisons
    for kind in (*declared, *check._ELEMENTWISE, *functions.FUNCTIONS.values()):
        assert any(issubclass(kind, row) or issubclass(row, kind) for row in WRITTEN) or kind.__name__ in decided, kind


def test_every_word_and_every_field_has_its_form():
    assert {*document._WORDS.values()} == {word for word in MEMBERS if word.__name__ != "Output"}
    for word in document._WORDS.values():
        assert {field.name for field in fields(word)} <= {"dim", "rows", "cols", "init", "value", "each", "learned"}
        assert not {"word", "name"} & {field.name for field in fields(word)}


def test_no_two_rows_share_a_tag():
    tags = [*SUMS, *RELATIONS, *LOGIC, *NUMBERS, *functions.FUNCTIONS, *HELD, *FACTORS, SUM_OF_MATRICES,
            "@", "^", "/", "float"]
    assert len(tags) == len(set(tags))


# --- refusals -----------------------------------------------------------------------------------------------

REFUSED = [
    ("null", r"the document: expected an object"),
    (" " * 250_001, r"has 250001 characters; at most 250000"),
    ('{"format": 1, "format": 2}', r"gives the key 'format' twice"),
    (changed(format="pickle"), r"the document is 'pickle' of version 1; this symcell reads 'symcell cell'"),
    (changed(version=2), r"of version 2; this symcell reads"),
    (changed(version=True), r"of version True"),
    (changed(version=1.0), r"of version 1\.0; this symcell reads 'symcell cell' of version 1\."),
    (changed(version="1"), r"of version '1'; this symcell reads"),
    (changed(code="print()"), r"unknown key 'code'"),
    (changed(docs=""), r"unknown key 'docs'. Did you mean 'doc'\?"),
    (changed(name="class"), r"'class' is a reserved word"),
    (changed(name="A" * 80), r"at most 64 characters; got 'AAAA"),
    (changed(name="__reduce__"), r"the name '__reduce__' cannot be used"),
    (changed(doc="\x00"), r"doc holds a character"),
    (changed(doc="\ud800"), r"doc holds a character"),
    (changed(doc=["a"]), r"doc: expected a text"),
    (changed(members={}), r"members: expected a list of at most 400 objects; got an object"),
    (changed(members=[3]), r"members\[0\]: expected an object whose word is one of Input, .*; got 3"),
    (changed(members=[{"word": "Output", "name": "y", "expression": 1}]), r"got 'Output'"),
    (changed(members=[{"word": ["Input"], "name": "x"}]), r"got \['Input'\]"),
    (changed(members=[{"word": "Input", "name": "__class__"}]), r"the name '__class__' cannot be used"),
    (changed(members=[{"word": "Input", "name": "x", "dim": {}}]), r"members\[0\].dim: expected a text"),
    (changed(members=[{"word": "Input", "name": "x", "dim": "B"}]), r"'B' cannot name a dimension"),
    (changed(members=[{"word": "Input", "name": "x", "dim": 3}]), r"a dimension is a declared vector or a name"),
    (changed(members=[{"word": "Matrix", "name": "W", "rows": "H"}]), r"members\[0\] lacks cols"),
    (changed(members=[{"word": "Input", "name": "x"}] * 2), r"x is defined twice"),
    (changed(members=[{"word": "Constant", "name": "k", "value": True}]), r"members\[0\].value: expected a text"),
    (changed(members=[{"word": "Constant", "name": "k", "value": "1"}]), r"k: expected a finite number, got '1'"),
    (changed(members=[{"word": "Scalar", "name": "k", "init": "os"}]), r"init='os' is not known here"),
    (changed(equations=[]), r"the state h has no update"),
    (changed(equations=[{"name": "f"}]), r"equations\[0\] lacks is"),
    (changed(equations=[{"name": "f", "is": "h", "c": "system"}]), r"unknown key 'c'"),
    (changed(equations=[{"name": "z.next", "is": "h"}]), r"equations\[0\] \('z.next'\): there is no state 'z'"),
    (changed(equations=[{"name": "x.next", "is": "h"}]), r"there is no state 'x'; states are h"),
    (changed(equations=[{"name": "h.next.next", "is": "h"}]), r"there is no state 'h.next'"),
    (changed(equations=[{"name": "a.b", "is": "h"}]), r"the name 'a.b' cannot be used"),
    (changed(equations=[{"name": "h", "is": "x"}]), r"h is defined twice"),
    (changed(output="f "), r"output: expected 'h.next', the first state, .*; got 'f '"),
    (changed(output="W_f"), r"got 'W_f'"),
    (MGU_TEXT.replace("0.0", "1e999", 1), r"the document holds '1e999'; numbers are finite"),
    (MGU_TEXT.replace("0.0", "NaN", 1), r"the document holds NaN"),
    (MGU_TEXT.replace("0.0", "1" * 5000, 1), r"the document holds the integer '1111"),
    ("[" * 200_000, r"nested too deeply"),
    (b"\xff\xfe\xfa", r"not UTF-8 text|not JSON"),
    (3, r"a document is text; got a int"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_a_wrong_document_is_refused(text, message):
    with pytest.raises(CellError, match=message):
        quiet(text)


@pytest.mark.parametrize(("data", "message"), [
    ([], r"equations\[0\] \('q'\): expected a name, a number, or a list"),
    ({}, r"got an object"), (None, r"got None"), (True, r"got True"), ([["+"], 1, 2], r"got \[\[\.\.\.\], 1, 2\]"),
    ("eval", r"'eval' is no quantity that is declared above"), ("W", r"'W' is no quantity"),
    ("q", r"'q' is no quantity"), ("h.next", r"'h.next' is no quantity"), ("__class__", r"'__class__' is no quantity"),
    (["eval", "h"], r"the function 'eval' is not known here"),
    (["sigmiod", "h"], r"not known here. Did you mean 'sigmoid'\?"),
    (["step", "h"], r"the function 'step' is not known"),
    (["sigmoid", "h", "h"], r"'sigmoid' takes 1 argument, got 2"),
    (["+", "h"], r"'\+' takes 2 or more arguments, got 1"),
    (["@", "h", "h"], r"'h' is no matrix"), (["@", ["T", "W", "W"], "h"], r"left of @ stands a matrix"),
    (["@", ["T", ["T", "W"]], "h"], r"is no matrix"), (["@", "W", "h"], r"the shapes in W @ h do not agree"),
    (["+", "x", "h"], r"the shapes in .* do not agree"),
    (["where", "h", 1, 0], r"expected a name, a number, or a list|where\(\) expects a comparison"),
    (["where", ["+", "h", 1], 1, 0], r"where\(\) expects a comparison, one of <, <=, .*; got '\+'"),
    ([">", "h", 0], r"the function '>' is not known"),
    (["where", ["<", [">", "h", 0], 1], 1, 0], r"the function '>' is not known"),
    (["^", "h", "s"], r"an exponent is a number"), (["^", "h", ["/", 1, 3]], r"holds the power"),
    (["^", "h", 65], r"an exponent is a number or a fraction between -64 and 64; got 65"),
    (["^", ["^", "h", 64], 64], r"holds the power"),
    (["^", ["^", ["^", 9, 64], 64], 64], r"a power of constants is too large"),
    (["^", 0, -1], r"divides by zero|is a constant"), (["*", "h", ["^", 0, -1]], r"divides by zero"),
    (["^", "h", ["+", ["^", 0, -1], ["*", -1, ["^", 0, -1]]]], r"an exponent is a number"),
    (["*", "h", ["^", -1, 0.5]], r"which is not real"),
    (["/", 1, 0], r"a fraction is"), (["/", 1.5, 2], r"a fraction is"), (["/", "h", "h"], r"a fraction is"),
    (["/", True, 2], r"expected a name, a number"),
    (["float", "1+1", 60], r"a number beyond float64"), (["float", "0.1", 10**6], r"a number beyond float64"),
    (["float", "nan", 60], r"a number beyond float64"), (10**19, r"integer is larger|too large"),
    (1, r"is a constant; write it where it is used"), (["sigmoid", 1], r"is a constant"),
    (["pi", 1], r"'pi' takes 0 arguments"),
    (["log", ["*", 0, "h"]], r"has no finite value|is a constant|scalar"),
])
def test_a_wrong_formula_is_refused(data, message):
    with pytest.raises(CellError, match=message):
        quiet(with_formula(data))


# --- hostile documents: refused or read within a second, whatever they hold ---------------------------------


def tower(depth, level, base="h"):
    data = base
    for _ in range(depth):
        data = level(data)
    return data


HOSTILE = {
    "deep sums": tower(98, lambda d: ["+", d, "h"]),
    "deep powers of sums": tower(32, lambda d: ["^", ["+", d, 1], 2]),
    "deep roots of sums": tower(32, lambda d: ["^", ["+", d, 1], 0.5]),
    "deep products of sums": tower(48, lambda d: ["*", 2, ["+", d, 1]]),
    "deep products of negative sums": tower(32, lambda d: ["*", -1, ["+", ["*", d, "h"], ["*", -1, "s"]]]),
    "deep functions": tower(98, lambda d: ["exp", d]),
    "deep constant functions": ["*", "h", tower(90, lambda d: ["exp", d], 1)],
    "deep constant roots": ["*", "h", tower(40, lambda d: ["^", ["+", d, 1], ["/", 1, 3]], 2)],
    "deep constant powers": ["*", "h", tower(40, lambda d: ["^", ["+", d, "s"], 2], 2)],
    "powers of pi": ["*", "h", tower(90, lambda d: ["^", d, 64], ["pi"])],
    "large fractions": ["*", "h", *[["/", 10**18, 3**p] for p in range(30)]],
    "many terms": ["+", *[["*", i, ["^", "h", i % 64]] for i in range(1900)]],
    "many factors": ["*", *[["+", "h", i] for i in range(3000)]],
    "many conditions": ["where", ["and", *[[">", "h", i] for i in range(1500)]], "h", 0],
    "nested conditions": ["where", tower(40, lambda d: ["not", ["and", d, ["=", "h", "s"]]], [">", "h", 1]), "h", 0],
    "nested selections": tower(90, lambda d: ["where", [">", "s", "h"], "h", d]),
    "selections by selections": tower(45, lambda d: ["where", [">", d, "h"], "h", "s"]),
    "a shared formula grows": tower(12, lambda d: ["*", ["+", d, 1], ["+", d, 2]]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_formula_takes_no_time(name):
    text = with_formula(HOSTILE[name])
    began = time.perf_counter()
    with contextlib.suppress(CellError):
        quiet(text)
    assert time.perf_counter() - began < 5


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["x", "h", "h.next", "W_f", "+", "*", "^", "@", "T", "/", "float", "where", "e", "H", "I"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8)
FORMULA = st.recursive(
    st.sampled_from(["x", "h", "s", "W", 0, 1, -2, 0.5, 1e300]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "*", "^", "maximum", "@", "/"]), inner, inner),
        st.tuples(st.sampled_from(["tanh", "exp", "log", "sqrt", "abs"]), inner),
        st.builds(lambda c, p, q, a, b: ["where", [c, p, q], a, b],
                  st.sampled_from([*RELATIONS, *LOGIC]), inner, inner, inner, inner)), max_leaves=20)


def places(value, path=()):
    """Every place in a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


DOCUMENTS = [json.loads(zoo.find(name).to_json()) for name in ("mgu", "lstm_peephole", "sru_recurrence", "elman_head")]
EVERY = [list(places(one))[1:] for one in DOCUMENTS]


@st.composite
def mutated(draw):
    """A document of the zoo with up to three places deleted, replaced, or exchanged with another."""
    which = draw(st.integers(0, len(DOCUMENTS) - 1))
    made = json.loads(json.dumps(DOCUMENTS[which]))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(EVERY[which]))
        other = draw(st.sampled_from(EVERY[which]))
        try:
            holder, found = made, made
            for key in path:
                holder = holder[key]
            for key in other:
                found = found[key]
            action = draw(st.sampled_from(["delete", "replace", "exchange"]))
            if action == "delete":
                del holder[last]
            else:
                holder[last] = draw(JUNK) if action == "replace" else json.loads(json.dumps(found))
        except (KeyError, IndexError, TypeError):  # an earlier mutation took the place away
            continue
    return made


def refused_or_valid(text):
    try:
        cell = quiet(text)
    except CellError:
        return
    again = quiet(cell.to_json())
    assert str(again.spec) == str(cell.spec)
    with np.errstate(all="ignore"):
        assert str(adjoint(lower(again.spec))) == str(adjoint(lower(cell.spec)))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_a_mutated_document_is_a_cell_or_a_cell_error(made):
    refused_or_valid(json.dumps(made))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(FORMULA)
def test_any_formula_is_a_cell_or_a_cell_error(data):
    refused_or_valid(with_formula(data))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, len(MGU_TEXT) - 1), st.integers(0, 40), st.text(max_size=6))
def test_damaged_text_is_a_cell_or_a_cell_error(start, length, put):
    refused_or_valid(MGU_TEXT[:start] + put + MGU_TEXT[start + length:])


def test_a_comparison_that_sympy_would_decide_stays():
    cell = quiet(with_formula(["where", [">", ["^", "h", 2], -1], "h", 0]))
    assert str(cell.spec.equations[0].expression) == "where(h**2 > -1, h, 0)"
    refused_or_valid(cell.to_json())


def test_cell_itself_has_no_document():
    with pytest.raises(CellError, match="Cell itself declares nothing"):
        Cell.to_json()


def test_a_cell_may_use_the_names_of_the_methods():
    cell = declare(START + "to_json = tanh(W @ x)\nspec = to_json * b" + UPDATE + "y = Output(spec + h.next)")
    text = document.to_json(cell.spec)
    assert document.to_json(quiet(text).spec) == text
