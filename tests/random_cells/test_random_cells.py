"""Random cells pass all oracles; and a planted error is found among as many as run here."""

import pytest
import sympy

from symcell import compiler
from symcell.declare.functions import Elementwise
from symcell.graph import adjoint as rules
from symcell.graph.ir import Map, MatMul, Once, Reduce
from symcell.render import c_expression as printed
from tests.random_cells.campaign import campaign, one_by_one
from tests.random_cells.generator import drawn_cells, seeded
from tests.random_cells.kernels import check_kernel
from tests.random_cells.oracles import BY_ROUNDING, NO_FORM, NO_POINT, check, check_texts

CELLS = 60
COMPILED = (0, 1)  # seeds of the cells that are compiled


@pytest.fixture
def fresh_sympy():
    """SymPy remembers derivatives; a planted error must neither be hidden by that nor survive its test."""
    sympy.core.cache.clear_cache()
    yield
    sympy.core.cache.clear_cache()


def assert_right(tally):
    assert not tally.failed, str(tally)
    assert sum(tally.refused.values()) < tally.count / 4, str(tally)  # else the author has to learn
    assert tally.passed[NO_POINT] < tally.count / 10, str(tally)
    assert tally.passed[BY_ROUNDING] <= tally.count / 100, str(tally)
    assert not tally.passed[NO_FORM], str(tally)


def test_random_cells():
    assert_right(campaign(drawn_cells(), check, CELLS))


def test_what_is_printed_of_random_cells():
    assert_right(one_by_one(map(seeded, range(8)), check_texts))


@pytest.mark.parametrize("seed", COMPILED)
def test_random_kernels(seed):
    assert check_kernel(seeded(seed)) == ""


@pytest.mark.slow
def test_more_random_cells():
    assert_right(campaign(drawn_cells(), check, 1000, start=1000))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 22))
def test_more_random_kernels(seed):
    assert check_kernel(seeded(seed)) in ("", NO_POINT)


# --- planted errors ---------------------------------------------------------------------------------------


def negated(kind):
    """Contributions of this kind of node have the wrong sign."""
    right = rules.ADJOINTS[kind]

    def wrong(sweep, node):
        contribute = sweep.contribute
        sweep.contribute = lambda name, term: contribute(name, -term)
        right(sweep, node)
        sweep.contribute = contribute

    return wrong


def transposed(sweep, node):
    """The product that pulls an adjoint back lacks its transpose, where the shapes allow it."""
    matmul, (rows, cols) = sweep.build.matmul, sweep.forward.value(node.matrix).dims
    if rows == cols:
        sweep.build.matmul = lambda matrix, transposed, operand: matmul(matrix, not transposed, operand)
    rules._adjoint_of_matmul(sweep, node)
    sweep.build.matmul = matmul


def not_mirrored(sweep, node):
    """What is computed once per call forgets the share of a transpose."""
    partial = sweep.partial
    sweep.partial = lambda expression, name: sympy.S.Zero if name.endswith(".T") else partial(expression, name)
    rules._adjoint_of_once(sweep, node)
    sweep.partial = partial


PLANTS = [(Map, negated(Map)), (Reduce, negated(Reduce)), (MatMul, transposed), (Once, not_mirrored)]


@pytest.mark.parametrize(("kind", "wrong"), PLANTS, ids=lambda part: getattr(part, "__name__", ""))
@pytest.mark.usefixtures("fresh_sympy")
def test_a_wrong_rule_is_found(kind, wrong, monkeypatch):
    monkeypatch.setitem(rules.ADJOINTS, kind, wrong)
    assert campaign(drawn_cells(), check, CELLS, stop=True).failed


def added(printer, node):
    """Differences are printed as sums."""
    terms = [-term if term.could_extract_minus_sign() else term for term in node.as_ordered_terms()]
    return printed._SUM, " + ".join(printer.text(term, printed._SUM) for term in terms)


def exchanged(printer, node):
    """The branches of a selection are exchanged."""
    if node.row.name != "where":
        return printed._Printer._function(printer, node)
    condition, yes, no = (printer.text(argument) for argument in node.args)
    return printed._ATOM, f"{node.row.c}({condition}, {no}, {yes})"


@pytest.mark.parametrize(("kind", "wrong"), [(sympy.Add, added), (Elementwise, exchanged)])
def test_wrongly_printed_c_is_found(kind, wrong, monkeypatch):
    monkeypatch.setitem(printed._METHODS, kind, wrong)
    compiler._stages.cache_clear()
    tally = one_by_one(map(seeded, COMPILED), check_kernel)
    compiler._stages.cache_clear()
    assert tally.failed
