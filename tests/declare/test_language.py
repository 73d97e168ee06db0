"""Every word of the language, and the traps of embedding it in Python and SymPy."""

import copy
import pickle

import pytest
import sympy

import symcell
from symcell import Cell, CellError, Constant, Input, Matrix, Output, Scalar, State, Vector, exp, relu, sigmoid, tanh
from symcell.declare.functions import FUNCTIONS
from symcell.declare.symbols import Apply
from symcell.graph.ir import symbol
from symcell.graph.lower import lower
from tests.declare.text import START, UPDATE, declare, formula

SLOPE = 0.25  # a global of this module, which class bodies below read


class Everything(Cell):
    """One of each word.

    The second line.
    """

    x = Input("F")
    h, c = State(), State(dim="P")
    W = Matrix(h, x, init="glorot")
    V = Matrix("P", "H", init=0.5)
    b, g = Vector(h, init=1.0), Vector("P", init="uniform")
    s = Scalar(init=0.1)
    k = Constant(0.1)

    a = W @ x + b
    f = sigmoid(a) * s
    h.next = f * h + k * (V.T @ c)
    c.next = tanh(V @ h.next + g) + c
    y = Output(relu(c.next) * c)


class TestSpec:
    spec = Everything.spec

    def test_members(self):
        assert (self.spec.name, self.spec.doc) == ("Everything", "One of each word.\n\nThe second line.")
        assert self.spec.inputs == (("x", "F"),)
        assert self.spec.states == (("h", "H"), ("c", "P"))
        assert self.spec.constants == (("k", 0.1),)
        assert self.spec.output == "y"

    def test_parameters(self):
        assert [(p.name, p.dims, p.init) for p in self.spec.parameters] == [
            ("W", ("H", "F"), "glorot"), ("V", ("P", "H"), 0.5), ("b", ("H",), 1.0), ("g", ("P",), "uniform"),
            ("s", (), 0.1)]

    def test_equations_in_order_with_their_dimensions(self):
        assert [(e.name, e.dims) for e in self.spec.equations] == [
            ("a", ("H",)), ("f", ("H",)), ("h.next", ("H",)), ("c.next", ("P",)), ("y", ("P",))]

    def test_dimensions_inputs_first(self):
        assert self.spec.dims == ("F", "H", "P")

    def test_text(self):
        assert str(self.spec).splitlines() == [
            "cell Everything", "  input  x (F)", "  state  h (H)", "  state  c (P)", "  param  W (H, F)",
            "  param  V (P, H)", "  param  b (H)", "  param  g (P)", "  param  s ()", "  const  k = 0.1",
            "  a = b + W @ x", "  f = s*sigmoid(a)", "  h.next = f*h + k*(V.T @ c)",
            "  c.next = c + tanh(g + V @ h.next)", "  y = c*relu(c.next)", "  output y"]
        assert repr(Everything) == str(self.spec)

    def test_frozen_and_hashable(self):
        with pytest.raises(AttributeError):
            self.spec.name = "Other"
        assert hash(self.spec) == hash(Everything.spec)


def test_defaults():
    cell = declare("x, h, g = Input(), State(), State()\nW, b, s = Matrix(h, x), Vector(h), Scalar()\n"
                   "h.next = s * (W @ x) + b\ng.next = h.next * g")
    assert cell.spec.dims == ("I", "H")
    assert [p.init for p in cell.spec.parameters] == ["uniform", 0.0, 0.0]
    assert cell.spec.output == "h.next"  # of the first state


@pytest.mark.parametrize("init", ["uniform", "orthogonal", "glorot", "identity", "normal", 2, 0.5, sympy.S.Half])
def test_inits_of_a_matrix(init):
    cell = declare(START + "V = Matrix(h, h, init=init)" + UPDATE, init=init)
    (found,) = [p.init for p in cell.spec.parameters if p.name == "V"]
    assert found == (init if isinstance(init, str) else float(init))
    assert type(found) in (str, float)


@pytest.mark.parametrize("name", ["A", "B", "G", "M", "N", "Q", "R", "I", "S", "E", "T", "pi", "gamma", "beta", "zeta"])
def test_names_that_sympy_has_too(name):
    cell = declare(START + f"{name} = Vector(h)\nc = State()\nc.next = {name} * c" + UPDATE)
    assert str(cell.spec.equations[0].expression) in (f"{name}*c", f"c*{name}")
    assert lower(cell.spec).value(name).dims == ("H",)


@pytest.mark.parametrize("name", ["vec", "tanhf", "main", "x_", "h_next", "d_h", "a_f", "W_f_x", "t_0", "self", "next"])
def test_names_near_those_of_symcell(name):
    cell = declare(START + f"{name} = b * h\nc = State()\nc.next = {name} * c" + UPDATE)
    assert lower(cell.spec).value(name).dims == ("H",)


