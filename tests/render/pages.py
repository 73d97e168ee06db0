"""What runs over the margin of a derivation: as estimated without TeX, and as TeX says."""

import re
import subprocess

from symcell.render.width import text_width, width

PAPER = {True: 455.2 / 10.95, False: 345 / 10}  # em of text in a line: of a document of our own, of an article
MARGIN = 2.0  # pt that nobody sees
ARTICLE = "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n%s\n\\end{document}\n"
_EQUALS = 0.28  # the space before
_ENVIRONMENT = re.compile(r"\\begin\{(align\*|tabular)\}(?:\{l+\})?\n(.*?)\\end\{\1\}", re.DOTALL)


def estimated(tex, standalone=True):
    """Return (em, text) of each line that is wider than the page, and of each formula in prose that is."""
    room, found = PAPER[standalone], []
    for kind, body in _ENVIRONMENT.findall(tex):
        rows = [row for row in re.split(r" \\\\\*?\n", body.replace("\\hline\n", "").strip() + "\n") if row]
        cells = [re.split(r" ?&|&", row) if kind == "align*" else row.split(" & ") for row in outside_cases(rows)]
        found += _align(cells, rows, room) if kind == "align*" else _table(cells, rows, room)
    prose = _ENVIRONMENT.sub("", tex)
    return found + [(width(f), f) for f in re.findall(r"(?<!\\)\$([^$]+)(?<!\\)\$", prose) if width(f) > room]


def outside_cases(rows):
    """Rows whose cells can be told by their &: of cases the widest row stands for all."""
    def widest(match):
        inside = [row.replace("&", r"\quad ") for row in match[1].split(r"\\")]
        return rf"xx{max(inside, key=width)}"

    cases = re.compile(r"\\begin\{cases\}((?:(?!\\begin).)*?)\\end\{cases\}")
    while any(map(cases.search, rows)):
        rows = [cases.sub(widest, row) for row in rows]
    return rows


def _align(cells, rows, room):
    """Left sides end, and right sides begin, at one place; a pair of columns is a quad from the next."""
    columns = max(map(len, cells), default=0)
    sizes = [[width(row[index]) if index < len(row) else 0.0 for index in range(columns)] for row in cells]
    left = [max(size[index] for size in sizes) for index in range(columns)]
    if columns <= 2:
        return [(left[0] + size[1] + _EQUALS, row) for size, row in zip(sizes, rows, strict=True)
                if left[0] + size[1] + _EQUALS > room]
    total = sum(left) + (columns // 2) * _EQUALS + (columns // 2 - 1)
    return [(total, rows[0])] if total > room else []


def _table(cells, rows, room):
    columns = zip(*cells, strict=True)
    total = sum(1.2 + max(map(_cell, column)) for column in columns)
    return [(total, max(rows, key=len))] if total > room else []


def _cell(text):
    return sum(width(part) if index % 2 else text_width(part) for index, part in enumerate(text.split("$")))


def measured(tex, folder):
    """Return what pdflatex finds wider than the page, in pt; an assertion fails where it does not compile."""
    (folder / "cell.tex").write_text(tex, encoding="utf-8")
    done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "cell.tex"],
                          cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return [float(size) for size in re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", done.stdout) if float(size) > MARGIN]
