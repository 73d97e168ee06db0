"""`symcell list`: every cell with its numbers, at the width of a terminal, and what is looked for in it."""

import re

import pytest

from symcell import Cell, Constant, Input, Matrix, Output, Scalar, State, Vector, exp, sigmoid, tanh, zoo
from symcell.cli.measures import gates, matmul_depth

HEADER = ["name", "family", "states", "gates", "depth", "parameters", "reference"]
TERMINAL = {"FORCE_COLOR": "1", "NO_COLOR": "1", "TERM": "xterm"}


def listed(symcell, *words):
    header, *lines = symcell("list", *words).output.splitlines()
    assert header.split() == HEADER
    return [line.split()[0] for line in lines]


def test_it_is_a_line_per_cell_where_another_program_reads(symcell):
    assert listed(symcell) == list(zoo.names())
    header, *lines = symcell("list").output.splitlines()
    [lstm] = [re.split(r"  +", line) for line in lines if line.startswith("lstm ")]
    assert lstm == ["lstm", "long short-term memory", "h, c", "3", "1", "4HI + 4H^2 + 4H",
                    "Hochreiter and Schmidhuber 1997, Neural Computation 9(8), 1735-1780, eqs. 7 to 9."]
    assert not [line for line in (header, *lines) if line != line.rstrip()]
    assert all(len(re.split(r"  +", line)) == len(HEADER) for line in lines)


@pytest.mark.parametrize("columns", [80, 120, 179])
def test_it_fits_a_terminal(symcell, columns):
    text = symcell("list", **TERMINAL, COLUMNS=str(columns)).output
    lines = [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()]
    assert max(map(len, lines)) <= columns
    assert lines[0].split() == [column for column in HEADER if column not in ("family", "reference")]
    assert "long short-term memory" in lines  # a line of its own
    place = next(k for k, line in enumerate(lines) if line.startswith("lstm "))
    assert re.split(r"  +", lines[place]) == ["lstm", "h, c", "3", "1", "4HI + 4H^2 + 4H"]
    reference = "Hochreiter and Schmidhuber 1997, Neural Computation 9(8), 1735-1780, eqs. 7 to 9."
    assert " ".join(" ".join(lines[place + 1 : place + 3]).split()[:12]) == reference  # on two lines where it has to be
    assert all(any(line.startswith(f"{name} ") for line in lines) for name in zoo.names())


def test_a_family_is_found_by_a_part_of_its_name(symcell):
    assert listed(symcell, "--family", "Strongly") == ["trnn", "tgru", "tlstm"]
    assert listed(symcell, "--family", "strongly typed") == ["trnn", "tgru", "tlstm"]


def test_cells_are_found_by_words_of_their_name_family_or_description(symcell):
    assert listed(symcell, "mikolov") == ["scrn", "scrn_output_fed_back"]
    assert listed(symcell, "PEEPHOLES", "tanh", "graves") == ["lstm_peephole"]
    assert listed(symcell, "2110.04744") == ["lem"]
    assert "gru" in listed(symcell, "gated recurrent units")


@pytest.mark.parametrize(("words", "message"), [
    (["--family", "nonsense"], "The zoo has no family 'nonsense'. Families: simple recurrent networks, long"),
    (["xyzzy", "lstm"], "The zoo has no cell whose name, family or description has 'xyzzy' and 'lstm'."),
    (["--family", "typed", "xyzzy"], "no cell in the families 'typed' whose name, family or description has 'xyzzy'."),
])
def test_what_is_not_there_is_said(refused, words, message):
    assert message in refused("list", *words)


# --- the numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "expected"), [
    ("rnn", (0, 1)), ("elman_head", (0, 1)), ("jordan", (0, 2)), ("lstm", (3, 1)), ("lstm_coupled", (2, 1)),
    ("lstm_multiplicative", (3, 2)), ("gru", (2, 1)), ("gru_reset_before", (2, 2)), ("mgu", (1, 2)), ("sru", (2, 0)),
    ("slstm", (3, 1)), ("lem", (2, 2)), ("scrn", (0, 1)), ("unicornn", (0, 0)), ("tgru", (1, 0)), ("dsgu", (2, 2)),
])
def test_gates_and_depth_of_cells_that_one_knows(name, expected):
    spec = zoo.find(name).spec
    assert (gates(spec), matmul_depth(spec)) == expected


def test_a_gate_scales_others_and_moves():
    class Gates(Cell):
        x, h, k = Input(), State(), State()
        W, U, b = Matrix(h, x), Matrix(h, h), Vector(h)
        alpha, dt = Scalar(), Constant(0.1)

        fixed = sigmoid(alpha)  # a parameter by another name
        shown = sigmoid(W @ x)  # adds, and scales nothing
        small = dt * sigmoid(U @ h)  # a gate, times a constant
        h.next = fixed * h + small * tanh(b) + (1 - exp(-k)) * k + shown  # and another without a name
        k.next = (1 - small) * k
        y = Output(sigmoid(h.next))

    assert gates(Gates.spec) == 2
    assert matmul_depth(Gates.spec) == 1


def test_depth_counts_on_the_way_back_to_a_state_only():
    class Levels(Cell):
        """Two loops, one feeding the other by products that are in neither."""

        x, a, b = Input(), State(), State()
        W, U, V = Matrix(a, x), Matrix(b, a), Matrix(b, b)

        a.next = tanh(W @ x + a)
        b.next = tanh(U @ tanh(U @ a.next) + b)
        y = Output(V @ b.next)

    class Round(Cell):
        """One loop through both states."""

        x, a, b = Input(), State(), State()
        W, U, V = Matrix(a, x), Matrix(b, a), Matrix(a, b)

        b.next = tanh(U @ a)
        a.next = tanh(W @ x + V @ b.next)

    assert matmul_depth(Levels.spec) == 0
    assert matmul_depth(Round.spec) == 2
