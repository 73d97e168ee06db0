"""Names of values -> C identifiers.

The author's name stays readable and gets a prefix that says what the identifier holds, so that no name can meet
a keyword, a macro or a name of ours: v_f is a vector in a register, m_f its rows in memory, p_b_f a parameter,
n_H a size.
"""

from __future__ import annotations

from collections.abc import Iterable

from symcell.graph.ir import Graph


class Identifiers:
    """A one-to-one mapping of the names of a graph to the tails of C identifiers."""

    def __init__(self, names: Iterable[str]) -> None:
        """Map each name; "h.next" becomes h_next, or h_next_2 where the author has an h_next as well."""
        self._tails: dict[str, str] = {}
        names = list(names)
        taken = {name for name in names if "." not in name}
        for name in names:
            tail, count = name.replace(".", "_"), 1
            if "." in name:
                wish = tail
                while tail in taken:
                    count += 1
                    tail = f"{wish}_{count}"
                taken.add(tail)
            self._tails[name] = tail

    def __call__(self, name: str) -> str:
        """Return the tail of the identifier."""
        return self._tails[name]


def identifiers(*graphs: Graph) -> Identifiers:
    """Return the mapping for all values of some graphs."""
    return Identifiers(dict.fromkeys(value.name for graph in graphs for value in graph.values))
