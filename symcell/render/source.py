"""Program -> Source: the text of the .pyx and of its .h, through the templates.

Decisions are the scheduler's and expressions the printer's; what is made here are the names and the pointers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from symcell.declare.spec import CellSpec
from symcell.graph.ir import PASSED
from symcell.render import once, sizes
from symcell.render import stage as stage_view
from symcell.render.environment import environment
from symcell.render.functions import registered
from symcell.render.gradients import GradientLine, gradient_lines
from symcell.render.identifiers import Identifiers, identifiers
from symcell.render.metadata import literal, metadata
from symcell.render.once import OnceView
from symcell.render.stage import StageView
from symcell.render.text import equations
from symcell.schedule.program import Panel, Pass, Program


@dataclass(frozen=True)
class Source:
    """The text of one kernel's module. `files` maps file names to their texts."""

    name: str
    files: dict[str, str]


@dataclass(frozen=True)
class PhaseView:
    """A phase: what it treats at once, and its stages."""

    kind: str
    stages: tuple[StageView, ...]


@dataclass(frozen=True)
class PassView:
    """What the templates need of one pass."""

    name: str
    struct: str
    reverse: bool
    dims: tuple[str, ...]
    buffers: tuple[tuple[str, str, str, str], ...]  # (name, C field, C row length, comment)
    params: tuple[tuple[str, str, str, str, bool], ...]  # (name, C field, C length, comment, whether only packed)
    panels: tuple[tuple[str, str, str], ...]  # (name, C field, C length)
    phases: tuple[PhaseView, ...]
    gradients: tuple[GradientLine, ...]

    @property
    def before(self) -> tuple[StageView, ...]:
        """The stages for the whole sequence, before its steps."""
        return self.phases[0].stages if self.phases[0].kind == "whole" else ()

    @property
    def after(self) -> tuple[StageView, ...]:
        """The stages for the whole sequence, after its steps."""
        return self.phases[-1].stages if self.phases[-1].kind == "whole" else ()

    @property
    def stages(self) -> tuple[StageView, ...]:
        """All stages, in order."""
        return tuple(stage for phase in self.phases for stage in phase.stages)


def render(name: str, spec: CellSpec, program: Program, version: str) -> Source:
    """Return the module `name` that runs the program of a cell."""
    names = identifiers(program.forward.graph, program.backward.graph)
    views = {p.name: _pass(name, spec, p, names) for p in (program.forward, program.backward)}
    derive, chain_rule = once.before(program.forward.graph, names), once.after(program.backward.graph, names)
    context = {
        "name": name,
        "cell": spec.name,
        "version": version,
        "doc": _docstring(spec.doc),
        "equations": equations(spec),
        "dims": spec.dims,
        "functions": registered(program.forward.graph, program.backward.graph),
        "passes": list(views.values()),
        "backward": views["backward"],
        "derive": derive,
        "chain_rule": chain_rule,
        "helpers": _helpers([*views["backward"].gradients, *filter(None, (derive, chain_rule))]),
        "packs": any(view.panels for view in views.values()),
        "reads": any(view.params for view in views.values()),
        "metadata": literal(metadata(name, spec, program)),
        "explain": str(program),
        "reduces": any(stage.reductions for p in (program.forward, program.backward) for stage in p.stages),
    }
    files = {f"{name}.{kind}": environment().get_template(f"kernel.{kind}.jinja").render(context)
             for kind in ("pyx", "h")}
    return Source(name, files)


def _helpers(written: Iterable[GradientLine | OnceView]) -> list[str]:
    """Return what the NumPy lines of a module take from symcell.runtime.once."""
    text = "\n".join(line for part in written for line in part.lines)
    return [name for name in ("added", "all_of", "blocks") if f"{name}(" in text]


def _docstring(text: str) -> str:
    """Return user text that is safe between triple double quotes; control characters go."""
    kept = "".join(c for c in text if c.isprintable() or c == "\n")
    return kept.replace("\\", "\\\\").replace('"', '\\"')


def _pass(module: str, spec: CellSpec, p: Pass, names: Identifiers) -> PassView:
    read = {name for stage in p.stages for name in stage.reads}
    read |= {s.name for stage in p.stages for a in stage.body for s in a.expression.free_symbols}
    packed = {term.matrix for panel in p.panels for _, terms in panel.accumulators for term in terms}
    params = [v for v in p.graph.with_role(*PASSED) if v.name in read | packed]
    phases = tuple(
        PhaseView(phase.kind, tuple(stage_view.view(module, p, stage, names, phase.kind == "batch")
                                    for stage in phase.stages))
        for phase in p.phases)
    return PassView(
        name=p.name,
        struct=f"{module}_{p.name}",
        reverse=p.graph.reverse,
        dims=spec.dims,
        buffers=tuple((b.name, f"m_{names(b.name)}", sizes.extent(b.width),
                       f"{' | '.join(value for value, _ in b.columns)}: {b.why}") for b in p.buffers),
        params=tuple((v.name, f"p_{names(v.name)}", _product(v.dims), f"({', '.join(v.dims)})", v.name not in read)
                     for v in params),
        panels=tuple((panel.name, f"panel_{panel.name}", _panel_length(p, panel)) for panel in p.panels),
        phases=phases,
        gradients=gradient_lines(p, spec),
    )


def _product(dims: tuple[str, ...]) -> str:
    return " * ".join(f"c.n_{dim}" for dim in dims) or "1"


def _panel_length(p: Pass, panel: Panel) -> str:
    """Python text: numbers in a packed panel, its lanes rounded up to a whole cache line."""
    lanes = f"whole_lines(c.n_{p.lanes(panel)}, itemsize)"
    gates = f"{len(panel.accumulators)} * " if len(panel.accumulators) > 1 else ""
    return f"{gates}{lanes} * {sizes.factor(p.inner_dims(panel), 'c.n_')}"
