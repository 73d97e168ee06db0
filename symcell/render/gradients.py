"""Parameter gradients as lines of Python: NumPy's BLAS does the large products."""

from __future__ import annotations

from dataclasses import dataclass

from symcell.declare.spec import CellSpec
from symcell.render.reduction import size
from symcell.schedule.program import Pass, Product, RowSum


@dataclass(frozen=True)
class GradientLine:
    """A comment, and the lines under it."""

    comment: str
    lines: tuple[str, ...]


def gradient_lines(p: Pass, spec: CellSpec) -> tuple[GradientLine, ...]:
    """Return the lines that turn the buffers of a backward pass into `found`, a dict of gradients."""
    owner = {value.name: value.name for value in p.graph.with_role("sum")}  # what the module goes on with: render.once
    owner |= {p.graph.adjoints[parameter.name]: parameter.name
              for parameter in spec.parameters if parameter.name in p.graph.adjoints}
    done: set[str] = set()
    result = [_product(p, product, owner, done) for product in p.products]
    result += [_sum(p, total, owner, done) for total in p.sums]
    return tuple(result)


def _columns(p: Pass, first: str, last: str) -> str:
    place, end = p.places[first], p.places[last]
    start = " + ".join(size(dim, "n_") for dim in place.before) or "0"
    stop = " + ".join(size(dim, "n_") for dim in (*end.before, end.dim))
    return f'rows("{place.buffer}", {place.shift}, {start}, {stop})'


def _store(target: str, value: str, done: set[str]) -> str:
    line = f'found["{target}"] = found["{target}"] + {value}' if target in done else f'found["{target}"] = {value}'
    done.add(target)
    return line


def _product(p: Pass, product: Product, owner: dict[str, str], done: set[str]) -> GradientLine:
    left, right = _columns(p, product.lefts[0], product.lefts[-1]), _columns(p, product.right, product.right)
    lines = [f'product = transposed_times("{product.outs[0][0]}", {left}, {right})']
    before: list[str] = []
    for out, dim in product.outs:
        start = " + ".join(before) or "0"
        before.append(f"n_{dim}")
        part = "product[:]" if len(product.outs) == 1 else f"product[{start} : {' + '.join(before)}]"
        lines.append(_store(owner[out], part, done))
    names = ", ".join(out for out, _ in product.outs)
    return GradientLine(f"{names} = [{', '.join(product.lefts)}]^T {product.right}, over all steps", tuple(lines))


def _sum(p: Pass, total: RowSum, owner: dict[str, str], done: set[str]) -> GradientLine:
    operand = _columns(p, total.operand, total.operand)
    value = f"total({operand})" if not total.scalar else f"total({operand}).sum(keepdims=True).reshape(())"
    return GradientLine(f"{total.out} = sum of {total.operand}", (_store(owner[total.out], value, done),))
