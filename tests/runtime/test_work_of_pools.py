"""One pool of threads serves all calls (pool.h): a thread is made once, and is placed once on other cores."""

import json
import shutil
import subprocess
import sys

import pytest

from symcell.compiler import stages
from symcell.runtime.fingerprint import INCLUDE
from symcell.runtime.toolchain import find_compiler
from symcell.zoo import PREBUILT

# Two cores, whatever this machine has, and always on the first: where a thread really runs does not matter here.
UNIT = r"""
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

static int made, placed;
static long done;

static int make(pthread_t *thread, void *(*serve)(void *)) { return ++made, pthread_create(thread, NULL, serve, NULL); }
static int cores_of(cpu_set_t *cores) {
    CPU_ZERO(cores);
    CPU_SET(0, cores);
    CPU_SET(1, cores);
    return 0;
}
#define pthread_create(thread, attributes, serve, argument) make(thread, serve)
#define pthread_setaffinity_np(thread, size, cores) (++placed)
#define sched_getaffinity(process, size, cores) cores_of(cores)
#define sched_getcpu() 0
#include "symcell/pool.h"

struct call { struct sc_team team; };

static void work(void *given) {
    struct call *const call = given;
    SC_SHARED(&call->team, part) __atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
}

int main(int count, char **arguments) {
    (void)count;
    struct call call;
    for (int k = 0; k < atoi(arguments[1]); ++k) sc_run(work, &call, sizeof call, &call.team, 1 + k % 3);
    printf("{\"made\": %d, \"placed\": %d, \"done\": %ld}\n", made, placed, done);
    return 0;
}
"""


def pool(folder, calls, include=INCLUDE):
    """What so many calls do that ask for one, two and three threads in turn."""
    (folder / "unit.c").write_text(UNIT)
    command = [*find_compiler().command, "-O1", "-std=gnu11", "-w", f"-I{include}", str(folder / "unit.c"), "-pthread"]
    subprocess.run([*command, "-o", str(folder / "unit")], check=True)
    done = subprocess.run([str(folder / "unit"), str(calls)], capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


linux = pytest.mark.skipif(sys.platform != "linux", reason="threads are placed on cores on Linux only")


@linux
def test_a_thousand_calls_share_two_threads(tmp_path):
    assert pool(tmp_path, 999) == {"made": 2, "placed": 1 + 2, "done": 333 * (1 + 2 + 3)}


@linux
@pytest.mark.parametrize(("right", "wrong", "found"), [
    ("    sc_pool.parts = 0;\n", "    sc_pool.parts = sc_pool.count = 0;\n", {"made": 30, "placed": 30, "done": 60}),
    ("sc_pool.placed == sc_pool.count &&", "0 &&", {"made": 2, "placed": 1 + 19 * 2, "done": 60}),
], ids=["threads for each call", "placed for each call"])
def test_more_threads_are_reported(right, wrong, found, tmp_path):
    header = shutil.copytree(INCLUDE, tmp_path / "include") / "symcell" / "pool.h"
    assert right in header.read_text(), "no error was planted"
    header.write_text(header.read_text().replace(right, wrong))
    assert pool(tmp_path, 30, tmp_path / "include") == found


@pytest.mark.parametrize("cell", PREBUILT)
def test_no_kernel_has_a_pool_of_its_own(cell):
    files = stages(cell).source.files
    assert "from symcell.runtime.native cimport" in files[f"{cell}.pyx"]
    assert not [word for text in files.values() for word in ("pool.h", "sc_run", "pthread", "openmp") if word in text]
