"""What a class body says is what its CellSpec holds: members, parameters and equations, in order."""

import pytest
import sympy

from tests.declare.everything import Everything
from tests.declare.text import START, UPDATE, declare


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
