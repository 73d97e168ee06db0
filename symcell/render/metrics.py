"""How wide TeX's characters are, and the spaces between them, in em.

The widths are those of Computer Modern at 10 pt (its TFM files; Knuth 1986, Computer Modern Typefaces), italic
corrections of mathematical letters included; the spaces are those of The TeXbook, chapter 18.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from string import ascii_lowercase, ascii_uppercase, digits

Atom = tuple[str, float]  # kind, width
DISPLAY, TEXT, SCRIPT = range(3)  # styles; 3 and more are those of what is smaller still
SIZES = (1.0, 1.0, 0.82, 0.74)  # of letters; smaller ones are drawn wider than to scale

_MATH = """529 429 433 520 466 597 513 576 345 469 552 318 878 600 485 503 482 479 469 361 572 521 743 572 526 509
750 809 786 856 796 782 786 912 518 651 921 681 1079 912 791 781 791 767 671 723 792 806 1083 907 803 754"""
_ITALIC = """511 460 460 511 460 307 460 511 307 307 460 256 818 562 511 511 460 422 409 332 537 460 664 464 486 409
743 704 716 755 678 653 774 743 386 525 769 627 897 743 767 678 767 729 562 716 743 743 999 743 743 613"""
_ROMAN = """500 556 444 556 444 306 500 556 278 306 528 278 833 556 500 556 528 392 394 389 556 528 722 528 528 444
750 708 722 764 681 653 785 750 361 514 778 625 917 750 778 681 778 736 556 722 750 750 1028 750 750 611"""
_BOLD = """559 639 511 639 527 351 575 639 319 351 607 319 958 639 575 639 607 474 454 447 639 607 831 607 607 511
869 818 831 882 756 724 904 900 436 594 901 692 1092 900 864 786 864 862 639 800 885 869 1189 869 869 703"""


def _font(thousandths: str, digit: float) -> dict[str, float]:
    widths = [int(number) / 1000 for number in thousandths.split()]
    return dict(zip(ascii_lowercase + ascii_uppercase, widths, strict=True)) | dict.fromkeys(digits, digit)


ROMAN = _font(_ROMAN, 0.5) | {" ": 0.333, ".": 0.278, ",": 0.278, ":": 0.278, "-": 0.333, "(": 0.389, ")": 0.389}
FONTS = {
    r"\mathit": _font(_ITALIC, 0.511), r"\mathrm": ROMAN, r"\operatorname": ROMAN, r"\text": ROMAN,
    r"\mathbf": _font(_BOLD, 0.575), r"\mathcal": dict.fromkeys(ascii_uppercase, 0.863),
}  # fmt: skip
_COMMANDS = {
    "alpha": 0.643, "beta": 0.618, "gamma": 0.573, "delta": 0.482, "epsilon": 0.406, "zeta": 0.511, "eta": 0.532,
    "theta": 0.497, "iota": 0.354, "kappa": 0.576, "lambda": 0.583, "mu": 0.603, "nu": 0.558, "xi": 0.484, "pi": 0.606,
    "rho": 0.517, "sigma": 0.607, "tau": 0.55, "upsilon": 0.576, "phi": 0.596, "chi": 0.626, "psi": 0.687,
    "omega": 0.658, "Gamma": 0.625, "Delta": 0.833, "Theta": 0.778, "Lambda": 0.694, "Xi": 0.667, "Pi": 0.75,
    "Sigma": 0.722, "Upsilon": 0.778, "Phi": 0.722, "Psi": 0.778, "Omega": 0.722, "ell": 0.417, "partial": 0.587,
    "top": 0.778, "quad": 1.0, "thinspace": 0.167, "neg": 0.667, "sum": 1.444, "odot": 0.778, "cdot": 0.278,
    "times": 0.778, "wedge": 0.667, "vee": 0.667, "leq": 0.778, "geq": 0.778, "neq": 0.778, "tanh": 1.945, "exp": 1.528,
    "log": 1.278, "max": 1.861, "min": 1.667,
}  # fmt: skip
WIDTHS = _font(_MATH, 0.5) | {"\\" + command: size for command, size in _COMMANDS.items()} | {
    "+": 0.778, "-": 0.778, "=": 0.778, "<": 0.778, ">": 0.778, "(": 0.389, ")": 0.389, "[": 0.278, "]": 0.278,
    ",": 0.278, ".": 0.278, "|": 0.278, "/": 0.5,
}  # fmt: skip

_KINDS = {
    "bin": ("+", "-", r"\odot", r"\cdot", r"\times", r"\wedge", r"\vee"),
    "rel": ("=", "<", ">", r"\leq", r"\geq", r"\neq"), "open": ("(", "["), "close": (")", "]"), "punct": (",",),
    "op": (r"\tanh", r"\exp", r"\log", r"\max", r"\min", r"\sum"),
}  # fmt: skip
KINDS = {token: kind for kind, tokens in _KINDS.items() for token in tokens}
_THIN, _MEDIUM, _THICK = 0.167, 0.222, 0.278
_NO_OPERAND = (None, "bin", "op", "rel", "open", "punct")


def spaced(atoms: Sequence[Atom], style: int) -> float:
    """Return the width of atoms in a row, with the spaces between them."""
    kinds: list[str | None] = [None]
    for kind, _ in atoms:  # a sign that has nothing before it is no operator between two
        kinds.append("ord" if kind == "bin" and kinds[-1] in _NO_OPERAND else kind)
    spaces = sum(_space(left, right, style > TEXT) for left, right in pairwise(kinds[1:]))
    return sum(size for _, size in atoms) + spaces


def _space(left: str | None, right: str | None, small: bool) -> float:
    pair = (left, right)
    if "op" in pair and not set(pair) & {"bin", "rel", "open", "close", "punct", "inner"}:
        return _THIN
    if small:
        return 0.0
    if "rel" in pair:
        return 0.0 if pair == ("rel", "rel") or left == "open" or right == "close" or right == "punct" else _THICK
    if "bin" in pair:
        return _MEDIUM
    if left == "punct" or ("inner" in pair and left != "open" and right not in ("close", "punct")):
        return _THIN
    return 0.0
