"""Parameter gradients as lines of Python around the module's `over_all_steps`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symcell.declare.spec import CellSpec
from symcell.render.reduction import size
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
    return tuple(_group(p, product, stores) for product in p.products)


class _Stores:
    """Lines that enter a gradient; a second one for the same parameter adds to the first."""

    def __init__(self, owner: dict[str, str]) -> None:
        self.owner, self.done = owner, set[str]()

    def line(self, out: str, value: str) -> str:
        target = f'found["{self.owner[out]}"]'
        again = target in self.done
        self.done.add(target)
        return f"{target} = {target} + {value}" if again else f"{target} = {value}"


def _columns(p: Pass, first: str, last: str) -> str:
    place, end = p.places[first], p.places[last]
    start = " + ".join(size(dim, "n_") for dim in place.before) or "0"
    stop = " + ".join(size(dim, "n_") for dim in (*end.before, end.dim))
    return f'rows("{place.buffer}", {place.shift}, {start}, {stop})'


def _group(p: Pass, product: Product, stores: _Stores) -> GradientLine:
    rights = [_columns(p, right, right) for right in product.rights]
    names = [f"by_{k}" for k in range(len(product.rights))]
    left = _columns(p, product.lefts[0], product.lefts[-1])
    name = product.outs[0][0] if product.outs else product.sums[0].out
    lines = [f"[{', '.join(names)}], total = over_all_steps(",
             f'    "{name}", {left},',
             f"    [{', '.join(rights)}], {bool(product.sums)})"]
    parts = _parts(p, product.lefts)
    for by, outs in zip(names, product.outs, strict=True):
        lines += [stores.line(out, f"{by}[{part}]") for out, part in zip(outs, parts, strict=True)]
    for total in product.sums:
        part = f"total[{parts[product.lefts.index(total.operand)]}]"
        lines.append(stores.line(total.out, f"{part}.sum(keepdims=True).reshape(())" if total.scalar else part))
    what = [f"times {right}" for right in product.rights] + ["alone"] * bool(product.sums)
    return GradientLine(f"{', '.join(product.lefts)}: {', '.join(what)}, summed over all steps", tuple(lines))


def _parts(p: Pass, lefts: Sequence[str]) -> list[str]:
    """Return the slices of the rows of each left in what they all give."""
    if len(lefts) == 1:
        return [":"]
    sizes = [size(p.places[left].dim, "n_") for left in lefts]
    return [f"{' + '.join(sizes[:k]) or '0'} : {' + '.join(sizes[:k + 1])}" for k in range(len(sizes))]
