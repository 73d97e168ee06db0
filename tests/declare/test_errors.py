"""Every declaration that is refused, and what the message says. Each names the cell."""

import warnings

import pytest

from symcell import CellError, UnusedParameterWarning
from tests.declare.text import START, UPDATE, declare

RESERVED = ("int", "double", "restrict", "typeof", "NULL", "register", "true", "EOF", "cdef", "cimport", "nogil", "DEF",
            "IF", "sizeof", "ctypedef", "include", "gil", "struct", "switch")

# (what is wrong, lines after START and before UPDATE, part of the message)
LINES = [
    ("unknown name", "q = tnah(h)", "the name 'tnah' is not defined above this line. Did you mean 'tanh'?"),
    ("unknown quantity", "gate = h * b\nq = gatee * h", "Did you mean 'gate'?"),
    ("unknown member", "V = Matrx(h, h)", "Did you mean 'Matrix'?"),
    ("unknown without suggestion", "q = zzzzzz * h", "the name 'zzzzzz' is not defined above this line."),
    ("defined below", "q = later * h\nlater = h * b", "the name 'later' is not defined above this line."),
    ("cycle", "q = p * h\np = q * h", "the name 'p' is not defined above this line."),
    ("updated twice", "h.next = h * b", "h.next is set twice"),
    ("state without update", "c = State()", "the state c has no update; write c.next = ..."),
    ("next read before set", "q = h.next * b", "h.next is read before it is set"),
    ("next of an input", "x.next = x * 1.0", "x is not a State; only a state has .next. States here: h."),
    ("next of a parameter", "q = b.next * h", "b is not a State"),
    ("next of an equation", "q = h * b\nq.next = h", "q is not a State"),
    ("nextt read", "q = h.nextt * b", "h has no attribute 'nextt'. Did you mean 'next'?"),
    ("nextt set", "h.nextt = h * b", "h.nextt cannot be set; only .next of a state can. Did you mean 'next'?"),
    ("attribute set", "b.value = 3", "b.value cannot be set"),
    ("vectors of two sizes", "q = x * h", "the shapes in h*x do not agree: "),
    ("vectors of two sizes say which", "q = x + h", "x is a vector of I"),
    ("function of two sizes", "q = maximum(x, h)", "do not agree"),
    ("condition of two sizes", "q = where(x > 0, h, b)", "do not agree"),
    ("wrong domain", "q = W @ h", "W is (H, I) and applies to vectors of I; h is a vector of H"),
    ("wrong domain of transpose", "q = W.T @ x", "W.T is (I, H) and applies to vectors of H; x is a vector of I"),
    ("wrong domain of an expression", "q = W @ (h * b)", "is a vector of H"),
    ("matrix of a scalar", "s = Scalar()\nq = W @ s", "s is a scalar"),
    ("update of another size", "c = State('P')\nc.next = h * b", "the state c is a vector of P"),
    ("scalar update", "s = Scalar()\nc = State()\nc.next = s * 2", "is a scalar; the state c is a vector of H"),
    ("update that is a number", "c = State()\nc.next = 0", "is a scalar"),
    ("update that is a matrix", "c = State()\nc.next = U", "c.next expects a vector expression"),
    ("update that is text", "c = State()\nc.next = 'h'", "c.next expects a vector expression; got 'h'"),
    ("update that is nothing", "c = State()\nc.next = None", "c.next expects a vector expression; got None"),
    ("input of each what", "z = Input(h, each='batch')", "z: each='batch' is not known; an input is given for each"),
    ("input of each number", "z = Input(h, each=3)", "each=3 is not known"),
    ("learned or not", "V = Matrix(h, h, learned='no')", "V: learned='no' is neither True nor False"),
    ("learned or not, a vector", "v = Vector(h, learned=0)", "v: learned=0 is neither True nor False"),
    ("dimension of a scalar", "s = Scalar()\nV = Matrix(s, h)", "s is a scalar and has no dimension"),
    ("dimension T", "c = State('T')", "'T' cannot name a dimension: it is time"),
    ("dimension B", "c = State(dim='B')", "'B' cannot name a dimension: it is batch"),
    ("dimension seed", "V = Vector('seed')", "'seed' cannot name a dimension: it is the seed of init_params"),
    ("dimension is a number", "V = Matrix(h, 128)", "got 128 (int). Sizes are given later, to init_params."),
    ("dimension is nothing", "V = Vector(None)", "got None (NoneType)"),
    ("dimension is a matrix", "V = Matrix(U, h)", "a dimension is a declared vector or a name"),
    ("dimension is reserved", "V = Vector('int')", "'int' is a reserved word"),
    ("dimension is no word", "V = Vector('H + 1')", "'H + 1' cannot be used"),
    ("dimension is not ASCII", "V = Vector('Ω')", "'Ω' cannot be used"),
    ("division by zero", "q = h / 0", "divides by zero or holds a constant that is not finite"),
    ("division by zero inside", "q = h + b * (1 / (b - b))", "divides by zero"),
    ("NaN", "q = h * float('nan')", "nan: not a finite real number"),
    ("infinity", "q = h + float('inf')", "oo: not a finite real number"),
    ("SymPy infinity", "q = h * sympy.oo", "not finite"),
    ("SymPy zoo by itself", "q = sympy.zoo", "q = zoo: not a finite real number (a division by zero?)"),
    ("complex constant", "q = h * 2j", "is not real"),
    ("imaginary unit", "q = h * sympy.I", "is not real"),
    ("root of a negative number", "q = h * sympy.sqrt(-2)", "is not real"),
    ("too large a constant", "q = h + 10**400", "too large for float64"),
    ("too large a power of ten", "q = h + sympy.Integer(10)**400", "too large for float64"),
    ("Constant NaN", "k = Constant(float('nan'))", "k: expected a finite number, got nan"),
    ("Constant text", "k = Constant('0.5')", "k: expected a finite number, got '0.5'"),
    ("Constant huge", "k = Constant(10**400)", "k: expected a finite number"),
    ("Constant bool", "k = Constant(True)", "k: expected a finite number, got True"),
    ("Constant complex", "k = Constant(1j)", "k: expected a finite number, got 1j"),
    ("Constant of a quantity", "k = Constant(h)", "k: expected a finite number, got h"),
    ("init of unknown word", "V = Matrix(h, h, init='orthogonl')", "init='orthogonl' is not known here; expected a "
     "number or one of uniform, orthogonal, glorot, identity, normal."),
    ("init of a vector", "V = Vector(h, init='orthogonal')", "init='orthogonal' is not known here"),
    ("init of a scalar", "s = Scalar(init='uniform')", "init='uniform' is not known here; expected a number."),
    ("init is NaN", "s = Scalar(float('nan'))", "expected a finite number, got nan"),
    ("sin", "q = sympy.sin(h)", "q uses sin, which symcell cannot differentiate and compile. The functions are abs,"),
    ("Piecewise", "q = sympy.Piecewise((h, h > 0), (b, True))", "q uses Piecewise"),
    ("Derivative", "q = sympy.Derivative(h**2, h)", "q uses Derivative"),
    ("Integral", "q = sympy.Integral(h, h)", "q uses Integral"),
    ("unknown function", "q = sympy.Function('f')(h)", "q uses f"),
    ("text for a vector", "q = h * sigmoid('b')", "sigmoid() applies to formulas of vectors and scalars, got 'b'"),
    ("modulo", "q = h % 2", "q uses Mod"),
    ("floor", "q = h // 2", "q uses floor"),
    ("index of a dimension", "V = Vector(h * b)", "a dimension is a declared vector or a name"),
    ("a number that is zero", "q = h * 1e-400\ny = Output(q)", "y = 0 is a scalar; a vector is expected"),
    ("SymPy symbol", "q = h * sympy.Symbol('a')", "the symbol a was not declared in this cell"),
    ("power of a power", "q = h ** 1.3", "integers and halves up to 64. For others write exp(a * log(b))."),
    ("power of a quantity", "q = h ** b", "exponents are integers and halves"),
    ("power too large", "q = h ** 65", "exponents are integers and halves up to 64"),
    ("where with ==", "q = where(h == 1, h, b)", "where() got a condition that is always False."),
    ("where with == says what works", "q = where(h == 1, h, b)", "write equal(a, b)"),
    ("where with True", "q = where(True, h, b)", "always True"),
    ("where with a vector", "q = where(h, h, b)", "where() expects a comparison as its first argument"),
    ("where with a number", "q = where(1, h, b)", "where() expects a comparison as its first argument"),
    ("matrix times vector", "q = (U * h) @ h", "in h*U the factor h is no scalar of parameters and constants"),
    ("vector times matrix", "q = h * U", "in h*U the factor h is no scalar"),
    ("matrices of two shapes", "q = U + W",
     "a sum or elementwise product of matrices of two shapes: U is (H, H) and W is (H, I)."),
    ("matrices that cancel", "q = U - U", "a sum of matrices cancels to zero"),
    ("matrix minus 1", "q = U - 1", "U - 1: a matrix is added to a matrix only. A multiple of the identity"),
    ("1 minus matrix", "q = 1 - U", "a matrix is added to a matrix only"),
    ("2 over a matrix", "q = 2 / W", "W is a matrix: it takes @"),
    ("matrix over 0", "q = (W / 0) @ x", "divides by zero"),
    ("matrix squared", "q = U ** 2", "U is a matrix: it takes @"),
    ("2 to a matrix", "q = 2 ** U", "U is a matrix: it takes @"),
    ("matrix compared", "q = where(W > 0, h, b)", "W is a matrix: it takes @"),
    ("matrix called", "q = W(x)", "W is a matrix: it takes @"),
    ("sigmoid of a product of matrices", "q = sigmoid(U @ W)", "sigmoid(U @ W): a product of matrices is never formed"),
    ("maximum with a matrix", "q = maximum(h, U)", "maximum() applies to formulas of vectors and scalars, got U"),
    ("attribute of a matrix set", "W.foo = 3", "W is a matrix: it takes @"),
    ("vector @ matrix", "q = h @ U", "h @ ... : only a declared matrix stands left of @."),
    ("vector @ vector", "q = h @ b", "For an elementwise product of vectors write *."),
    ("number @ matrix", "q = 2 @ U", "U is a matrix: it takes @"),
    ("matrices that do not meet", "q = (U @ W.T) @ h", "U @ W.T: the shapes do not agree: (H, H) meets (I, H)."),
    ("matrix @ number", "q = U @ 2", "a matrix applies to a vector expression"),
    ("matrix @ sympy number", "q = U @ sympy.Integer(2)", "2 is a scalar"),
    ("inline vector", "q = h + Vector(h)", "Vector(...) is used inside a formula; assign it to a name first"),
    ("inline scalar", "q = Scalar() * h", "Scalar(...) is used inside a formula"),
    ("inline matrix", "q = Matrix(h, h) @ h", "Matrix(...) is used inside a formula"),
    ("inline on the right of @", "q = U @ Vector(h)", "a matrix applies to a vector expression"),
    ("tuple under one name", "pair = State(), State()", "pair holds declarations in a tuple; give each its own name"),
    ("list under one name", "pair = [Vector(h), Vector(h)]", "pair holds declarations in a list"),
    ("no parentheses", "s = Scalar", "s = Scalar lacks its parentheses: write Scalar(...)."),
    ("rebinding an equation", "q = h * b\nq = h + b", "q is defined twice. Each equation has its own name"),
    ("rebinding a state", "h = State()", "h is defined twice"),
    ("rebinding a state by its update", "h = h * b", "h is defined twice"),
    ("rebinding by a number", "b = 3", "b is defined twice"),
    ("rebinding a matrix", "U = U.T", "U is defined twice"),
    ("augmented", "b += h", "b is defined twice"),
    ("second Input of another size", "z = Input('F')\nq = W @ z", "vectors of I; z is a vector of F"),
    ("second Output", "y = Output(h * b)\nz = Output(h)", "z: a second Output; a step returns one value, here y."),
    ("Output of a scalar", "s = Scalar()\ny = Output(s * 2)", "is a scalar; a vector is expected"),
    ("Output of a number", "y = Output(3)", "y = Output(...) expects a vector expression; got 3"),
    ("Output of a matrix", "y = Output(U)", "y = Output(...) expects a vector expression; got U"),
    ("name too long", f"{'a' * 65} = Vector(h)", "has 65 characters; at most 64 are allowed"),
    ("name with underscore first", "_q = h * b", "the name '_q' cannot be used"),
    ("not ASCII", "α = Scalar()", "the name 'α' cannot be used: names are ASCII letters"),
    ("not ASCII in an equation", "été = h * b", "the name 'été' cannot be used"),
    *((f"reserved {word}", f"{word} = Vector(h)", f"the name {word!r} is a reserved word of Python, C or Cython; write "
       f"{word}_ .") for word in RESERVED),
    ("too deep", "q = " + "tanh(" * 101 + "h" + ")" * 101,
     "the formula in tanh() is too large: more than 70 levels in one equation. Name its parts"),
    ("too large", "def many(v):\n    return sympy.Add(*(tanh(n * v) for n in range(1, 4000)))\nq = many(h)",
     "q is too large: more than 1000 operations"),
    ("too many factors", "def many(v):\n    return sympy.Mul(*(v + n for n in range(40)))\nq = many(h)",
     "q is too large: more than 1000 operations"),
    ("too large in all", "def many(v):\n    return sympy.Add(*(tanh(n * v) for n in range(1, 90)))\n"
     "for count in range(9):\n    locals()[f'v_{count}'] = many(h)",
     "Trial is too large: more than 4000 operations in all equations, at v_"),
    ("truth of a quantity", "q = h and b", "h has no truth value here: its values come later. For `if` write where("),
    ("truth in an if", "q = b if h else x", "h has no truth value here"),
    ("not", "q = not h or b", "h has no truth value here"),
    ("truth of a function", "q = b if tanh(h) else h", "tanh(h) has no truth value here"),
    ("truth of a product with a matrix", "q = b if W @ x else h", "W @ x has no truth value here"),
    ("truth of a reduction", "q = b if reduce_sum(h) else h", "reduce_sum(h) has no truth value here"),
    ("truth of a matrix", "q = (U and U.T) @ h", "U has no truth value here"),
    ("truth in a helper", "def first(a, c):\n    return a or c\nq = first(h, b)", "Trial: h has no truth value here"),
    ("times a comparison", "q = h * (h > 0)", "h meets the comparison h > 0 in arithmetic; a comparison is no number"),
    ("a comparison times", "q = (h > 0) * tanh(h)", "tanh(h) meets the comparison h > 0 in arithmetic"),
    ("minus a joined comparison", "q = b - ((h > 0) & (h < 1))", "b meets the comparison"),
    ("two vectors after a matrix", "q = U @ h @ h", "(U @ h) @ ... : only a matrix stands left of @: U @ (V @ h)."),
    ("a function of a vector @", "q = tanh(h) @ h", "(tanh(h)) @ ... : only a matrix stands left of @"),
    ("too many names", "for count in range(500):\n    locals()[f'v_{count}'] = Vector(h)",
     "Trial is too large: more than 400 names"),
]

