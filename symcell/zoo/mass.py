"""A network that neither makes nor loses what it stores."""

# mypy: disable-error-code="attr-defined, operator"
# The names of a class body are declarations to a type checker and formulas to Python (symcell.declare.namespace).

from symcell.declare.cell import Cell
from symcell.declare.functions import sigmoid
from symcell.declare.members import Constant, Input, Matrix, Output, State, Vector
from symcell.declare.normalise import softmax
from symcell.declare.reductions import reduce_sum


class LSTMMassConserving(Cell):
    """Mass-conserving LSTM. Hoedt et al. 2021, arXiv:2101.05186.

    The sum of c and of all outputs is the sum of the mass that came in, step by step: R, whose columns sum to 1, moves
    mass between the units, i, which sums to 1 over them, says where new mass goes, and o which part leaves.

    Convention: m (T, B, M) is the mass input and x (T, B, I) the auxiliary one, which the gates read. The paper's m is
    one number; here the M of them are added up, and enter by one gate. R is the paper's simple form, learned and the
    same at each step; its time-dependent form needs a weight for each pair of entries, a tensor, which is no part of
    the language. The gates read c as parts of the whole mass, |c|_1 + epsilon; epsilon is of the authors' code, not
    of the paper. That code lets the gates read the mass input, too; for this put it into x as well.
    """

    m, x = Input("M"), Input()
    c = State()
    W_i, W_o = Matrix(c, x), Matrix(c, x)
    U_i, U_o = Matrix(c, c), Matrix(c, c)
    B_r = Matrix(c, c)
    b_i, b_o = Vector(c), Vector(c)
    epsilon = Constant(1e-5)

    R = softmax(B_r, axis="columns")
    p = c / (reduce_sum(abs(c)) + epsilon)
    i = softmax(W_i @ x + U_i @ p + b_i)
    o = sigmoid(W_o @ x + U_o @ p + b_o)
    s = R @ c + i * reduce_sum(m)
    c.next = (1 - o) * s
    h = Output(o * s)
