"""The file that `symcell new` writes: a small cell that works, with comments on what else can be said."""

from __future__ import annotations

import keyword
import re
import sys

from symcell.cli.errors import CliError

# Names that the file itself uses.
_TAKEN = ("Cell", "Constant", "Input", "Matrix", "Output", "Scalar", "State", "Vector")
# A file of such a name would stand in for the module of that name in every Python started beside it.
_MODULES = frozenset(sys.stdlib_module_names) | {"cython", "jax", "numpy", "symcell", "sympy", "torch"}

_TEXT = '''\
"""A recurrent cell of my own.

    symcell check {file}
    symcell derive {file} --format markdown
"""

from symcell import Cell, Constant, Input, Matrix, State, Vector, sigmoid, tanh


class {name}(Cell):
    """A gated leaky unit. (Say here where the equations come from; derivations print this text.)"""

    # What comes in at each step, and what one step hands to the next. Their lengths are called I and H;
    # State(dim="P") would choose another name. There may be several states.
    x = Input()
    h = State()

    # What is learned. Matrix(h, x) takes vectors like x to vectors like h. A parameter can say how it
    # starts: Matrix(h, h, init="orthogonal"). A learned number is a Scalar().
    W_z, W_n = Matrix(h, x), Matrix(h, x)
    U_z, U_n = Matrix(h, h), Matrix(h, h)
    b_z, b_n = Vector(h, init=-1.0), Vector(h)

    # A number that is not learned, and can be set at each call.
    leak = Constant(0.01)

    # The equations, as a paper prints them: @ applies a matrix, everything else is elementwise. The names
    # on the left reappear in the derivation and in the generated code.
    z = sigmoid(W_z @ x + U_z @ h + b_z)
    n = tanh(W_n @ x + U_n @ (z * h) + b_n)

    # The new value of each state, from values of the previous step; h.next, once set, can be read as well.
    h.next = (1 - leak) * ((1 - z) * h + z * n)

    # The cell returns its first state, unless there is a line such as y = Output(sigmoid(V @ h.next)).


if __name__ == "__main__":
    import numpy as np

    import symcell

    kernel = symcell.compile({name})
    params = kernel.init_params(seed=0, I=8, H=16)
    x = np.random.default_rng(0).standard_normal((20, 4, 8), dtype=np.float32)  # (time, batch, input)
    run = kernel.forward(x, params)
    grads = kernel.backward(run, np.ones_like(run.y))
    assert run.y.shape == (20, 4, 16) and grads.params["U_n"].shape == (16, 16)
'''


def names(name: str) -> tuple[str, str]:
    """Return (class name, file name) for the NAME of the command line: my_cell gives MyCell and my_cell.py.

    Raises:
        CliError: it cannot name a cell.
    """
    from symcell.declare.errors import CellError
    from symcell.declare.names import check_name

    words = [word for word in name.split("_") if word]
    cls = name if name[:1].isupper() else "".join(word[0].upper() + word[1:] for word in words)
    if not re.fullmatch(r"[A-Za-z]\w*", name, re.ASCII):
        raise CliError(f"{name!r} cannot name a cell: use ASCII letters, digits and underscores, a letter "
                       "first, as in MyCell. Where the file goes is said with -o.")
    try:
        check_name(cls, "NAME")
    except CellError as error:
        raise CliError(str(error)) from None
    if cls in _TAKEN:
        raise CliError(f"{cls} is a word of the language; choose another name for the cell.")
    stem = name.lower()
    return cls, f"{stem}_cell.py" if stem in _MODULES or keyword.iskeyword(stem) else f"{stem}.py"


def text(name: str, file: str) -> str:
    """Return the text of the file, for a cell of this class name."""
    return _TEXT.replace("{name}", name).replace("{file}", file)
