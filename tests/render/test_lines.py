import pytest

from symcell.render import lines
from symcell.render.lines import Equation, aligned, broken
from symcell.render.width import TOKENS, width

LONG = " + ".join(rf"U_{k}^\top \bar{{a}}_{{{k},t}}" for k in "abcdefghijklm")


def test_short_formulas_stay():
    assert broken("a + b", 10, 10) == ["a + b"]


def test_lines_fit_and_join_to_the_formula():
    lines = broken(LONG, 20, 18)
    assert len(lines) > 1
    assert " ".join(lines) == LONG
    assert width(lines[0]) <= 20
    assert all(width(line) <= 18 for line in lines[1:])
    assert all(line.startswith("+ ") for line in lines[1:])


def test_a_sum_is_broken_outside_parentheses_where_possible():
    inner = " + ".join("abcdefgh")
    lines = broken(f"A + f({inner}) + B + C", 17, 17)
    assert len(lines) > 1
    assert all(line.count("(") == line.count(")") for line in lines)


def test_nothing_is_broken_inside_braces():
    formula = r"\widetilde{" + LONG + "}"
    assert broken(formula, 10, 10) == [formula]


def test_a_group_of_growing_parentheses_can_be_broken():
    lines = broken(rf"\left(\frac{{1}}{{2}} + {LONG}\right)", 20, 18)
    assert len(lines) > 1
    assert r"\left" not in "".join(lines)
    assert "".join(lines).count(r"\biggl(") == "".join(lines).count(r"\biggr)") == 1


def joined(formula):
    return " ".join(broken(formula, 8, 8))


SUM = "a_1 + b_2 + c_3 + d_4 + e_5 + f_6"
PRODUCT = r"a_1 \odot b_2 \odot c_3 \odot d_4 \odot e_5"


@pytest.mark.parametrize(("formula", "written"), [
    (rf"\frac{{{SUM}}}{{s}}", rf"\biggl({SUM}\biggr) / s"),
    (rf"\frac{{{PRODUCT}}}{{s_t^2}}", rf"{PRODUCT} / s_t^2"),
    (rf"-\frac{{{PRODUCT}}}{{H s}} + k", rf"-{PRODUCT} / (H s) + k"),
    (rf"U \frac{{{PRODUCT}}}{{s}}", rf"U \biggl({PRODUCT} / s\biggr)"),
    (rf"\frac{{{PRODUCT}}}{{s}} \odot k", rf"\biggl({PRODUCT} / s\biggr) \odot k"),
    (rf"\sqrt{{{SUM}}}", rf"\biggl({SUM}\biggr)^{{1/2}}"),
    (rf"\sqrt{{{SUM}}}^3", rf"\biggl(\biggl({SUM}\biggr)^{{1/2}}\biggr)^3"),
    (rf"\overline{{{SUM}}} + k", rf"\partial \mathcal{{L}}/\partial \biggl({SUM}\biggr) + k"),
    (rf"U^\top \overline{{{SUM}}}", rf"U^\top \biggl(\partial \mathcal{{L}}/\partial \biggl({SUM}\biggr)\biggr)"),
    (rf"\left({SUM}\right)^2", rf"\biggl({SUM}\biggr)^2"),
    (rf"\mathbf{{1}}_{{{SUM} > 0}}", rf"\mathbf{{1}}[{SUM} > 0]"),
    (rf"\begin{{cases}} {SUM} & \text{{if }} a > 0 \\ 2 & \text{{otherwise}} \end{{cases}}",
     rf"\mathbf{{1}}_{{a > 0}} \odot \biggl({SUM}\biggr) + 2 \cdot \mathbf{{1}}[\neg (a > 0)]"),
    (rf"k \odot \begin{{cases}} 1 & \text{{if }} {SUM} > 0 \\ 0 & \text{{otherwise}} \end{{cases}}",
     rf"k \odot \biggl(\mathbf{{1}}[{SUM} > 0]\biggr)"),
])  # fmt: skip
def test_what_cannot_be_broken_is_written_otherwise(formula, written):
    assert joined(formula) == written
    assert all(width(line) <= 8 for line in broken(formula, 8, 8))


def test_an_operand_goes_to_the_next_line_only_where_nothing_else_helps():
    names = [rf"\mathit{{{letter * 10}}}" for letter in "abcd"]
    assert broken(" ".join(names[:2]), 8, 8) == [names[0], rf"\cdot {names[1]}"]
    assert broken(rf"{names[0]} {names[1]} + {names[2]}", 12, 12) == [f"{names[0]} {names[1]}", f"+ {names[2]}"]


def test_a_piece_that_is_too_long_leaves_the_others_on_lines_of_their_own():
    name = rf"\mathit{{{'m' * 20}}}"
    assert broken(f"a + {name} + b + c", 5, 5) == ["a", f"+ {name}", "+ b + c"]


def test_a_long_left_side_stands_on_a_line_of_its_own():
    name = rf"\mathit{{{'a' * 50}}}"
    rows = aligned([Equation("h_t", "a + b"), Equation(name, LONG)], 34).replace("*", "").split(" \\\\\n")
    assert rows[:3] == ["h_t &= a + b", f"&{name}", rf"&\quad = {broken(LONG, 31, 31)[0]}"]
    assert rows[3].startswith(r"&\quad + ")


def test_short_sums_over_time_share_a_row():
    gates = [Equation(rf"\bar{{{W}}}_{k}", rf"\sum_{{t=1}}^{{T}} \bar{{a}}_{{{k},t}}") for W in "WU" for k in "rzn"]
    assert [row.count("&=") for row in aligned(gates).split(r"\\")] == [3, 3]
    assert [row.count("&=") for row in aligned(gates, limit=16).split(r"\\")] == [2, 2, 2]
    assert [row.count("&=") for row in aligned(gates, limit=10).split(r"\\")] == [1] * 6


# --- long formulas: read and measured as far as a line goes ------------------------------------------------

MANY = " + ".join(rf"U_{k % 10} \odot f({' - '.join('abc'[:1 + k % 3])})" for k in range(200))


def test_the_beginning_of_a_long_formula_says_as_much_as_the_whole(monkeypatch):
    found = broken(MANY, 20, 18)
    monkeypatch.setattr(lines, "_BEGINNING", len(MANY))
    assert found == broken(MANY, 20, 18)
    assert len(found) > 30
    assert " ".join(found) == MANY


def test_no_more_is_measured_than_the_beginning(monkeypatch):
    measured = []
    monkeypatch.setattr(lines, "width", lambda formula: measured.append(len(formula)) or width(formula))
    broken(MANY, 20, 18)
    assert max(measured) <= lines._BEGINNING < len(MANY) / 5


def test_a_beginning_without_width_says_nothing():
    nothing = "{}" * lines._BEGINNING
    assert broken(f"{nothing} {LONG}", 20, 18)[0].startswith(nothing)
    assert len(broken(f"{nothing} {LONG}", 20, 18)) == len(broken(LONG, 20, 18))
    assert broken(f"{nothing} a + b", 20, 18) == [f"{nothing} a + b"]


def test_tokens_are_read_as_far_as_a_line_goes(monkeypatch):
    """To read the rest of a formula for each of its lines would take the square of its length."""
    read = []

    class Counted:
        def finditer(self, formula):
            for found in TOKENS.finditer(formula):
                read.append(found)
                yield found

    monkeypatch.setattr(lines, "TOKENS", Counted())
    broken(MANY, 20, 18)
    assert len(read) < 6 * len(TOKENS.findall(MANY))