# --- what is written is what is kept ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "kept"), [
    ("exp(h) * exp(b)", "exp(b)*exp(h)"),
    ("exp(h + b)", "exp(b + h)"),
    ("exp(log(h))", "exp(log(h))"),
    ("log(exp(h))", "log(exp(h))"),
    ("sqrt(h) * sqrt(h)", "sqrt(h)**2"),
    ("sqrt(h**2)", "sqrt(h**2)"),
    ("tanh(-h)", "tanh(-h)"),
    ("abs(h * b) + abs(h)", "abs(h) + abs(b*h)"),
    ("sigmoid(0)*h", "h*sigmoid(0)"),
    ("maximum(h, h)", "maximum(h, h)"),
    ("relu(h) + relu(h)", "2*relu(h)"),
    ("h - h + b", "b"),
    ("where(h > 0, h, 0)", "where(h > 0, h, 0)"),
    ("where((h > 0) & ~(c >= 1) | (b < 2), h, c)", "where((b < 2) | ((h > 0) & (c < 1)), h, c)"),
    ("leaky_relu(h)", "where(h > 0, h, 0.01*h)"),
    ("leaky_relu(h, s)", "where(h > 0, h, h*s)"),
    ("where(equal(h, 1), b, c)", "where(Eq(h, 1), b, c)"),
    ("h ** 0.5", "sqrt(h)"),
    ("h ** -0.5", "1/sqrt(h)"),
    ("h ** 1.5", "sqrt(h)**3"),
    ("h ** 2.0", "h**2"),
    ("h ** -2", "h**(-2)"),
    ("h / (b * c)", "h/(b*c)"),
    ("sympy.exp(h) + sympy.log(h) + sympy.tanh(h) + sympy.Abs(h)", "exp(h) + log(h) + tanh(h) + abs(h)"),
    ("sympy.Max(h, b, 0)", "maximum(maximum(0, b), h)"),
    ("sympy.Min(h, b)", "minimum(b, h)"),
    ("U @ (U.T @ h)", "U @ (U.T @ h)"),
    ("(U.T).T @ h", "U @ h"),
    ("U @ (h * c) + U @ h * c", "c*(U @ h) + U @ (c*h)"),
    ("-(U @ h)", "-U @ h"),
    ("h / h * b", "b"),
])
def test_formulas(written, kept):
    assert str(formula(written)) == kept


@pytest.mark.parametrize(("written", "value"), [
    ("0.1", 0.1), ("1 / 3", 1 / 3), ("0.1 + 0.2", 0.1 + 0.2), ("1e-300", 1e-300), ("sympy.pi", 3.141592653589793),
    ("2 ** 0.5", 2**0.5), ("sympy.sqrt(2)", 2**0.5), ("1e22 + 1", 1e22 + 1), ("123456789.12345679", 123456789.12345679),
])
def test_constants_keep_every_digit(written, value):
    (constant,) = [part for part in formula(f"tanh(h) + ({written})").args if part.is_number]
    assert float(constant) == value


def test_symbols_are_real():
    expression = formula("h")
    assert expression.is_real
    assert formula("abs(h) * 1.0").is_real


# --- traps ---------------------------------------------------------------------------------------------------------


def test_two_cells_have_nothing_in_common():
    first, second = declare(START + UPDATE), declare("x, h = Input(), State('P')\nh.next = h * 0.5")
    (one,) = [e.symbol for e in first.spec.equations]
    (two,) = [e.symbol for e in second.spec.equations]
    assert one.name == two.name == "h.next"
    assert one != two
    assert hash(one) != hash(two)
    assert first.h != second.h
    assert (first.h - second.h) != 0
    assert first.h != sympy.Symbol("h", real=True)
    assert symbol("h") == sympy.Symbol("h", real=True)  # of a graph: nothing is stored on it


def test_a_declaration_that_fails_leaves_nothing_behind():
    with pytest.raises(CellError):
        declare(START + "h.next = b\nq = nope" + UPDATE)
    declare(START + UPDATE)


def test_a_quantity_of_another_cell_is_refused():
    other = declare(START + UPDATE, name="Other")
    with pytest.raises(CellError, match="Trial: the symbol h was not declared in this cell"):
        declare(START + "q = h * other.h" + UPDATE, other=other)
    with pytest.raises(CellError, match="Trial: q: the matrix U belongs to the cell Other"):
        declare(START + "q = other.U @ h" + UPDATE, other=other)
    with pytest.raises(CellError, match="Trial"):
        declare(START + "V = Vector(other.h)" + UPDATE, other=other)
    with pytest.raises(CellError, match="Other"):
        other.h.next = other.b * 1


def test_copies_of_a_quantity_are_refused():
    with pytest.raises(CellError, match="belongs to the cell Everything"):
        pickle.dumps(Everything.h)
    with pytest.raises(CellError, match="belongs to the cell Everything"):
        copy.deepcopy(Everything.h)


def test_private_questions_of_sympy_are_answered_as_usual():
    assert not hasattr(Everything.h, "_latex_of_something")
    with pytest.raises(AttributeError):  # what hasattr and copy rely on
        _ = Everything.h.foo
    assert not hasattr(Everything.h, "foo")


