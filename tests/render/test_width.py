"""The widths that lines are broken by are those that TeX measures."""

import re
import shutil
import subprocess

import pytest

from symcell.render.width import text_width, width
from symcell.zoo import names
from tests.render.long_cells import LONG, ODD, derivation

# What pdflatex measured (\wd of a box in \displaystyle, TeX Live 2022), in em of articles of 10 and of 11 pt.
MEASURED = [
    (r"U_f h_{t-1} + W_f x_t + b_f", 8.93, 8.79),
    (r"(1 - f_t) \odot h_{t-1} + f_t \odot \tanh(W_n x_t + U_n (r_t \odot h_{t-1}) + b_n)", 24.39, 24.09),
    (r"\bar{h}_{t-1}^+ = \bar{h}_t \odot (1 - f_t) + (U_n^\top \bar{a}_{n,t}) \odot f_t + U_f^\top \bar{a}_{f,t}",
     20.15, 19.83),
    (r"\sum_{t=1}^{T} \overline{W_{hh,2} x_t} x_t^\top", 6.35, 6.22),
    (r"\frac{\partial h_t}{\partial h_{t-1}} = \operatorname{diag}(1 - n_t^2) U_n (\operatorname{diag}(f_t) "
     r"+ \operatorname{diag}(h_{t-1}) J_f)", 21.85, 21.63),
    (r"-\frac{\mathbf{1}^\top (\bar{h}_{o,t} \odot g_{h,o} \odot (U_o h_{t-1} - \mu_{h,i,t}))}{s_{h,i,t}^2}",
     15.94, 15.57),
    (r"\bar{h}_t \odot g_c \odot \left(1 - \tanh^2\left(\frac{g_c \odot (c_t - \mu_{h,t})}{s_{h,t}} + b_c"
     r"\right)\right)", 20.39, 20.16),
    (r"\sqrt{10^{-5} + \frac{1}{H} \mathbf{1}^\top (c_t - \mu_{h,t})^2}", 11.59, 11.40),
    (r"\begin{cases} \frac{a_t}{6} + \tfrac{1}{2} & \text{if } -3 < a_t \wedge a_t < 3 \\ \mathbf{1}_{a_t > 0} & "
     r"\text{otherwise} \end{cases}", 13.47, 13.31),
    (r"\mathit{recurrentweights} \thinspace \widetilde{\mathit{gate}}_{\mathrm{update},3,t} \leq \tilde{h}_{t-1}",
     16.08, 15.88),
    (r"\biggl(\alpha + \beta - \gamma \delta \epsilon \zeta \mu \nu \tau \sigma \lambda \pi\biggr)^{1/2} / (H s)",
     14.57, 14.53),
    (r"\exp(\Gamma + \Omega) - \log(1 + \Delta) + \max(a, b) - \min(a, b) + \left|x_t\right| - \mathbf{B}_2 \mathbf{I}",
     26.68, 26.64),
    (r"\partial \mathcal{L} / \partial \biggl(\hat{c}_t \neq \dot{v}_t\biggr) \cdot 1.5 \cdot 10^{-7} \vee \neg "
     r"(a \geq b)", 16.43, 16.34),
    (r"\frac{\bar{h}_{4,t}^+ \odot \sigma\left(\frac{q_{12,t}}{r_{13,t}}\right)}{r_t} + \mathbf{1}_{q_t > "
     r"\tanh\left(\frac{h_t}{H}\right)}", 13.38, 13.17),
    (r"2 (H I + H^2 + H O + 3 M_{\mathrm{slots}} \times N_{12})", 15.40, 15.31),
]


def agrees(formula, measured):
    """Too wide by a little is right: the letters of scripts are taken for the widest that articles have."""
    return 0.99 * measured <= width(formula) <= 1.06 * measured


@pytest.mark.parametrize(("formula", "ten", "eleven"), MEASURED)
def test_widths_are_those_of_tex(formula, ten, eleven):
    assert agrees(formula, ten)
    assert agrees(formula, eleven)


@pytest.mark.parametrize(("formula", "ten", "eleven"), MEASURED)
def test_one_term_more_would_be_noticed(formula, ten, eleven):
    assert not agrees(formula + " + b_f", ten)
    assert not agrees(formula + " + b_f", eleven)


def test_text():
    assert text_width("multiply-adds of a step, backward") == pytest.approx(14.9, rel=0.02)


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
@pytest.mark.parametrize("points", [10, 11])
def test_every_formula_is_as_wide_as_tex_makes_it(points, tmp_path):
    """Of the zoo, of long declarations and of random cells."""
    made = [derivation(cell) for cell in (*names(), *ODD.values(), *LONG.values(), *range(20))]
    found = sorted({side for each in made for section in each.sections for equation in section.equations
                    for side in (equation.left, equation.right)})
    sizes = tex_widths([*found, *(formula for formula, _, _ in MEASURED)], points, tmp_path)
    for formula, size in zip(found, sizes, strict=False):
        assert 0.96 * size - 0.2 <= width(formula) <= 1.15 * size + 0.3, formula
    recorded = [row[points - 9] for row in MEASURED]
    assert sizes[len(found):] == pytest.approx(recorded, abs=0.006)


def tex_widths(formulas, points, folder):
    boxes = "\n".join(rf"\setbox0=\hbox{{$\displaystyle {formula}$}}\typeout{{wide: \the\wd0}}" for formula in formulas)
    (folder / "widths.tex").write_text(
        f"\\documentclass[{points}pt]{{article}}\n\\usepackage{{amsmath}}\n\\begin{{document}}\n{boxes}\n\\end{{document}}")
    done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "widths.tex"],
                          cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    em = {10: 10.0, 11: 10.95}[points]
    sizes = [float(size) / em for size in re.findall(r"wide: ([\d.]+)pt", done.stdout)]
    assert len(sizes) == len(formulas), done.stdout[-2000:]
    return sizes