# (what is wrong, the whole body, part of the message)
BODIES = [
    ("no state", "x = Input()", "no State is declared: a recurrent cell needs one, such as h = State()."),
    ("no input", "h = State()\nh.next = h * 2", "no Input is declared: write x = Input()."),
    ("no input of each step", "x, h = Input(each='sequence'), State()\nh.next = h * 2",
     "x stays for the whole sequence, and nothing says how many steps there are: declare an Input()"),
    ("nothing", "pass", "no State is declared"),
    ("equations only", "x = Input()\ny = Output(x * 2)", "no State is declared"),
    ("no update", "x, h = Input(), State()", "the state h has no update"),
    ("member without parentheses", "x = Input\nh = State()", "x = Input lacks its parentheses: write Input(...)."),
    ("loop variable", "x, h = Input(), State()\nfor v in (x, h):\n    pass", "v is defined twice"),
    ("state without parentheses", "x = Input()\nh = State\nh.next = x", "h = State lacks its parentheses"),
    ("no states at .next", "x = Input()\nx.next = x", "x is not a State; only a state has .next. States here: none."),
]


@pytest.mark.parametrize(("lines", "message"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_a_line_is_refused(lines, message):
    with pytest.raises(CellError) as error:
        declare(f"{START}{lines}\n{UPDATE}")
    assert message in str(error.value)
    if not (lines.startswith("q = where") or "(...) is used inside" in message):
        assert "Trial" in str(error.value)


@pytest.mark.parametrize("lines", [
    "q = where(h == 1, h, b)", "q = where(1, h, b)", "q = h + Vector(h)", "q = Scalar() * h", "q = Matrix(h, h) @ h"])
def test_every_message_names_the_cell(lines):
    with pytest.raises(CellError, match="Trial"):
        declare(f"{START}{lines}\n{UPDATE}")


@pytest.mark.parametrize("lines", ["q = h * b\ndel q", "del h", "del W"])
def test_what_is_declared_cannot_be_deleted(lines):
    with pytest.raises(CellError, match=r"Trial: . cannot be deleted: a declaration is not undone"):
        declare(f"{START}{lines}\n{UPDATE}")


@pytest.mark.parametrize("lines", [
    "q = where((h > 0) ^ (b > 0), h, b)", "q = where((h > 0) >> (b > 0), h, b)",
    "q = where(sympy.ITE(h > 0, b > 0, h > b), h, b)", "q = where(h > 0, h > 1, b)", "q = sigmoid(h > 0)",
    "q = maximum(h, b > 0)"])
def test_a_condition_that_has_no_c_is_refused(lines):
    with pytest.raises(CellError, match="Trial"):
        declare(f"{START}{lines}\n{UPDATE}")


@pytest.mark.parametrize("lines", ["q = where(0 < h < 1, h, b)", "q = where(h > 0 and b > 0, h, b)", "q = max(h, b)"])
def test_a_comparison_has_no_truth_value(lines):
    """Python asks the comparison, and SymPy answers before symcell sees anything."""
    with pytest.raises(TypeError, match="truth value"):
        declare(f"{START}{lines}\n{UPDATE}")


@pytest.mark.parametrize("lines", [
    "q = where(h > 0, None, b)", "q = sigmoid(None)", "q = sigmoid([h, b])", "q = W.inv @ x",
    "q = sigmoid(h, b)", "q = where(equal(h, 'b'), h, b)"])
def test_slips_of_python_are_explained(lines):
    with pytest.raises(CellError, match="Trial"):
        declare(f"{START}{lines}\n{UPDATE}")


@pytest.mark.parametrize(("body", "message"), [row[1:] for row in BODIES], ids=[row[0] for row in BODIES])
def test_a_body_is_refused(body, message):
    with pytest.raises(CellError) as error:
        declare(body)
    assert message in str(error.value)
    assert "Trial" in str(error.value)


@pytest.mark.parametrize("name", ["int", "α", "_Hidden", "C" * 65, "NULL"])
def test_the_name_of_a_cell_is_a_name_too(name):
    with pytest.raises(CellError, match=r"^Cell: the name "):
        declare(START + UPDATE, name=name)


def test_a_cell_extends_cell_itself():
    base = declare(START + UPDATE, name="Base")
    with pytest.raises(CellError, match="Derived: a cell extends Cell itself, not another cell"):
        exec("class Derived(Base):\n    pass", {"Base": base})


def test_a_cell_is_no_layer():
    with pytest.raises(CellError, match=r"Trial is a declaration, not a layer: write symcell.compile\(Trial\)\."):
        declare(START + UPDATE)(3)


@pytest.mark.parametrize(("lines", "unused"), [
    ("V = Matrix(h, h)", "V"),
    ("p, k = Scalar(), Constant(1)", "p, k"),
    ("V = Vector(h)\nq = V * h\nr = q + 1", "V, q, r"),
    ("z = h * b", "z"),
])
def test_what_nothing_depends_on_is_warned_of(lines, unused):
    with pytest.warns(UnusedParameterWarning) as caught:
        declare(START + lines + UPDATE, quiet=False)
    assert [str(warning.message) for warning in caught] == [
        f"Trial: no state and no output depends on {unused}."]


def test_an_unused_input_is_warned_of():
    with pytest.warns(UnusedParameterWarning, match=r"no state and no output depends on x\."):
        declare("x, h = Input(), State()\nh.next = h * 0.5", quiet=False)


def test_the_warning_points_at_the_declaration():
    with pytest.warns(UnusedParameterWarning) as caught:
        declare(START + "V = Matrix(h, h)" + UPDATE, quiet=False)
    assert caught[0].filename == "<text>"


@pytest.mark.parametrize("lines", [
    "",
    "V = Matrix(h, h)\ny = Output(V @ h)",
    "k = Constant(2)\nc = State()\nc.next = k * c",
    "V = Vector(h, init='uniform')\nq = V * h\nr = q + 1\nc = State()\nc.next = r",
])
def test_nothing_is_warned_of_otherwise(lines):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        declare(START + lines + UPDATE, quiet=False)
