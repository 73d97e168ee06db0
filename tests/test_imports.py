"""The import rule: data flows one way, and so do imports (CONTRIBUTING.md, "Who may import whom")."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "symcell"

# Which parts of symcell each package may import, besides itself and the leaves.
MAY_IMPORT = {
    "declare": set(),
    "graph": {"declare"},
    "schedule": {"declare", "graph"},
    "render": {"declare", "graph", "schedule", "templates"},
    "proof": {"declare", "graph"},
    "zoo": {"declare"},
    "runtime": {"generated"},
    "bench": {"declare", "graph", "zoo"},
    "transforms": {"declare", "zoo"},
}
SEE_EVERYTHING = {"__init__", "__main__", "compiler", "cli", "interpreted"}
# Any other module directly in symcell/ is a leaf: it imports nothing of symcell, and anybody may import it.


def imported_names(path: Path, package: str) -> Iterator[str]:
    """Every absolute dotted name that a file imports, anywhere in it, lazily and under TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in {"import_module", "__import__"} and isinstance(node.args[0].value, str):
                yield node.args[0].value


def facade(root: Path) -> dict[str, str]:
    """Which module each lazy name of `symcell` comes from, as the table in its __init__.py says."""
    path = root / "__init__.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body if path.exists() else ():
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_HOME":
            table = ast.literal_eval(node.value)
            return {name: module for module, names in table.items() for name in names}
    return {}


def violations(root: Path) -> list[str]:
    """Each forbidden import under `root`, a folder laid out like symcell/, as one readable line."""
    home = facade(root)
    leaves = {path.stem for path in root.glob("*.py")} - SEE_EVERYTHING
    found = []
    for path in sorted(root.rglob("*.py")):
        where = path.relative_to(root)
        part = where.parts[0].removesuffix(".py")
        if part in SEE_EVERYTHING:
            continue
        allowed = {part, "__version__"} | (set() if part in leaves else leaves | MAY_IMPORT[part])
        package = ".".join(["symcell", *where.parts[:-1]])
        for name in imported_names(path, package):
            # `from symcell import Cell`, as a user writes it, stands for the module where Cell lives.
            top, *inside = home.get(name.removeprefix("symcell."), name).split(".")
            if top == "symcell" and not allowed.intersection(inside[:1]):
                found.append(f"{where} imports {name}")
    return found


def write(root: Path, **files: str) -> Path:
    """A package tree from keyword arguments: `graph__lower="..."` writes graph/lower.py."""
    for name, text in files.items():
        path = root.joinpath(*(name.split("__") if name != "__init__" else [name])).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.parent != root:
            path.parent.joinpath("__init__.py").touch()
    return root


def test_nothing_imports_against_the_flow():
    assert violations(PACKAGE) == []


def test_every_package_has_a_rule():
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert packages <= set(MAY_IMPORT) | SEE_EVERYTHING, "a new package needs its row in MAY_IMPORT"
    assert {"declare", "graph", "schedule", "render", "runtime", "zoo"} <= packages


@pytest.mark.parametrize(
    ("files", "line"),
    [
        ({"graph__lower": "import symcell.render"}, "graph/lower.py imports symcell.render"),
        ({"graph__lower": "from ..schedule import place"}, "graph/lower.py imports symcell.schedule.place"),
        ({"graph__lower": "from .. import schedule"}, "graph/lower.py imports symcell.schedule"),
        ({"graph__lower": "def f():\n    from symcell import cli"}, "graph/lower.py imports symcell.cli"),
        ({"graph__lower": "import symcell"}, "graph/lower.py imports symcell"),
        ({"runtime__c": "from symcell.declare import Cell"}, "runtime/c.py imports symcell.declare.Cell"),
        (
            {"runtime__load": "from importlib import import_module\nimport_module('symcell.graph')"},
            "runtime/load.py imports symcell.graph",
        ),
        ({"zoo__lstm": "from symcell.graph import lower"}, "zoo/lstm.py imports symcell.graph.lower"),
        ({"zoo__lstm": "from symcell import compile"}, "zoo/lstm.py imports symcell.compile"),
        ({"proof__check": "from symcell.runtime import load"}, "proof/check.py imports symcell.runtime.load"),
        ({"options": "from symcell.graph import lower"}, "options.py imports symcell.graph.lower"),
    ],
)
def test_a_planted_violation_is_found(tmp_path, files, line):
    assert violations(write(tmp_path, **files)) == [line]


def test_what_the_rule_allows(tmp_path):
    write(
        tmp_path,
        compiler="from symcell.render import render",
        errors="import dataclasses",
        declare__cell="from symcell.errors import CellError\nfrom . import names",
        graph__lower="from symcell.declare import Cell\nfrom .nodes import Map",
        render__c="from ..schedule.program import Program\nimport symcell.templates",
        runtime__kernel="import numpy\nfrom symcell.generated import lstm\nfrom symcell import __version__",
        zoo__lstm="from symcell import Cell\nfrom .other import GRU",
        __init__="_HOME = {'symcell.declare.cell': ('Cell',), 'symcell.compiler': ('compile',)}",
    )
    assert violations(tmp_path) == []


HEAVY = ("sympy", "Cython", "jinja2", "click", "rich", "torch", "jax")


def loaded_after(code: str) -> set[str]:
    """Which of the heavy packages a fresh interpreter has loaded after running `code`."""
    report = f"\nimport sys; print('loaded', *[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_import_symcell_is_light():
    assert loaded_after("import symcell; assert symcell.__file__") == set()


def test_a_prebuilt_kernel_runs_on_numpy_alone():
    code = """
import numpy as np, symcell
kernel = symcell.compile("lstm", dtype="float32")
params = kernel.init_params(seed=0, I=3, H=5)
run = kernel.forward(np.ones((4, 2, 3), np.float32), params)
kernel.backward(run, np.ones_like(run.y))
"""
    assert loaded_after(code) == set()


def test_names_of_the_language_load_sympy_when_they_are_asked_for():
    assert "sympy" in loaded_after("from symcell import Cell")
