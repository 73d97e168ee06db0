"""Cells whose schedules differ from those of the zoo."""

import random

from tests.declare.text import declare

TWO_LEVEL = declare("""
x, h, g = Input(), State(), State("P")
W, U, V, R = Matrix(h, x), Matrix(h, h), Matrix(g, h), Matrix(g, g)
h.next = tanh(W @ x + U @ h)
g.next = tanh(V @ h.next + R @ g)
y = Output(g.next * 1.0)
""", name="TwoLevel")
RING_BATCH = declare("""
x, h, s = Input(), State(), State()
W, U, V = Matrix(h, x), Matrix(h, h), Matrix(s, x)
h.next = tanh(W @ x + U @ h + s)
s.next = V @ x
""", name="RingBatch")
LATE_2 = declare("""
x, h, s = Input(), State(), State()
W, U, V = Matrix(h, x), Matrix(h, h), Matrix(s, h)
h.next = tanh(W @ x + U @ h)
s.next = V @ h.next
y = Output(s + h)
""", name="Late2")
SIX_GATES = declare("""
x, h = Input(), State()
W, U_1, U_2, U_3, U_4, U_5, U_6 = (Matrix(h, x), Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h), Matrix(h, h),
                                   Matrix(h, h))
p = sigmoid(U_1 @ h)
q = tanh(U_2 @ h)
r = sigmoid(U_3 @ h)
s = tanh(U_4 @ h)
t = sigmoid(U_5 @ h)
u = tanh(U_6 @ h)
h.next = p * q + r * s + t * u + W @ x
""", name="SixGates")
NESTED = declare("""
x, h = Input(), State()
W, U, V = Matrix("P", x), Matrix("P", h), Matrix(h, "P")
h.next = tanh(V @ tanh(U @ tanh(V @ (W @ x + U @ h))))
""", name="Nested")
SIDE_BRANCH = declare("""
x, h, g = Input(), State(), State()
W, U, R = Matrix(h, x), Matrix(h, h), Matrix("P", h)
h.next = tanh(W @ x + U @ h)
q = R @ h.next
g.next = g * 0.5 + h.next
y = Output(tanh(q) + R @ g.next)
""", name="SideBranch")
ELEMENTWISE = declare("""
x, h = Input("H"), State()
p, k = Vector(h), Constant(0.5)
h.next = sigmoid(p) * h + k * tanh(x)
""", name="ElementwiseOnly")
MANY = declare("""
x, h, c = Input("F"), State(), State("P")
W, V, R, b, g = Matrix(h, x), Matrix("P", h), Matrix("P", x), Vector(h), Vector("P")
s, t, k = Scalar(), Scalar(), Constant(0.3)
a = sigmoid(s)
e = exp(t) * a
h.next = a * h + tanh(W @ x + s) * exp(b) + k * (V.T @ c)
c.next = s * (V @ h.next) + e * c + k * g + V @ b + R @ (x * x)
y = Output(R.T @ (c.next * c) + s)
""", name="Many")
CELLS = (TWO_LEVEL, RING_BATCH, LATE_2, SIX_GATES, NESTED, SIDE_BRANCH, ELEMENTWISE, MANY)


def random_cell(seed):
    """A cell of three states whose equations are drawn: any product of any quantity, in any order."""
    draw = random.Random(seed)
    lines = ["x, h, g, s = Input(), State(), State('P'), State()"]
    lines += [f"{rows}{cols} = Matrix('{rows}', '{cols}')" for rows in "HPI" for cols in "HPI"]
    lines += ["b, c, e = Vector('H'), Vector('P'), Scalar(init=0.5)"]
    known = {"H": ["h", "s", "b"], "P": ["g", "c"], "I": ["x"]}
    unset = {"h": "H", "g": "P", "s": "H"}

    def term(dim, depth=0):
        kind = draw.choice("qqpmmtse" if depth < 2 else "q")
        if kind == "m":
            other = draw.choice("HPI")
            return f"({dim}{other} @ ({term(other, depth + 1)}))"
        inner = term(dim, depth + 1) if kind != "q" else ""
        return {"q": draw.choice(known[dim]), "p": f"{inner} * ({term(dim, depth + 1)})" if kind == "p" else "",
                "t": f"tanh({inner})", "s": f"({inner} + {term(dim, depth + 1)})" if kind == "s" else "",
                "e": f"e * {inner}"}[kind]

    for count in range(draw.randrange(1, 8)):
        if unset and draw.random() < 0.4:
            state = draw.choice(sorted(unset))
            dim = unset.pop(state)
            name = f"{state}.next"
        else:
            dim = draw.choice("HPI")
            name = f"q_{count}"
        lines.append(f"{name} = 0.5 * tanh({term(dim)}) + {term(dim)}")
        known[dim].append(name)
    for state, dim in unset.items():
        lines.append(f"{state}.next = tanh({term(dim)}) + {term(dim)} * 0.5")
    if draw.random() < 0.6:
        dim = draw.choice("HPI")
        lines.append(f"y = Output({term(dim)} + {draw.choice(known[dim])})")
    return declare("\n".join(lines), name=f"Random{seed}")
