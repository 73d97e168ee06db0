"""No document does anything but declare a cell or be refused, and that within seconds, whatever it holds."""

import contextlib
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from symcell import CellError, zoo
from symcell.declare.formula_data import LOGIC, RELATIONS
from tests.declare.documents import MGU_TEXT, quiet, refused_or_valid, with_formula


def tower(depth, level, base="h"):
    data = base
    for _ in range(depth):
        data = level(data)
    return data


HOSTILE = {
    "deep sums": tower(98, lambda d: ["+", d, "h"]),
    "deep powers of sums": tower(32, lambda d: ["^", ["+", d, 1], 2]),
    "deep roots of sums": tower(32, lambda d: ["^", ["+", d, 1], 0.5]),
    "deep products of sums": tower(48, lambda d: ["*", 2, ["+", d, 1]]),
    "deep products of negative sums": tower(32, lambda d: ["*", -1, ["+", ["*", d, "h"], ["*", -1, "s"]]]),
    "deep functions": tower(98, lambda d: ["exp", d]),
    "deep constant functions": ["*", "h", tower(90, lambda d: ["exp", d], 1)],
    "deep constant roots": ["*", "h", tower(40, lambda d: ["^", ["+", d, 1], ["/", 1, 3]], 2)],
    "deep constant powers": ["*", "h", tower(40, lambda d: ["^", ["+", d, "s"], 2], 2)],
    "powers of pi": ["*", "h", tower(90, lambda d: ["^", d, 64], ["pi"])],
    "large fractions": ["*", "h", *[["/", 10**18, 3**p] for p in range(30)]],
    "many terms": ["+", *[["*", i, ["^", "h", i % 64]] for i in range(1900)]],
    "many factors": ["*", *[["+", "h", i] for i in range(3000)]],
    "many conditions": ["where", ["and", *[[">", "h", i] for i in range(1500)]], "h", 0],
    "nested conditions": ["where", tower(40, lambda d: ["not", ["and", d, ["=", "h", "s"]]], [">", "h", 1]), "h", 0],
    "nested selections": tower(90, lambda d: ["where", [">", "s", "h"], "h", d]),
    "selections by selections": tower(45, lambda d: ["where", [">", d, "h"], "h", "s"]),
    "a shared formula grows": tower(12, lambda d: ["*", ["+", d, 1], ["+", d, 2]]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_formula_takes_no_time(name):
    text = with_formula(HOSTILE[name])
    began = time.perf_counter()
    with contextlib.suppress(CellError):
        quiet(text)
    assert time.perf_counter() - began < 5


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["x", "h", "h.next", "W_f", "+", "*", "^", "@", "T", "/", "float", "where", "e", "H", "I"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8)
FORMULA = st.recursive(
    st.sampled_from(["x", "h", "s", "W", 0, 1, -2, 0.5, 1e300]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "*", "^", "maximum", "@", "/"]), inner, inner),
        st.tuples(st.sampled_from(["tanh", "exp", "log", "sqrt", "abs"]), inner),
        st.builds(lambda c, p, q, a, b: ["where", [c, p, q], a, b],
                  st.sampled_from([*RELATIONS, *LOGIC]), inner, inner, inner, inner)), max_leaves=20)


def places(value, path=()):
    """Every place in a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


DOCUMENTS = [json.loads(zoo.find(name).to_json()) for name in ("mgu", "lstm_peephole", "sru_recurrence", "elman_head")]
EVERY = [list(places(one))[1:] for one in DOCUMENTS]


@st.composite
def mutated(draw):
    """A document of the zoo with up to three places deleted, replaced, or exchanged with another."""
    which = draw(st.integers(0, len(DOCUMENTS) - 1))
    made = json.loads(json.dumps(DOCUMENTS[which]))
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(EVERY[which]))
        other = draw(st.sampled_from(EVERY[which]))
        try:
            holder, found = made, made
            for key in path:
                holder = holder[key]
            for key in other:
                found = found[key]
            action = draw(st.sampled_from(["delete", "replace", "exchange"]))
            if action == "delete":
                del holder[last]
            else:
                holder[last] = draw(JUNK) if action == "replace" else json.loads(json.dumps(found))
        except (KeyError, IndexError, TypeError):  # an earlier mutation took the place away
            continue
    return made


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated())
def test_a_mutated_document_is_a_cell_or_a_cell_error(made):
    refused_or_valid(json.dumps(made))


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(FORMULA)
def test_any_formula_is_a_cell_or_a_cell_error(data):
    refused_or_valid(with_formula(data))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, len(MGU_TEXT) - 1), st.integers(0, 40), st.text(max_size=6))
def test_damaged_text_is_a_cell_or_a_cell_error(start, length, put):
    refused_or_valid(MGU_TEXT[:start] + put + MGU_TEXT[start + length:])
