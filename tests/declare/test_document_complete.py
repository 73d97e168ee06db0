"""Nothing of the language is left out of documents: a node, word or field without a form makes these fail."""

import inspect
from dataclasses import fields

import sympy

from symcell.declare import document, entrywise, functions, matrices, matrix_sum, patterns, reductions, symbols
from symcell.declare.formula_data import LOGIC, NUMBERS, RELATIONS, SUM_OF_MATRICES, SUMS, WRITTEN
from symcell.declare.formula_reader import FACTORS
from symcell.declare.members import MEMBERS
from symcell.declare.reductions import HELD
from symcell.graph import check


def test_every_kind_of_node_has_its_row():
    """A node of the language without a form in a document makes this fail: add its row to formula_data.WRITTEN."""
    modules = (symbols, functions, matrices, matrix_sum, patterns, entrywise, reductions)
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
