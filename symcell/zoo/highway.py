"""Recurrent highway networks: a step of several levels. A cell with settings is a function that returns a cell."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from typing import Any

from symcell.declare.cell import Cell, CellMeta
from symcell.declare.functions import sigmoid, tanh
from symcell.declare.members import Input, Matrix, State, Vector
from symcell.declare.naming import named
from symcell.declare.settings import check_count


def rhn(depth: int) -> CellMeta:
    """Return the recurrent highway network of `depth` levels per step, L in the paper.

    Raises:
        CellError: the depth is not an integer of at least 1.
    """
    depth = check_count("rhn(depth)", depth)

    class RHN(Cell, name=f"RHN{depth}"):
        __doc__ = f"""Recurrent highway network of {depth} levels. Zilly et al. 2017, arXiv:1607.03474, eqs. 6 to 9.

        Convention: the carry gate c has weights of its own, as in the paper's equations; its experiments set c = 1 - t.
        """

        x, s = Input(), State()
        W_h, W_t, W_c = Matrix(s, x), Matrix(s, x), Matrix(s, x)

        levels = [s]
        for k in range(1, depth + 1):
            h = gate(f"h_{k}", tanh, levels[-1], W_h @ x if k == 1 else 0)
            t = gate(f"t_{k}", sigmoid, levels[-1], W_t @ x if k == 1 else 0)
            c = gate(f"c_{k}", sigmoid, levels[-1], W_c @ x if k == 1 else 0)
            levels.append(named(f"s_{k}", h * t + levels[-1] * c))
        s.next = levels[-1]

    return RHN


def gate(name: str, function: Any, below: Any, projected: Any) -> Any:
    """Declare and return one gate of one level, eqs. 7 to 9; only the first level sees the input, `projected`."""
    R = named(f"R_{name}", Matrix(below, below))
    b = named(f"b_{name}", Vector(below))
    return named(name, function(projected + R @ below + b))


RHN3 = rhn(3)
