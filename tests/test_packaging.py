"""The package as others get it: its metadata, and a wheel from a source distribution that runs elsewhere."""

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points, version
from pathlib import Path

import numpy
import pytest

ROOT = Path(__file__).resolve().parents[1]
BASE_CELLS = ("rnn", "rnn_relu", "lstm", "lstm_peephole", "gru", "gru_reset_before")

USE = """
import sys
import numpy as np
import symcell

assert "site-packages" in symcell.__file__, symcell.__file__
kernel = symcell.compile("lstm")
params = kernel.init_params(seed=0, I=3, H=5)
x = np.random.default_rng(0).standard_normal((7, 2, 3), dtype=np.float32)
run = kernel.forward(x, params)
grads = kernel.backward(run, np.ones_like(run.y))
y, state = kernel.infer(x, params)
assert run.y.shape == (7, 2, 5) and np.isfinite(run.y).all() and run.y.any()
assert grads.x.shape == x.shape and grads.x.any() and np.array_equal(y, run.y)
assert {"numpy"} == {"numpy", "sympy", "Cython", "jinja2"} & set(sys.modules)
print("ran", symcell.__version__)
"""


def run(*command, **options):
    """A command that has to succeed; what it printed stands in the failure."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_metadata_agrees():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    import symcell

    assert symcell.__version__ == version("symcell")
    assert project["dynamic"] == ["version"]  # it is written in symcell/__init__.py and nowhere else
    [script] = entry_points(group="console_scripts", name="symcell")
    assert callable(script.load())
    assert not [name for name in project["dependencies"] if "<" in name or "==" in name or "~=" in name]


def test_a_source_that_nobody_installed_says_so(monkeypatch):
    import symcell
    from symcell.runtime import installed
    from symcell.runtime.errors import BuildError

    monkeypatch.setattr(installed, "find_spec", lambda name: None)
    for cell in ("lstm", "mgu"):
        with pytest.raises(BuildError, match=r"native\.pyx has not been compiled.*pip install"):
            symcell.compile(cell)


def test_a_compiled_part_of_other_headers_is_not_run(tmp_path, monkeypatch):
    import symcell
    from symcell.runtime import fingerprint
    from symcell.runtime.errors import BuildError

    include = shutil.copytree(fingerprint.INCLUDE, tmp_path / "include")
    memory = include / "symcell" / "memory.h"
    memory.write_text(memory.read_text().replace("    void *base;\n", "    long more;\n    void *base;\n", 1))
    monkeypatch.setattr(fingerprint, "INCLUDE", include)
    with pytest.raises(BuildError, match=r"compiled from other headers.*pip install"):
        symcell.compile("mgu")


def test_installed_and_on_demand_kernels_are_compiled_alike():
    from symcell.runtime import toolchain

    statements = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")).body
    assignments = [node for node in statements if isinstance(node, ast.Assign)]
    [flags] = [node.value for node in assignments if node.targets[0].id == "CFLAGS"]
    assert tuple(ast.literal_eval(flags)) == tuple(toolchain.FLAGS)


def test_the_installation_hashes_what_the_cache_does():
    from symcell.runtime import fingerprint, native

    [function] = [node for node in ast.parse((ROOT / "setup.py").read_text(encoding="utf-8")).body
                  if isinstance(node, ast.FunctionDef) and node.name == "interface"]
    known = {"hashlib": hashlib, "Path": lambda path: ROOT / path, "HEADERS": "symcell/runtime/include"}
    exec(compile(ast.Module([function], []), "setup.py", "exec"), known)
    assert known["interface"]() == fingerprint.interface() == native.INTERFACE


def test_base_cells_are_committed():
    assert {path.stem for path in (ROOT / "generated").glob("*.pyx")} >= set(BASE_CELLS)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Source tree -> sdist -> wheel; the wheel is built from the sdist's files alone."""
    folder = tmp_path_factory.mktemp("dist")
    source = folder / "source"
    made_here = (".*", "build", "dist", "*.egg-info", "*.so", "__pycache__", "node_modules")
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns(*made_here))
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, source)
    [built] = folder.glob("*.whl")
    return built


@pytest.mark.slow
def test_sdist_carries_what_building_and_testing_need(wheel):
    [sdist] = wheel.parent.glob("*.tar.gz")
    run(sys.executable, "-m", "tarfile", "-e", sdist, wheel.parent / "unpacked")
    [tree] = (wheel.parent / "unpacked").iterdir()
    folders = ("templates", "generated", "tests", "examples", "symcell/runtime")
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*")):
        if path.suffix in {".py", ".pyx", ".pxd", ".pyi", ".h", ".jinja"} and "node_modules" not in path.parts:
            assert (tree / path.relative_to(ROOT)).is_file(), path
    assert all((tree / name).is_file() for name in ("LICENSE", "Makefile", "constraints.txt", "README.md"))


@pytest.mark.slow
def test_wheel_carries_templates_headers_and_kernels(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for folder in ("templates", "generated"):
        for path in (ROOT / folder).rglob("*.[jph]*"):
            if path.suffix in {".jinja", ".pyx", ".h", ".py"}:
                assert f"symcell/{path.relative_to(ROOT).as_posix()}" in names
    for path in (ROOT / "symcell" / "runtime").rglob("*"):
        if path.suffix in {".h", ".pyx", ".pxd", ".pyi"}:
            assert path.relative_to(ROOT).as_posix() in names
    for cell in BASE_CELLS:
        assert any(name.startswith(f"symcell/generated/{cell}.") and name.endswith(".so") for name in names)


@pytest.mark.slow
def test_wheel_runs_without_a_compiler_on_numpy_alone(wheel, tmp_path):
    venv = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv)
    python = venv / "bin" / "python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel)
    # Linked, so that the test needs no network and nothing else comes along.
    numpy_at = Path(numpy.__file__).parent
    for folder in (numpy_at, numpy_at.with_name("numpy.libs")):
        if folder.exists():
            site.joinpath(folder.name).symlink_to(folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {"PATH": str(empty), "HOME": str(empty), "SYMCELL_CACHE_DIR": str(empty / "cache")}
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "OMP_NUM_THREADS") if name in os.environ}
    assert run(python, "-I", "-c", USE, cwd=empty, env=environment | kept).startswith("ran ")
