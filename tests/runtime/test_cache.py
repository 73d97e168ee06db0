"""Building: once, whatever happens at the same time; and leaving nothing behind that looks like success."""

import os
import signal
import stat
import threading
import time

import filelock
import pytest

from symcell.runtime import cache, load, process, store, toolchain
from symcell.runtime.errors import BuildError, CacheError

from .conftest import PROBE, Tools

BUILD = """
from symcell.runtime import cache, fingerprint
fingerprint.INCLUDE = fingerprint.Path("/none")  # as in this process, see conftest.no_headers
print(cache.build("probe", PROBE, ["base"]))
"""


def finished(started):
    output, errors = started.communicate(timeout=60)
    assert started.returncode == 0, errors
    return output


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def entries(folder):
    return sorted(path.name for path in folder.glob("*") if path.name not in ("locks", "logs"))


def test_a_real_build_works_in_a_folder_that_would_hurt_a_shell(built):
    assert load.load_extension("probe", built).twice(21) == 42
    assert "it's" in str(built)
    assert entries(built.parents[1]) == [built.parent.name]
    assert stat.S_IMODE(built.parent.stat().st_mode) == 0o700
    files = {"build.log", "manifest.json", "probe.h", "probe.pyx", built.name}
    assert {path.name for path in built.parent.iterdir()} == files


def test_progress_is_told_before_each_slow_step_only(cache_folder, tools):
    told = []
    cache.build("probe", PROBE, ["base"], told.append)
    assert [line.split()[0] for line in told] == ["cython", toolchain.find_compiler().command[0]]
    cache.build("probe", PROBE, ["base"], told.append)
    assert len(told) == 2


def test_instruction_sets_reach_the_compiler_as_defines_in_one_order(cache_folder, tools, monkeypatch):
    seen = []

    def compile_extension(c_path, out_path, include_dirs, defines=()):
        seen.append(defines)
        tools.compile_extension(c_path, out_path, include_dirs, defines)

    monkeypatch.setattr(toolchain, "compile_extension", compile_extension)
    path = cache.build("probe", PROBE, ["base", "avx512", "avx512"])
    assert seen == [["SC_ONLY_AVX512=1", "SC_ONLY_BASE=1"]]
    assert cache.build("probe", PROBE, ("avx512", "base")) == path
    assert tools.compiles == 1


def test_different_sources_live_side_by_side(cache_folder, tools):
    first = cache.build("probe", PROBE, ["base"])
    second = cache.build("probe", {**PROBE, "probe.h": PROBE["probe.h"] + "\n"}, ["base"])
    assert first.parent != second.parent
    assert first.exists()
    assert second.exists()


