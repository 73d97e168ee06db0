"""Cython in processes that stay: the same C text, the same errors, and nobody left behind."""

import threading

import pytest

from symcell.runtime import process, toolchain, translators
from symcell.runtime.errors import BuildError
from symcell.runtime.translators import Translators

UNITS = {"one": "def f(int x):\n    return [x + k for k in range(3)]\n",
         "two": "cdef class A:\n    cdef double v\n    def get(self):\n        return self.v\n",
         "three": "def g():\n    def h():\n        yield 1\n    return h\n"}


def written(folder):
    folder.mkdir()
    for name, text in UNITS.items():
        (folder / f"{name}.pyx").write_text(text, encoding="utf-8")
    return [folder / f"{name}.pyx" for name in UNITS]


def test_the_text_does_not_depend_on_what_was_translated_before(tmp_path):
    fresh = {path.stem: toolchain.cythonize(path, f"a.b.{path.stem}").read_bytes() for path in written(tmp_path / "x")}
    with Translators() as translate:
        for path in [*written(tmp_path / "y"), *reversed(written(tmp_path / "z"))]:
            assert translate(path, f"a.b.{path.stem}").read_bytes() == fresh[path.stem]
            assert len(process._running) == 1, "one process serves one thread"
    assert not process._running


def test_threads_translate_at_the_same_time(tmp_path):
    paths = [path for k in range(3) for path in written(tmp_path / str(k))]
    with Translators() as translate:
        threads = [threading.Thread(target=translate, args=(path, path.stem)) for path in paths]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(path.with_suffix(".c").stat().st_size > 1000 for path in paths)
    assert not process._running


def test_a_file_that_cython_refuses_is_explained_and_the_next_is_translated(tmp_path):
    good, bad, _ = written(tmp_path / "x")
    bad.write_text("def f(:\n", encoding="utf-8")
    with Translators() as translate:
        with pytest.raises(BuildError, match=r"(?s)could not translate two.pyx.*two.pyx:1:6"):
            translate(bad, "two")
        assert translate(good, "one").exists()


@pytest.mark.parametrize("program", ["", "import time\ntime.sleep(60)\n", "print('nonsense')\n"])
def test_a_process_that_fails_or_hangs_is_done_without(tmp_path, monkeypatch, program):
    worker = tmp_path / "worker.py"
    worker.write_text(program, encoding="utf-8")
    monkeypatch.setattr(translators, "_WORKER", worker)
    monkeypatch.setattr(translators, "TIMEOUT", 0.5)
    path, *_ = written(tmp_path / "x")
    with Translators() as translate:
        assert translate(path, "one").exists()
    assert not process._running
