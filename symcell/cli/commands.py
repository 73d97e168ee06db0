"""The commands: each parses its words, calls one function of the library, and prints what came back.

What needs SymPy is imported inside the commands, so that `--help` and `--version` answer at once.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from symcell import __version__
from symcell.cli import bench as benchmark
from symcell.cli import terminal
from symcell.cli.errors import CliError, Exit
from symcell.cli.files import file_errors, write
from symcell.cli.program import Program

_OUTPUT = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
_DTYPES = ("float32", "float64")

_HELP = """Compile recurrent cells: equations in, derived gradients, a derivation and fast kernels out.

\b
CELL is one of
  lstm                   a cell of the zoo (symcell list)
  cell.py                the cell that a file declares; the file is executed
  cell.py:MyCell         one of the several cells of a file
  cell.json              a cell as data, which `show --stage json` writes
  package.module:MyCell  a cell of a module that Python can import

\b
Exit codes:
  0    fine
  1    a check failed
  2    wrong usage: no such command, option, cell or file; a file in the way
  3    the cell is not well formed, or its file does not run
  4    building failed: no C compiler, or it reported an error, or no cache
  5    a file or the output cannot be read or written
  70   a defect of symcell
  130  interrupted

SYMCELL_TRACEBACK=1 in the environment prints the traceback behind an error.
"""


def _example(line: str) -> str:
    return f"\b\nExample:\n  {line}"


@click.group(cls=Program, help=_HELP, epilog=_example("symcell check mgu"),
             context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="symcell", message="%(prog)s %(version)s")
def main() -> None:
    """Run `symcell`: the group of all commands."""


@main.command("list", epilog=_example("symcell list --family gate reset"))
@click.argument("words", nargs=-1)
@click.option("--family", help="Only families whose name has this part.")
def list_command(words: tuple[str, ...], family: str | None) -> None:
    """List the cells of the zoo; with WORDS, those that have each in their name, family or description.

    gates: quantities, logistic or exponential, that scale others. depth: matrix products of a step that wait for each
    other, on a way from a state back to itself.
    """
    from symcell.cli import listing

    terminal.show(listing.table(words, family))


@main.command(short_help="Print a cell at a stage of its compilation.",
              epilog=_example("symcell show mgu --stage adjoint"))
@click.argument("cell")
@click.option("--stage", type=click.Choice(["declaration", "graph", "adjoint", "schedule", "source", "json"]),
              default="declaration", show_default=True, help="Which intermediate result to print.")
def show(cell: str, stage: str) -> None:
    """Print what CELL is, at one stage of its compilation.

    declaration: the equations as they were read. graph: one step of the forward pass. adjoint: one step of
    the backward pass. schedule: what runs where, and what is saved. source: the Cython and C text.
    json: the declaration as data, a file that stands for CELL.
    """
    from symcell.cli.cells import resolve
    from symcell.cli.listing import parameters
    from symcell.compiler import stages

    found = resolve(cell)
    if stage == "declaration":
        spec = found.spec
        parts = terminal.printable(spec.doc), str(spec), f"Learned numbers: {parameters(spec)}"
        terminal.out("\n\n".join(filter(None, parts)))
        return
    if stage == "json":
        from symcell.declare.document import to_json

        terminal.out(to_json(found.spec).rstrip("\n"))
        return
    result = stages(found.cell)
    if stage == "source":
        terminal.out("\n".join(f"# ---- {file} ----\n{text}" for file, text in result.source.files.items()))
        return
    printed = {"graph": result.forward, "adjoint": result.backward, "schedule": result.program}
    terminal.out(str(printed[stage]))


@main.command(short_help="Print the derivation of a gradient.",
              epilog=_example("symcell derive lstm --standalone -o lstm.tex"))
@click.argument("cell")
@click.option("--format", "form", type=click.Choice(["latex", "markdown"]), default="latex",
              show_default=True)
@click.option("--standalone", is_flag=True, help="A complete LaTeX document, not a fragment.")
@click.option("-o", "--output", type=_OUTPUT, help="Write to this file.")
def derive(cell: str, form: str, standalone: bool, output: Path | None) -> None:
    """Print the derivation of CELL's gradient: forward pass, adjoint, parameter gradients, state Jacobian."""
    from symcell import compiler
    from symcell.cli.cells import resolve

    if standalone and form == "markdown":
        raise click.UsageError("--standalone makes a LaTeX document; Markdown has no such thing.")
    found = resolve(cell)
    if output and found.file and output.exists() and output.samefile(found.file):
        raise CliError(f"{output} is the file of the cell itself; write the derivation elsewhere.")
    derivation = compiler.derive(found.cell)
    text = derivation.latex(standalone=standalone) if form == "latex" else derivation.markdown()
    if output is None or str(output) == "-":
        terminal.out(text.rstrip("\n"))
    else:
        write(output, text.rstrip("\n") + "\n")


@main.command(short_help="Write a kernel as Cython and C text.",
              epilog=_example("symcell generate gru -o kernels"))
@click.argument("cell")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), default=Path(),
              help="Folder to write to; made if need be.  [default: this one]")
def generate(cell: str, folder: Path) -> None:
    """Write the kernel of CELL as text: NAME.pyx and NAME.h, for every instruction set."""
    from symcell.cli.cells import resolve
    from symcell.compiler import stages

    files = {folder / file: text for file, text in stages(resolve(cell).cell).source.files.items()}
    for path in files:
        if path.exists() and not _is_generated(path):
            raise CliError(f"{path} was not generated by symcell and would be lost; choose a folder with -o.")
    with file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        write(path, text)
        terminal.out(f"wrote {path}")


