"""The recorded run: python -m tests.random_cells --cells 10000 --compiled 300 --hostile 10000 --seed 0."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile

from tests.random_cells import hostile
from tests.random_cells.campaign import Tally, campaign, one_by_one
from tests.random_cells.generator import drawn_cells, seeded
from tests.random_cells.kernels import check_kernel
from tests.random_cells.oracles import check, check_texts

TEXTS_EVERY = 10  # cells: derivation and source are printed for one in so many


def progress(tally: Tally) -> None:
    """One line, on the same line of the terminal."""
    print(f"\r{tally.count} cells, {sum(tally.refused.values())} refused, {sum(tally.failed.values())} failed, "
          f"{tally.seconds:.0f} s ", end="", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.random_cells", description=__doc__)
    parser.add_argument("--cells", type=int, default=0, help="through graph, interpreter and document")
    parser.add_argument("--compiled", type=int, default=0, help="through the compiler, in both precisions")
    parser.add_argument("--hostile", type=int, default=0, help="malformed declarations")
    parser.add_argument("--seed", type=int, default=0, help="of the first batch of 100, or the first compiled cell")
    given = parser.parse_args()
    tallies = []
    if given.cells:
        tallies.append(("graph, interpreter, document", campaign(
            drawn_cells(), check, given.cells, given.seed, progress)))
        texts = given.cells // TEXTS_EVERY
        tallies.append(("schedule, source, derivation", campaign(
            drawn_cells(), check_texts, texts, given.seed, progress)))
    if given.compiled:
        os.environ["SYMCELL_CACHE_DIR"] = cache = tempfile.mkdtemp(prefix="symcell-random-")
        cells = map(seeded, range(given.seed, given.seed + given.compiled))
        tallies.append(("compiled", one_by_one(cells, check_kernel, progress)))
        shutil.rmtree(cache)
    if given.hostile:
        tallies.append(("malformed", campaign(hostile.malformed(), hostile.check, given.hostile, given.seed, progress)))
    for title, tally in tallies:
        print(f"\n=== {title}, seed {given.seed}: {tally}")
    return int(any(tally.failed for _, tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
