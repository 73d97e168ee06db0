"""One private cache of compiled cells for the whole run, and one thread for every numerical library."""

import os
import shutil
import tempfile

# Before NumPy is imported: xdist already fills the cores, and results must not depend on how many there are.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_name, "1")


def pytest_configure(config):
    """Make the folder before a test module is imported; workers inherit it, so one compile serves all."""
    if not hasattr(config, "workerinput"):
        config.symcell_cache = tempfile.mkdtemp(prefix="symcell-tests-")
        os.environ["SYMCELL_CACHE_DIR"] = config.symcell_cache


def pytest_unconfigure(config):
    """The process that made the folder outlives the workers and removes it."""
    if hasattr(config, "symcell_cache"):
        shutil.rmtree(config.symcell_cache, ignore_errors=True)