@main.command(short_help="Compile a kernel, or find it in the cache.",
              epilog=_example("symcell build mgu"))
@click.argument("cell", required=False)
@click.option("--all", "everything", is_flag=True, help="All cells of the zoo, with a progress bar.")
@click.option("--jobs", type=click.IntRange(1), help="With --all: cells at a time.  [default: as many as cores]")
@click.pass_context
def build(context: click.Context, cell: str | None, everything: bool, jobs: int | None) -> None:
    """Compile the kernel of CELL, or find it in the cache, and say where it lies.

    With --all, a cell that cannot be built does not stop the others; it is reported at the end.
    """
    from symcell.cli import kernels
    from symcell.cli.cells import resolve

    if everything == (cell is not None):
        raise click.UsageError("Name a CELL, or say --all; not both.")
    if jobs and not everything:
        raise click.UsageError("--jobs goes with --all; a single cell is compiled by a single process.")
    if cell is None:
        from symcell.cli import everything as zoo_builder

        context.exit(zoo_builder.build(jobs))
    found = resolve(cell)
    with terminal.Progress() as progress:
        done = kernels.compiled(found, "float32", progress)
    terminal.out(kernels.describe(done))


@main.command(short_help="Prove gradients and kernel right.",
              epilog=_example("symcell check mgu --dtype float64"))
@click.argument("cell")
@click.option("--dtype", "dtypes", type=click.Choice(_DTYPES), multiple=True,
              help="Precision of the kernel; may be repeated.  [default: both]")
@click.pass_context
def check(context: click.Context, cell: str, dtypes: tuple[str, ...]) -> None:
    """Prove CELL's gradients and its kernel right, by five independent oracles.

    Exits with 1 when one of them fails.
    """
    from symcell.cli import checking, kernels
    from symcell.cli.cells import resolve

    found, began = resolve(cell), time.perf_counter()
    with terminal.Progress() as progress:
        wanted = dict.fromkeys(dtypes or _DTYPES)
        built = {dtype: kernels.compiled(found, dtype, progress).kernel for dtype in wanted}
        outcomes = checking.run(found.spec, built, progress)
    terminal.show(checking.table(outcomes))
    terminal.out(f"\n{found.spec.name}: {checking.summary(outcomes, time.perf_counter() - began)}")
    if not checking.passed(outcomes):
        context.exit(Exit.CHECK_FAILED)


@main.command(short_help="Measure a kernel against its peers.",
              epilog=_example("symcell bench lstm --shape 3,2,4,5 --mode infer"))
@click.argument("cell")
@benchmark.options
@click.pass_context
def bench(context: click.Context, /, cell: str, **chosen: Any) -> None:
    """Time CELL's kernel against what else could run it.

    Peers are torch.nn, ONNX Runtime and torchrecurrent where they have the cell, JAX and eager PyTorch; those
    that are not installed are named. That all compute the same is checked first; then they run in turn.

    Exits with 1 when a peer's result differs.
    """
    parsed = benchmark.Options(**chosen)
    rows = benchmark.run(lambda: benchmark.cases(cell, parsed), parsed)
    if benchmark.failed(rows):
        context.exit(Exit.CHECK_FAILED)


@main.command(short_help="Write a page about each cell of the zoo.",
              epilog=_example("symcell docs -o pages lem mgu"))
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path, file_okay=False), required=True,
              help="Folder to write to; made if need be.")
@click.option("--speed", type=click.Path(path_type=Path, dir_okay=False, exists=True),
              help="Times that `python -m benchmarks --zoo` wrote.")
@click.argument("cells", nargs=-1)
def docs(folder: Path, speed: Path | None, cells: tuple[str, ...]) -> None:
    """Write a page about each cell of the zoo, and an index by family; with CELLS, the pages of these only.

    A page holds equations, derivation, source, size, and measured speed where it was recorded. The same cells and
    times give the same bytes.
    """
    from symcell.cli import pages

    with file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        gone = [] if cells else [path for path in folder.glob("*.md") if pages.is_generated(path)]
        for path in gone:
            path.unlink()
    for file, text in pages.pages(cells, pages.read_speed(speed)):
        write(folder / file, text)
    terminal.out(f"wrote {len(list(folder.glob('*.md')))} pages to {folder}")


@main.command(short_help="Write a commented file to start from.",
              epilog=_example("symcell new my_cell"))
@click.argument("name")
@click.option("-o", "--output", type=_OUTPUT, help="The file to write.  [default: NAME.py]")
def new(name: str, output: Path | None) -> None:
    """Write a commented file that declares a cell called NAME, to start from."""
    from symcell.cli import new as template

    cls, file = template.names(name)
    path = output or Path(file)
    if str(path) == "-":
        terminal.out(template.text(cls, file).rstrip("\n"))
        return
    if path.suffix != ".py":
        raise CliError(f"{path}: the name of a Python file ends in .py.")
    with file_errors(path):
        try:
            path.open("x").close()
        except FileExistsError:
            raise CliError(f"{path} exists and is left as it is; choose another file with -o.") from None
    write(path, template.text(cls, str(path)))
    terminal.out(f"wrote {path}: edit the equations of {cls}, then `symcell check {path}`")


def _is_generated(path: Path) -> bool:
    with file_errors(path):
        head = path.read_bytes()[:400].lower()
    return b"symcell" in head and b"do not edit" in head
