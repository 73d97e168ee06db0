"""Names of values -> C identifiers.

The author's name stays readable and gets a prefix that says what the identifier holds, so that no name can meet
a keyword, a macro or a name of ours: v_f is a vector in a register, m_f its rows in memory, p_b_f a parameter,
n_H a size. Names with a dot are made up by symcell ("h.next", "d_h.later", "t.0").
"""

from __future__ import annotations

from collections.abc import Iterable

from symcell.graph.ir import Graph


class Identifiers:
    """A one-to-one mapping of names to the tails of C identifiers."""

    def __init__(self, names: Iterable[str]) -> None:
        """Names without a dot map to themselves."""
        self._tails = {name: name for name in names if "." not in name}
        self._taken = set(self._tails)

    def __call__(self, name: str) -> str:
        """Return the tail: h_next for "h.next", or h_next_2 where the author has an h_next as well."""
        if name not in self._tails:
            wish = tail = name.replace(".", "_")
            count = 1
            while tail in self._taken:
                count += 1
                tail = f"{wish}_{count}"
            self._taken.add(tail)
            self._tails[name] = tail
        return self._tails[name]


def identifiers(*graphs: Graph) -> Identifiers:
    """Return the mapping for all values of some graphs."""
    return Identifiers(value.name for graph in graphs for value in graph.values)
