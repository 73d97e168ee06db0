"""Zoneout and variational dropout: cells that read noise, and cells that stand for their expected value.

    noisy = variational_dropout(zoneout(LSTM, {"h": 0.05, "c": 0.5}), 0.3)
    kernel = symcell.compile(noisy)
    noise = draw_noise(noisy, seed=epoch, T=100, B=32, I=64, H=128)
    run = kernel.forward({"x": x, **noise}, params)

Noise is an input, uniform in [0, 1), and a probability a Constant, so that the cell is a function of its arguments:
the same noise gives the same run, and a call may set the probability anew. The parameters are those of the cell that
was given, so that the inference form, made with `training=False`, takes what was learned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sympy

from symcell.declare.cell import CellMeta
from symcell.declare.errors import CellError
from symcell.declare.functions import where
from symcell.declare.members import Constant, Input
from symcell.declare.settings import check_flag, is_number
from symcell.declare.spec import CellSpec, Equation
from symcell.declare.symbols import NEXT, Apply
from symcell.declare.words import names_in, reached, rebuilt
from symcell.transforms.body import Body, declaration

Probability = float | Mapping[str, float]


def zoneout(cell: CellMeta | str, p: Probability, training: bool = True) -> CellMeta:
    """Return the cell whose states keep, unit by unit, their old value with probability p.

    After Krueger et al. 2017, arXiv:1606.01305. In training the new cell has an input `zone_h` (T, B, dim) for each
    state h, and a constant `zone_h_rate` of value p: h' is the old h where zone_h < p, else the update. An update that
    reads another state's new value reads the update there too, as in the paper's LSTM, h = o * tanh(f c + i g); what
    only the output reads is the state as it leaves the step.

    Args:
        cell: a Cell class, or the name of a cell of the zoo.
        p: 0 to 1, for all states, or by the name of the state; one left out stays as it is.
        training: False for the inference form, h' = p h + (1 - p) update, which reads no noise.

    Raises:
        CellError: p is no probability, or names what is no state, or training is neither True nor False.
    """
    old = declaration(cell)
    training = check_flag(f"{old.name}: zoneout: training", training)
    rates = rates_of(old.name, "zoneout", p, [name for name, _ in old.states])
    paper = "Krueger et al. 2017, arXiv:1606.01305"
    body = Body(old, f"Zoneout{old.name}", described("Zoneout", rates, training, paper))
    noise = {name: _noise(body, f"zone_{name}", dim, "step", rates[name], training)
             for name, dim in old.states if name in rates}
    needed = reached([name + NEXT for name, _ in old.states],
                     {equation.name: names_in(equation.expression) for equation in old.equations})
    for equation in (e for e in old.equations if e.name in needed):
        _zoned(body, equation, noise.get(equation.name.removesuffix(NEXT)) if NEXT in equation.name else None)
    for name, _ in old.states:
        body.read_as(name + NEXT, body[name + NEXT])
    for equation in (e for e in old.equations if e.name not in needed):
        body.enter(equation, body.copied(equation.expression))
    return body.cell()


def variational_dropout(cell: CellMeta | str, p: Probability, training: bool = True) -> CellMeta:
    """Return the cell whose matrices see inputs and old states through a mask that stays for the sequence.

    After Gal and Ghahramani 2016, arXiv:1512.05287, with one mask for all gates ("tied weights"). In training the new
    cell has, for each input or state v that a matrix applies to, an input `drop_v` (B, dim), which stays for the whole
    sequence, and a constant `drop_v_rate` of value p; `mask_v` is 0 where drop_v < p, else 1 / (1 - p), so that its
    expected value is 1. What no matrix applies to, such as c in f * c, is not masked.

    Args:
        cell: a Cell class, or the name of a cell of the zoo.
        p: at least 0, below 1, for all of them, or by name; one left out stays as it is.
        training: False for the inference form: the expected value of each mask is 1, and the cell itself is returned
            under the new name.

    Raises:
        CellError: p is no probability below 1, or names something that no matrix applies to, or training is neither
            True nor False.
    """
    old = declaration(cell)
    training = check_flag(f"{old.name}: variational_dropout: training", training)
    dims = {name: dim for name, dim in (*old.inputs, *old.states) if name in _multiplied(old)}
    rates = rates_of(old.name, "variational_dropout", p, dims, below_one=True)
    paper = "Gal and Ghahramani 2016, arXiv:1512.05287"
    body = Body(old, f"Dropout{old.name}", described("Variational dropout", rates, training, paper))
    masks = {name: _mask(body, name, dims[name], rates[name]) for name in rates} if training else {}
    for equation in old.equations:
        body.enter(equation, _masked(body, equation.expression, masks))
    return body.cell()


def described(what: str, rates: Mapping[str, float], training: bool, paper: str) -> str:
    """Return the first line of the docstring of a cell with noise."""
    shown = ", ".join(f"{name} {rate:g}" for name, rate in rates.items())
    return f"{what} ({shown}){'' if training else ', expected value'}: {paper}."


def rates_of(cell: str, word: str, p: Any, known: Iterable[str], below_one: bool = False) -> dict[str, float]:
    """Return the probability for each name."""
    names = list(known)
    given = p if isinstance(p, Mapping) else dict.fromkeys(names, p)
    if not given:
        raise CellError(f"{cell}: {word}: there is nothing to apply it to.")
    for name, rate in given.items():
        if name not in names:
            raise CellError(f"{cell}: {word}: p names {name!r}; expected {', '.join(names) or 'nothing'}.")
        if not is_number(rate) or not 0 <= rate <= 1 or (below_one and rate == 1):
            raise CellError(f"{cell}: {word}: p={rate!r} is no probability; expected a number from 0 to 1"
                            f"{', and below 1' if below_one else ''}.")
    return {name: float(given[name]) for name in names if name in given}


def _noise(body: Body, name: str, dim: str, each: str, rate: float, training: bool) -> tuple[Any, Any]:
    """Declare noise, or none, and its rate; return both."""
    noise = body.add(body.fresh(name), Input(dim, each)) if training else None
    return noise, body.add(body.fresh(f"{name}_rate"), Constant(rate))


def _zoned(body: Body, equation: Equation, noise: tuple[Any, Any] | None) -> None:
    """Enter an equation; if it updates a state that has a rate, enter the update and the choice."""
    formula = body.copied(equation.expression)
    if noise is None:
        body.enter(equation, formula)
        return
    name = equation.name.removesuffix(NEXT)
    drawn, rate = noise
    old, update = body[name], body.add(body.fresh(f"{name}_new"), formula)
    body.add(equation.name, rate * old + (1 - rate) * update if drawn is None else where(drawn < rate, old, update))
    body.read_as(equation.name, update)


def _mask(body: Body, name: str, dim: str, rate: float) -> Any:
    noise, p = _noise(body, f"drop_{name}", dim, "sequence", rate, True)
    return body.add(body.fresh(f"mask_{name}"), where(noise < p, 0, 1 / (1 - p)))


def _multiplied(spec: CellSpec) -> set[str]:
    """Return the names in the formulas that matrices apply to."""
    products = [node for equation in spec.equations for node in equation.expression.atoms(Apply)]
    return {name for product in products for name in _read(product.vector)}


def _read(formula: sympy.Basic) -> set[str]:
    """Return the names in a formula, but not those that a product inside it reads."""
    if isinstance(formula, Apply):
        return set()
    if isinstance(formula, sympy.Symbol):
        return {formula.name}
    return {name for argument in formula.args for name in _read(argument)}


def _masked(body: Body, formula: sympy.Basic, masks: Mapping[str, Any], inside: bool = False) -> Any:
    """Copy a formula; a product reads what has a mask through it."""
    if isinstance(formula, Apply):
        return body.copied(formula.matrix) @ _masked(body, formula.vector, masks, True)
    if not inside and not formula.has(Apply):
        return body.copied(formula)
    if isinstance(formula, sympy.Symbol):
        copied = body.copied(formula)
        return copied * masks[formula.name] if formula.name in masks else copied
    if not formula.args:
        return formula
    return rebuilt(formula, [_masked(body, argument, masks, inside) for argument in formula.args])
