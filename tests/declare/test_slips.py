"""Slips that Python lets pass, and what is said of them."""

import operator

import numpy as np
import pytest

from symcell import Cell, CellError, Input, Matrix, Output, State, named, residual, tanh
from symcell.declare.register import register_function


def test_an_output_without_a_name_is_not_lost():
    with pytest.raises(CellError, match=r"A: an Output\(\.\.\.\) has no name; write y = Output\(\.\.\.\)\."):
        class A(Cell):
            x, h = Input("H"), State()
            h.next = x
            Output(2 * h)


def test_an_output_may_get_its_name_by_a_function_or_belong_to_another_cell():
    class A(Cell):
        x, h = Input("H"), State()
        h.next = x
        named("y", Output(2 * h))

    class B(Cell):
        x, h = Input("H"), State()
        other = residual(A)
        h.next = x

    assert (A.spec.output, B.spec.output) == ("y", "h.next")


@pytest.mark.parametrize("name", ["to_json", "from_json", "spec", "mro"])
def test_a_quantity_named_like_a_method_hides_none(name):
    class A(Cell):
        x, h = Input("H"), State()
        h.next = x + named(name, tanh(h))

    again = A.from_json(A.to_json())
    assert str(again.spec) == str(A.spec)
    assert again.to_json() == A.to_json()
    assert f"  {name} = tanh(h)" in str(A.spec)


@pytest.mark.parametrize("wrong", ["W * x", "W", "W.T + W.T", "U @ U"])
def test_a_matrix_that_is_not_applied(wrong):
    with pytest.raises(CellError, match=r"A matrix is applied to a vector v by A @ v\."):
        class A(Cell):
            x, h = Input(), State()
            W, U = Matrix(h, x), Matrix(h, h)
            h.next = eval(wrong)


@pytest.mark.parametrize("kind", [int, float, bool, np.float64, State])
@pytest.mark.parametrize("operation", [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow])
@pytest.mark.parametrize("swapped", [False, True])
def test_a_class_in_place_of_a_value(kind, operation, swapped):
    with pytest.raises(CellError, match=rf"A: tanh\(h\) meets {kind.__name__} in arithmetic, a class and no value\."):
        class A(Cell):
            x, h = Input("H"), State()
            h.next = operation(kind, tanh(h)) if swapped else operation(tanh(h), kind)


def test_a_name_that_a_loop_gives_twice():
    with pytest.raises(CellError, match=r'a is defined twice.* in a loop by named\("a_1", \.\.\.\)\.'):
        class A(Cell):
            x, h = Input("H"), State()
            for _ in range(2):
                a = tanh(h)
            h.next = a


def test_derivatives_by_two_arguments_are_a_tuple():
    with pytest.raises(CellError, match="A function of two has a tuple of two derivatives"):
        register_function("hypotenuse", lambda a, b, y: (a / y, b / y), numpy=np.hypot,
                          c="vsqrt({0} * {0} + {1} * {1})")
