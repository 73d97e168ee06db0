"""JAX differentiates and XLA compiles: the oracle is JAX."""

import jax
import pytest

from symcell import Cell, Input, Matrix, State, Vector, reduce_max, reduce_mean, reduce_sum, softmax, tanh, zoo
from symcell.proof import frameworks


class Gates(Cell):
    """Three gates that sum to 1 over all units of all three. XLA of JAX 0.10.2 errs in the gradient by b."""

    x, h, c = Input(), State(), State()
    W_a, W_b, U_a, U_b = Matrix(h, x), Matrix(h, x), Matrix(h, h), Matrix(h, h)
    b = Vector(h, init=0.7)
    f, i, o = softmax((W_a @ x + U_a @ h, W_b @ x + U_b @ h, b * c))
    c.next = f * c + i * tanh(W_a @ x) + o * reduce_mean(h)
    h.next = tanh(c.next) * reduce_max(h) + reduce_sum(c.next) * 0.1


@pytest.mark.slow
def test_a_cell_that_xla_gets_wrong_is_not_called_wrong():
    rows = frameworks.check_jax(Gates.spec) + frameworks.check_torch(Gates.spec)
    assert all(row.passed for row in rows), rows


@pytest.fixture
def spoilt(monkeypatch):
    """A compiler that errs by a thousandth in every gradient."""
    def jit(derived):
        def call(leaves):
            value, gradients = derived(leaves)
            return value, [1.001 * gradient for gradient in gradients]
        return call

    monkeypatch.setattr(jax, "jit", jit)


def test_where_the_compiler_errs_jax_decides(spoilt):
    rows = frameworks.check_jax(zoo.find("mgu").spec)
    assert all(row.passed for row in rows)
    assert all(row.how.endswith("operation by operation, as what XLA compiles differs") for row in rows)


def test_what_is_wrong_in_both_is_found(spoilt, monkeypatch):
    right = frameworks.run_graphs

    def wrong(*graphs_and_problem):
        return {key: 1.01 * array for key, array in right(*graphs_and_problem).items()}

    monkeypatch.setattr(frameworks, "run_graphs", wrong)
    assert not any(row.passed for row in frameworks.check_jax(zoo.find("mgu").spec))


def test_a_compiler_that_is_right_is_asked_alone():
    assert not any("operation by operation" in row.how for row in frameworks.check_jax(zoo.find("mgu").spec))
