"""Documents that are refused, and cells that have none."""

import pytest

from symcell import Cell, CellError
from tests.declare.documents import MGU_TEXT, changed, quiet, with_formula
from tests.declare.text import START, UPDATE, declare


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
    (["float", "\u0661", 60], r"a number beyond float64"), (["float", "1e\u0663", 60], r"a number beyond float64"),
    (["float", "nan", 60], r"a number beyond float64"), (10**19, r"integer is larger|too large"),
    (1, r"is a constant; write it where it is used"), (["sigmoid", 1], r"is a constant"),
    (["pi", 1], r"'pi' takes 0 arguments"),
    (["log", ["*", 0, "h"]], r"has no finite value|is a constant|scalar"),
])
def test_a_wrong_formula_is_refused(data, message):
    with pytest.raises(CellError, match=message):
        quiet(with_formula(data))


def test_cell_itself_has_no_document():
    with pytest.raises(CellError, match="Cell itself declares nothing"):
        Cell.to_json()
