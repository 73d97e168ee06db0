"""Many random cells through the oracles, counted: what `python -m tests.random_cells` and the tests run."""

from __future__ import annotations

import re
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from symcell import CellError

BATCH = 100
LISTED = 40


@dataclass
class Tally:
    """What happened: how many cases passed (and with what left unchecked), were refused, and failed; none twice."""

    passed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)  # of each failure the smallest case, and where it broke
    features: Counter[str] = field(default_factory=Counter)
    seen: set[int] = field(default_factory=set)
    seconds: float = 0.0

    @property
    def count(self) -> int:
        """How many cases there were."""
        return sum(self.passed.values()) + sum(self.refused.values()) + sum(self.failed.values())

    def __str__(self) -> str:
        lines = [f"{self.count} different ones in {self.seconds:.0f} s"]
        for title, counts in (("passed", self.passed), ("refused", self.refused), ("FAILED", self.failed)):
            lines.append(f"{title}: {sum(counts.values())}")
            lines += [f"  {count:>6}  {what or 'everything checked'}" for what, count in counts.most_common(LISTED)]
            lines += [f"          and {len(counts) - LISTED} others"] if len(counts) > LISTED else []
        if self.features:
            lines += ["with: " + ", ".join(f"{what} {count}" for what, count in self.features.most_common())]
        return "\n".join([*lines, *(f"\n--- {what}\n{text}" for what, text in self.examples.items())])

    def take(self, case: Any, check: Callable[[Any], str], counts: int = 1) -> Exception | None:
        """Check a case that was not seen before, count it, and return its failure."""
        text = repr(case)
        if counts and hash(text) in self.seen:
            return None
        try:
            self.passed[check(case)] += counts
        except CellError as error:
            self.refused[shape_of(str(error))] += counts
        except Exception as error:
            self.failed[signature(error)] += counts
            return error
        finally:
            if counts:
                self.seen.add(hash(text))
                self.features.update(features(text))
        return None

    def keep(self, case: Any, error: Exception) -> None:
        """Show this case as the example of its failure."""
        trace = "".join(traceback.format_exception(error, limit=-4))
        self.examples[signature(error)] = f"{case!r}\n{trace}"


def signature(error: BaseException) -> str:
    """What two failures for one reason have in common: the message without names, numbers and formulas."""
    first = str(error).strip().split("\n")[0]
    first = re.sub(r"'[^']*'", "...", first)
    text = re.sub(r"\b\w*\d\w*(\.next)?\b|-?\d+(\.\d+)?(e-?\d+)?", "#", first)
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {where.name}: {text[:90]}"


def shape_of(message: str) -> str:
    """A refusal without the formulas that it quotes."""
    text = re.sub(r"\b\w*\d\w*(\.next)?\b", "#", re.sub(r"'[^']*'", "...", message.split("\n")[0]))
    for pattern in (r"(?<=: )#( = .*)(?= is )", r"(?<=in )(.*)(?= do not agree)", r"(?<=agree: )(.*)", r"(?<=got )(.*)",
                    r"(?<=BlockDiagonal\()(.*)(?=, \.\.\.)"):
        text = re.sub(pattern, "...", text)
    return text[:110]


def campaign(strategy: st.SearchStrategy[Any], check: Callable[[Any], str], count: int, start: int = 0,
             progress: Callable[[Tally], None] = lambda tally: None, stop: bool = False) -> Tally:
    """Check at least `count` cases of a strategy, in batches; each kind of failure is shrunk once, then only counted.

    check: returns "" or what it left unchecked; a CellError is a refusal, whatever else it raises a failure.
    stop: at the first failure, which is not shrunk.
    """
    tally, begin, number = Tally(), time.perf_counter(), start
    while tally.count < count and not (stop and tally.failed):
        _batch(strategy, check, number, tally, stop)  # whole batches: the first case of each is the same
        tally.seconds, number = time.perf_counter() - begin, number + 1
        progress(tally)
    return tally


def _batch(strategy: st.SearchStrategy[Any], check: Callable[[Any], str], number: int, tally: Tally, stop: bool,
           ) -> None:
    shrinking: list[str] = []

    @seed(number)
    @settings(max_examples=BATCH, deadline=None, database=None, suppress_health_check=list(HealthCheck),
              phases=(Phase.generate,) if stop else (Phase.generate, Phase.shrink), report_multiple_bugs=False)
    @given(strategy)
    def run(case: Any) -> None:
        error = tally.take(case, check, 0 if shrinking else 1)
        if error is None:
            return
        what = signature(error)
        if what not in tally.examples or shrinking == [what]:  # seen before, it is counted and not shrunk again
            shrinking[:] = [what]
            tally.keep(case, error)  # the last one is the smallest
            raise error

    try:
        run()
    except Exception:
        if not shrinking:
            raise


def one_by_one(cases: Iterable[Any], check: Callable[[Any], str],
               progress: Callable[[Tally], None] = lambda tally: None) -> Tally:
    """Check cases that take long: nothing is shrunk."""
    tally, begin = Tally(), time.perf_counter()
    for case in cases:
        error = tally.take(case, check)
        if error is not None:
            tally.keep(case, error)
        tally.seconds = time.perf_counter() - begin
        progress(tally)
    return tally


FEATURES = {
    "several inputs": r"input .*\n *input ", "input of the sequence": "for the whole sequence",
    "third dimension": r"\(P\)",
    "several states": r"state .*\n *state ", "unlearned": "not learned", "constant": "const ", "where": r"where\(",
    "reduction": r"reduce_", "softmax": r"\(1/reduce_sum", "normalisation": r"sqrt\(reduce_mean", "transpose": r"\.T",
    "products nested": r"@ \(.*@", "U - U.T": r"A\d+ = .*W(\d+) - W\1.T", "blocks": "BlockDiagonal",
    "softmax of a matrix": "axis=", "entrywise product": r"W\d+(\.T)?\*W\d+",
    "once per call": r"\n *[sA]\d+ = ", "own output": r"output y",
}


def features(text: str) -> list[str]:
    """What of the language a declaration uses."""
    functions = {f"{name}()" for name in re.findall(r"\b([a-z_]+)\(", text)} - {"where()"}
    return [*(what for what, pattern in FEATURES.items() if re.search(pattern, text)), *sorted(functions)]