def test_globals_builtins_and_closures_are_seen():
    slope = 0.5

    def squash(v):
        return tanh(v * slope)

    class Local(Cell):
        x, h = Input(), State()
        W = [Matrix][0](h, x)
        count = len([1, 2])
        total = sum([0.5, 0.25])
        q = squash(W @ x) * SLOPE * slope * count
        h.next = q * total + max(1, 2) * h

    assert str(Local.spec.equations[0].expression) == "0.25*tanh(0.5*(W @ x))"
    assert str(Local.spec.equations[1].expression) == "2*h + 0.75*q"


def test_a_local_before_the_class_is_seen_and_one_that_shadows_a_builtin():
    def make(rate, sum):
        class Inner(Cell):
            x, h = Input(), State()
            W = Matrix(h, x)
            h.next = rate * h + W @ x * sum

        return Inner

    assert str(make(0.5, 3).spec.equations[0].expression) == "0.5*h + 3*(W @ x)"
    assert str(make(0.25, 2).spec.equations[0].expression) == "0.25*h + 2*(W @ x)"


def test_helpers_and_loops_of_the_class_body():
    class Helpers(Cell):
        x, h = Input(), State()
        W, U = Matrix(h, x), Matrix(h, h)

        def gate(v):
            return sigmoid(v) * 2

        steps = 3
        total = 0
        for index in range(steps):
            total = total + 0.5 * index
        V = W
        UT = U.T
        h.next = gate(V @ x + UT @ h) * total

    assert str(Helpers.spec.equations[0].expression) == "3.0*sigmoid(U.T @ h + W @ x)"
    assert [e.name for e in Helpers.spec.equations] == ["h.next"]
    assert [p.name for p in Helpers.spec.parameters] == ["W", "U"]


def test_annotations_docstring_and_qualified_name():
    cell = declare('"""Doc."""\n' + START.strip() + "\nq: object = h * b\nh.next = q + W @ x + U @ h")
    assert cell.spec.doc == cell.__doc__ == "Doc."
    assert cell.__module__ == "declared"


def test_identifiers_are_folded_as_python_folds_them():
    # Python reads the fullwidth W and the ligature fi as W and fi (NFKC).
    cell = declare("x, h = Input(), State()\n\uff37, \ufb01 = Matrix(h, x), Vector(h)\nh.next = W @ x + fi")
    assert [p.name for p in cell.spec.parameters] == ["W", "fi"]


def test_a_name_of_the_language_may_be_given_again():
    cell = declare("x, h = Input(), State()\ntanh_h, sign = h * 0.5, Vector(h)\nh.next = sign * tanh_h + x_in"
                   .replace(" + x_in", ""))
    assert [p.name for p in cell.spec.parameters] == ["sign"]


def test_next_can_be_read_once_it_is_set():
    cell = declare("x, h, c = Input(), State(), State()\nW, p = Matrix(h, x), Vector(c)\n"
                   "c.next = W @ x + c\nh.next = sigmoid(p * c.next + p * c)")
    assert str(cell.spec.equations[1].expression) == "sigmoid(c*p + c.next*p)"


def test_the_author_may_have_an_h_next_besides():
    cell = declare(START + "h_next = h * 2" + UPDATE + "y = Output(h_next * h.next)")
    graph = lower(cell.spec)
    assert {"h_next", "h.next"} <= {value.name for value in graph.values}


def test_matrices_are_equal_only_to_themselves():
    assert Everything.W == Everything.W
    assert Everything.W != Everything.V
    assert Everything.W.T.T == Everything.W
    assert Everything.W.T != Everything.W
    assert (str(Everything.W), repr(Everything.W.T)) == ("W", "W.T")
    assert (Everything.W.domain, Everything.W.codomain) == ("F", "H")
    assert (Everything.W.T.domain, Everything.W.T.codomain) == ("H", "F")
    assert isinstance(Everything.W @ Everything.x, Apply)


def test_importing_everything_shadows_no_builtin():
    import builtins

    assert not set(symcell.__all__) & (set(vars(builtins)) - {"compile", "__name__"})
    assert "abs" in FUNCTIONS


def test_words_are_values():
    assert Input() == Input("I")
    assert State() == State("H")
    assert Matrix("H", "I").init == "uniform"
    assert (Vector("H").init, Scalar().init, Constant(2).value) == (0.0, 0.0, 2)
    assert Output(exp(1)).expression == exp(1)


@pytest.mark.parametrize("lines", [
    "q = where(h > 0, h, b)\nr = where(h >= b, 1, 0) + where(equal(h, b), 0.5, -0.5)\nc = State()\nc.next = q * r",
    "q = where(k > 0, h, b)\nc = State()\nc.next = q",
])
def test_conditions(lines):
    declare(START + "k = Constant(1)\n" + lines + UPDATE)
