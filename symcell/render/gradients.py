"""Parameter gradients: which columns are summed over all steps, and lines of Python that take the sums apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from symcell.declare.spec import CellSpec
from symcell.render.sizes import extent
from symcell.schedule.program import Pass, Product


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
    stores = _Stores(owner)
    return tuple(_group(p, k, product, stores) for k, product in enumerate(p.products))


def sums(p: Pass) -> tuple[dict[str, Any], ...]:
    """Return the sums of a backward pass as metadata: (buffer, shift, dimensions before, dimensions) of each factor.

    side: how many vectors are the left factor, side by side. blocks: of each right one, outside of how many blocks
    along the diagonal its products with them are 0.
    """
    return tuple({"left": _columns(p, product.lefts[0], product.lefts[-1]), "side": len(product.lefts),
                  "rights": tuple(_columns(p, right, right) for right in product.rights), "blocks": product.blocks,
                  "total": bool(product.sums)} for product in p.products)


class _Stores:
    """Lines that enter a gradient; a second one for the same parameter adds to the first."""

    def __init__(self, owner: dict[str, str]) -> None:
        self.owner, self.done = owner, set[str]()

    def line(self, out: str, value: str) -> str:
        target = f'found["{self.owner[out]}"]'
        again = target in self.done
        self.done.add(target)
        return f"{target} = added({target}, {value})" if again else f"{target} = {value}"


def _columns(p: Pass, first: str, last: str) -> tuple[str, int, tuple[str, ...], tuple[str, ...]]:
    place, end = p.places[first], p.places[last]
    return place.buffer, place.shift, place.before, (*end.before, end.dim)[len(place.before):]


def _group(p: Pass, k: int, product: Product, stores: _Stores) -> GradientLine:
    names = [f"by_{k}" for k in range(len(product.rights))]
    lines = [f"[{', '.join([*names, *['total'] * bool(product.sums)])}] = sums[{k}]"]
    parts = _parts(p, product.lefts)
    for by, outs in zip(names, product.outs, strict=True):
        lines += [stores.line(out, f"{by}[{part}]") for out, part in zip(outs, parts, strict=True)]
    given = set[str]()
    for total in product.sums:
        part = f"total[{parts[product.lefts.index(total.operand)]}]"
        own = f"{part}.copy()" if part in given else part  # a caller may change one gradient and keep the other
        given.add(part)
        lines.append(stores.line(total.out, f"all_of({part})" if total.scalar else own))
    what = [f"times {right}" for right in product.rights] + ["alone"] * bool(product.sums)
    return GradientLine(f"{', '.join(product.lefts)}: {', '.join(what)}, summed over all steps", tuple(lines))


def _parts(p: Pass, lefts: Sequence[str]) -> list[str]:
    """Return the slices of the rows of each left in what they all give."""
    if len(lefts) == 1:
        return [":"]
    dims = [p.places[left].dim for left in lefts]
    return [f"{extent(dims[:k], 'n_')} : {extent(dims[:k + 1], 'n_')}" for k in range(len(dims))]
