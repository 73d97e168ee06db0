"""Numbers as LaTeX: as short as they are read back the same."""

from __future__ import annotations

import sympy


def latex_number(value: sympy.Expr) -> str:
    r"""Return 0.1, 10^{-5}, 1.5 \cdot 10^{-7}, a fraction, or a formula of roots and pi."""
    if isinstance(value, sympy.Integer):
        return str(value)
    if isinstance(value, sympy.Rational):
        sign = "-" if value < 0 else ""
        return f"{sign}\\tfrac{{{abs(value.p)}}}{{{value.q}}}"
    if isinstance(value, sympy.Float):
        return _decimal(float(value))
    return str(sympy.latex(value))


def _decimal(value: float) -> str:
    text = repr(value).removesuffix(".0")
    if "e" not in text:
        return text
    mantissa, exponent = text.split("e")
    power = f"10^{{{int(exponent)}}}"
    return {"1": power, "-1": f"-{power}"}.get(mantissa, f"{mantissa} \\cdot {power}")
