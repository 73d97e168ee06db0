"""Cells from text, so that a table can hold one wrong declaration per line."""

import inspect
import textwrap
import warnings

import sympy

import symcell
from symcell.declare.functions import FUNCTIONS
from symcell.declare.members import MEMBERS
from symcell.declare.reductions import REDUCTIONS

PLAIN = ("Cell", "equal", "where", "leaky_relu", "Identity", "BlockDiagonal", *REDUCTIONS)
WORDS = {name: getattr(symcell, name) for name in (*PLAIN, *map(str, FUNCTIONS)) if name != "abs"}
WORDS |= {member.__name__: member for member in MEMBERS}
START = """
x, h = Input(), State()
W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
"""
UPDATE = "\nh.next = tanh(W @ x + U @ h + b)\n"


def declare(body, name="Trial", quiet=True, **others):
    """The cell of this class body; `others` are further globals of the module that declares it."""
    text = f"class {name}(Cell):\n{textwrap.indent(inspect.cleandoc(body), '    ')}\n"
    module = {**WORDS, "sympy": sympy, "__name__": "declared", **others}
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore", symcell.UnusedParameterWarning)
        exec(compile(text, "<text>", "exec"), module)
    return module[name]


def formula(expression, before="", **others):
    """The formula of `q = expression` in a cell of two vectors h, c of H, a scalar s and a constant k."""
    cell = declare(f"""
x, h, c = Input(), State(), State()
W, U, b, s, k = Matrix(h, x), Matrix(h, h), Vector(h), Scalar(), Constant(0.5)
{before}
q = {expression}
h.next = b * 1.0
c.next = b * 1.0
""", **others)
    return next(equation.expression for equation in cell.spec.equations if equation.name == "q")