NAMES = [
    "", "Probe", "a b", "a-b", "a/b", "../a", "1a", "a;b", "$(a)", "a\n", "a.b", "-a", "é", "a" * 101, "a\0",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_not_plain_are_refused(name, cache_folder, tools):
    with pytest.raises(ValueError, match="cannot name a kernel"):
        cache.build(name, {f"{name}.pyx": ""}, ["base"])
    with pytest.raises(ValueError, match="cannot name a kernel"):
        load.load_extension(name, "anything.so")
    if name:
        with pytest.raises(ValueError, match="cannot be a kernel's source"):
            cache.build("probe", {**PROBE, f"{name}.h": ""}, ["base"])
    assert not cache_folder.exists()


def test_other_wrong_arguments_are_refused(cache_folder, tools):
    with pytest.raises(ValueError, match=r"has no probe\.pyx among its files \(probe\.h\)"):
        cache.build("probe", {"probe.h": ""}, ["base"])
    with pytest.raises(ValueError, match="cannot be a kernel's source"):
        cache.build("probe", {**PROBE, "manifest.json": "{}"}, ["base"])
    with pytest.raises(ValueError, match="'sse9' is not an instruction set"):
        cache.build("probe", PROBE, ["sse9"])


@pytest.mark.parametrize("file_locks", [True, False])
def test_threads_at_once_compile_once(file_locks, cache_folder, tools, monkeypatch):
    def unknown(*_, **__):
        raise NotImplementedError("this file system has no locks")

    if not file_locks:
        monkeypatch.setattr(filelock.FileLock, "acquire", unknown)
    tools.before = lambda: time.sleep(0.1)
    paths = []
    start = threading.Barrier(8)

    def work():
        start.wait()
        paths.append(cache.build("probe", PROBE, ["base"]))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert tools.compiles == 1
    assert len(paths) == 8
    assert len(set(paths)) == 1


def test_processes_at_once_compile_once(cache_folder, fake_cc, python):
    calls = fake_cc('echo call >> "$LOG"\nexec "$REAL" "$@"')
    started = [python(BUILD) for _ in range(3)]
    paths = {finished(one) for one in started}
    assert len(paths) == 1
    assert calls.read_text().split() == ["call"]


def test_a_lock_of_a_killed_process_holds_nobody_up(entry, tools, python):
    (entry.folder / store.MANIFEST).unlink()
    entry.lock.parent.mkdir()
    hold = (
        "import sys, time, filelock\nlock = filelock.FileLock(sys.argv[1])\nlock.acquire()\nprint(flush=True)"
    )
    holder = python(f"import sys\nsys.argv[1:] = [{str(entry.lock)!r}]\n{hold}\ntime.sleep(60)")
    holder.stdout.readline()
    told = []
    killer = threading.Timer(0.2, holder.kill)  # SIGKILL, while the build waits
    killer.start()
    before = time.monotonic()
    cache.build("probe", PROBE, ["base"], told.append)
    assert time.monotonic() - before < 5
    holder.communicate()
    assert holder.returncode == -signal.SIGKILL
    assert told[0] == "waiting for another process that compiles probe"
    assert tools.compiles == 1


def test_a_builder_killed_half_way_leaves_nothing_that_counts(
    cache_folder, fake_cc, python, built, monkeypatch
):
    calls = fake_cc('echo $$ > "$LOG"\nexec sleep 60')
    builder = python(BUILD)
    until(lambda: calls.exists() and calls.read_text())
    builder.kill()
    builder.communicate()
    os.kill(int(calls.read_text()), signal.SIGKILL)
    (remains,) = entries(cache_folder)
    assert remains.startswith(".probe-")
    monkeypatch.setattr(toolchain, "compile_extension", Tools(built).compile_extension)
    before = time.monotonic()
    path = cache.build("probe", PROBE, ["base"])
    assert time.monotonic() - before < 10
    assert load.load_extension("probe", path).twice(2) == 4
    assert entries(cache_folder) == [path.parent.name]


def test_a_lock_that_is_never_released_is_waited_for_only_so_long(entry, tools, python, monkeypatch):
    (entry.folder / store.MANIFEST).unlink()
    entry.lock.parent.mkdir()
    monkeypatch.setattr(cache, "LOCK_TIMEOUT", 0.1)
    start = time.monotonic()
    at_work = store.private_folder(entry)  # perhaps the holder's
    told = []
    with filelock.FileLock(entry.lock):
        cache.build("probe", PROBE, ["base"], told.append)
    assert time.monotonic() - start < 3
    assert told[1] == "going on with probe without a lock"
    assert tools.compiles == 1
    assert at_work.exists()


def test_remains_of_kernels_that_nobody_builds_again_go_after_a_day(cache_folder, tools):
    cache_folder.mkdir(mode=0o700)
    other = store.Entry(cache_folder, "other", "0" * 64)
    old, recent = store.private_folder(other), store.private_folder(other)
    os.utime(old, (0, time.time() - 2 * store.DAY))
    cache.build("probe", PROBE, ["base"])
    assert not old.exists()
    assert recent.exists()


def test_a_fork_while_another_thread_builds_can_build(cache_folder, python, built):
    code = f"""
import os, threading
from pathlib import Path
from symcell.runtime import cache, toolchain
extension = Path({str(built)!r}).read_bytes()
compiling, done = threading.Event(), threading.Event()
def cythonize(pyx_path, module_name):
    c_path = pyx_path.with_suffix(".c"); c_path.touch(); return c_path
def compile_extension(c_path, out_path, include_dirs, defines):
    if threading.current_thread() is thread and os.getpid() == parent:
        compiling.set(); done.wait()
    out_path.write_bytes(extension)
toolchain.cythonize, toolchain.compile_extension = cythonize, compile_extension
parent = os.getpid()
thread = threading.Thread(target=cache.build, args=("probe", PROBE, ["base"]))
thread.start()
compiling.wait()
child = os.fork()
if child == 0:  # here nobody will ever release the lock of the thread
    cache.LOCK_TIMEOUT = 0.1
    cache.build("probe", PROBE, ["base"])
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
done.set()
thread.join()
"""
    finished(python(code, "-W", "ignore:.*fork:DeprecationWarning"))
    assert len(entries(cache_folder)) == 1


def test_a_failing_compiler(cache_folder, fake_cc):
    fake_cc('for i in $(seq 30); do echo "line $i"; done\nexit 3')
    with pytest.raises(BuildError) as caught:
        cache.build("probe", PROBE, ["base"])
    message = str(caught.value)
    assert "could not compile probe.c: it ended with status 3" in message
    assert "fake 1.0" in message
    assert "line 30" in message
    assert "line 10\n" not in message
    log = caught.value.log
    assert str(log) in message
    assert log.parent == cache_folder / "logs"
    assert "line 1\n" in log.read_text()
    assert entries(cache_folder) == []


def test_after_a_failure_the_next_build_succeeds(cache_folder, tools):
    def fail():
        raise BuildError("no")

    tools.before = fail
    with pytest.raises(BuildError):
        cache.build("probe", PROBE, ["base"])
    tools.before = lambda: None
    assert load.load_extension("probe", cache.build("probe", PROBE, ["base"])).twice(1) == 2


def test_an_interrupted_build_leaves_no_entry_and_no_lock(cache_folder, tools):
    def interrupt():
        raise KeyboardInterrupt

    tools.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        cache.build("probe", PROBE, ["base"])
    assert entries(cache_folder) == []
    tools.before = lambda: None
    cache.build("probe", PROBE, ["base"])


def test_a_full_disk_is_a_cache_error(cache_folder, tools):
    def full():
        raise OSError(28, "No space left on device")

    tools.before = full
    with pytest.raises(CacheError, match=r"cannot be written to the cache: .*No space left"):
        cache.build("probe", PROBE, ["base"])
    assert entries(cache_folder) == []


def test_importing_and_finding_need_no_compiler_packages(entry, python):
    code = f"""
import sys
from symcell.runtime import cache, cpu, errors, load, toolchain, fingerprint
fingerprint.INCLUDE = fingerprint.Path({str(entry.root / "none")!r})
modules = lambda: {{name.partition(".")[0] for name in sys.modules}}
heavy = {{"Cython", "cython", "sympy", "jinja2", "filelock", "platformdirs"}}
assert not modules() & (heavy | {{"numpy"}}), modules()
path = cache.build("probe", PROBE, ["base"])
assert load.load_extension("probe", path).twice(2) == 4
assert not modules() & heavy, modules()
print(path)
"""
    assert finished(python(code)).strip() == str(entry.extension)


def test_the_tools_time_limit_is_within_the_locks():
    assert cache.LOCK_TIMEOUT > 2 * process.TIMEOUT
