"""DropConnect: a cell whose matrices lose entries, the same ones for a whole call.

    dropped = dropconnect(LSTM, 0.5)
    kernel = symcell.compile(dropped)
    params = kernel.init_params(seed=0, I=64, H=128)
    masks = draw_masks(dropped, seed=step, I=64, H=128)
    run = kernel.forward(x, {**params, **masks})

A mask is a matrix that is not learned, drawn anew for each call, and its probability a Constant. The parameters but for
the masks are those of the cell that was given, so that the inference form, made with `training=False`, takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from symcell.declare.cell import CellMeta
from symcell.declare.errors import CellError
from symcell.declare.members import Constant, Matrix
from symcell.declare.settings import check_flag
from symcell.declare.spec import CellSpec
from symcell.declare.symbols import Apply
from symcell.declare.words import names_in, reached
from symcell.transforms.body import Body, declaration
from symcell.transforms.dropout import Probability, described, rates_of
from symcell.transforms.noise import check_draw


def dropconnect(cell: CellMeta | str, p: Probability, training: bool = True) -> CellMeta:
    """Return the cell whose recurrent matrices lose each entry with probability p.

    After Wan et al. 2013, ICML, 1058-1066, and on recurrent matrices Merity et al. 2017, arXiv:1708.02182. In training
    the new cell has, for each such matrix U, a matrix `mask_U` of its shape that is not learned, of zeros and ones
    (`draw_masks`), and a constant `mask_U_rate` of value p; where U stood, mask_U * U / (1 - p) does, whose expected
    value is U. `init_params` makes masks of ones.

    Args:
        cell: a Cell class, or the name of a cell of the zoo.
        p: at least 0, below 1, for all learned matrices that apply to what an old state is in, or by the name of any
            learned matrix; one left out stays as it is.
        training: False for the inference form: the cell itself is returned under the new name.

    Raises:
        CellError: p is no probability below 1, or names what is no learned matrix, or training is neither True nor
            False.
    """
    old = declaration(cell)
    training = check_flag(f"{old.name}: dropconnect: training", training)
    shapes = {known.name: known.dims for known in old.parameters if known.learned and len(known.dims) == 2}
    known = shapes if isinstance(p, Mapping) else _recurrent(old, shapes)
    rates = rates_of(old.name, "dropconnect", p, known, below_one=True)
    paper = "Wan et al. 2013; Merity et al. 2017, arXiv:1708.02182"
    body = Body(old, f"DropConnect{old.name}", described("DropConnect", rates, training, paper))
    for name, rate in rates.items() if training else ():
        _mask(body, name, shapes[name], rate)
    for equation in old.equations:
        body.enter(equation, body.copied(equation.expression))
    return body.cell()


def draw_masks(cell: CellMeta, seed: int | np.random.Generator, dtype: str = "float32",
               **sizes: int) -> dict[str, np.ndarray]:
    """Return the masks of a cell that `dropconnect` made, (rows, cols) each: parameters of zeros and ones.

    Args:
        cell: what `dropconnect` returned, in its training form.
        seed: an integer, or a Generator, which is advanced.
        dtype: that of the kernel; the masks are the same in both.
        sizes: of the cell's dimensions, such as H=128; those that no mask has are ignored.

    Raises:
        CellError: the cell has no masks.
        TypeError: a size is missing, of no dimension of the cell or no integer, or the seed is neither an integer nor
            a Generator.
        ValueError: a size or the seed is negative, or no kernel computes in this dtype.
    """
    spec = declaration(cell)
    rates = dict(spec.constants)
    masks = {known.name: known.dims for known in spec.parameters
             if not known.learned and f"{known.name}_rate" in rates}
    if not masks:
        raise CellError(f"{spec.name} has no masks; draw_masks takes what dropconnect returns for training.")
    check_draw(spec, "draw_masks", {dim for dims in masks.values() for dim in dims}, sizes, seed, dtype)
    random = np.random.default_rng(seed)
    drawn = {name: random.random(tuple(sizes[dim] for dim in dims), np.float32) for name, dims in masks.items()}
    return {name: (numbers >= float(rates[f"{name}_rate"])).astype(dtype) for name, numbers in drawn.items()}


def _mask(body: Body, name: str, shape: tuple[str, ...], rate: float) -> None:
    """Declare the mask of a matrix and its rate; from here on the matrix is read through it."""
    mask, (rows, cols) = body.fresh(f"mask_{name}"), shape
    kept, p = body.add(mask, Matrix(rows, cols, init=1.0, learned=False)), body.add(f"{mask}_rate", Constant(rate))
    body.read_as(name, body.add(body.fresh(f"kept_{name}"), kept * body[name] / (1 - p)))


def _recurrent(spec: CellSpec, matrices: Iterable[str]) -> list[str]:
    """Return the matrices that apply to what an old state is in, directly or by way of an equation."""
    uses = {equation.name: names_in(equation.expression) for equation in spec.equations}
    changing = {name for name, _ in spec.states}
    for name, read in uses.items():
        changing |= {name} if changing & read else set()
    products = [node for equation in spec.equations for node in equation.expression.atoms(Apply)]
    applied = {name for product in products if changing & names_in(product.vector)
               for name in names_in(product.matrix)}
    found = reached(applied, uses)  # of a sum of matrices its terms
    return [name for name in matrices if name in found]
