"""The machine: as many cores as threads, and what it can do at best, in the same process."""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from importlib import metadata

PACKAGES = ("symcell", "numpy", "torch", "jax", "onnxruntime", "torchrecurrent")


@contextlib.contextmanager
def pinned(threads: int) -> Iterator[None]:
    """Keep the process on as many cores as threads, and tell each library, before it is imported."""
    told = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    if threads == 1:
        told["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    told["JAX_PLATFORMS"] = "cpu"
    before = {name: os.environ.get(name) for name in told}
    # XLA, which has no other setting, and ONNX Runtime count the cores that they may use.
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else None
    os.environ.update(told)
    if cores:
        os.sched_setaffinity(0, sorted(cores)[:threads])
    try:
        yield
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def cores() -> int:
    """Return how many cores the process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _quickest(task: Callable[[], object], repetitions: int) -> float:
    task()
    times = []
    for _ in range(repetitions):
        begin = time.perf_counter()
        task()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def sgemm(dtype: str) -> float:
    """Return the operations per second of NumPy's product of two matrices of order 1024."""
    import numpy as np

    a = np.random.default_rng(0).random((1024, 1024)).astype(dtype)
    out = np.empty_like(a)
    return 2 * 1024.0**3 / _quickest(lambda: np.matmul(a, a, out=out), 5)


def bandwidth(threads: int = 1) -> float:
    """Return the bytes per second, read and written, of NumPy's copy of 256 MiB, one part per thread."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    source = np.ones(2**25)
    target = np.empty_like(source)
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    with ThreadPoolExecutor(threads) as pool:
        seconds = _quickest(lambda: list(pool.map(lambda pair: np.copyto(*pair), parts)), 5)
    return 2 * source.nbytes / seconds


def describe(threads: int) -> dict[str, object]:
    """Return what the figures belong to: processor, threads, rates, versions."""
    return {"processor": _processor(), "system": platform.system(), "threads": threads, "cores": cores(),
            "sgemm": {dtype: sgemm(dtype) for dtype in ("float32", "float64")}, "bandwidth": bandwidth(threads),
            "python": platform.python_version(), "versions": _versions()}


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
