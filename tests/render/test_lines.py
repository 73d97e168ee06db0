from symcell.render.lines import Equation, aligned, broken, width

LONG = " + ".join(rf"U_{k}^\top \bar{{a}}_{{{k},t}}" for k in "abcdefghijklm")


def test_short_formulas_stay():
    assert broken("a + b", 20, 20) == ["a + b"]


def test_lines_fit_and_join_to_the_formula():
    lines = broken(LONG, 40, 36)
    assert len(lines) > 1
    assert " ".join(lines) == LONG
    assert all(width(line) <= 40 for line in lines)
    assert all(line.startswith("+ ") for line in lines[1:])


def test_a_sum_is_broken_outside_parentheses_where_possible():
    inner = " + ".join("abcdefgh")
    lines = broken(f"A + f({inner}) + B + C", 30, 30)
    assert len(lines) > 1
    assert all(line.count("(") == line.count(")") for line in lines)


def test_nothing_is_broken_inside_braces_or_cases():
    formula = r"\frac{" + LONG + "}{2}"
    assert broken(formula, 20, 20) == [formula]
    cases = r"\begin{cases} a + b + c + d + e + f & \text{if } a > 0 \\ 0 & \text{otherwise} \end{cases}"
    assert broken(cases, 5, 5) == [cases]


def test_a_group_of_growing_parentheses_can_be_broken():
    lines = broken(rf"\left(\frac{{1}}{{2}} + {LONG}\right)", 40, 36)
    assert len(lines) > 1
    assert r"\left" not in "".join(lines)
    assert "".join(lines).count(r"\biggl(") == "".join(lines).count(r"\biggr)") == 1


def test_short_sums_over_time_share_a_row():
    gates = [Equation(rf"\bar{{{W}}}_{k}", rf"\sum_{{t=1}}^{{T}} \bar{{a}}_{{{k},t}}") for W in "WU" for k in "rzn"]
    assert [row.count("&=") for row in aligned(gates).split(r"\\")] == [3, 3]
    assert [row.count("&=") for row in aligned(gates, limit=30).split(r"\\")] == [2, 2, 2]
    assert [row.count("&=") for row in aligned(gates, limit=15).split(r"\\")] == [1] * 6
