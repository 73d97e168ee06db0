"""Loading: one module per file, also from threads; and what cannot be loaded says why."""

import shutil
import sys
import threading

import pytest

from symcell.runtime import load
from symcell.runtime.errors import CacheError


def test_one_file_is_one_module_by_whatever_path(built, tmp_path):
    module = load.load_extension("probe", built)
    (tmp_path / "link.so").symlink_to(built)
    assert load.load_extension("probe", str(built)) is module
    assert load.load_extension("probe", tmp_path / "link.so") is module
    assert sys.modules[module.__name__] is module
    assert module.__name__.startswith("symcell._cache.k")


def test_loading_takes_no_name_from_anybody(built):
    load.load_extension("probe", built)
    assert "probe" not in sys.modules


def test_two_files_are_two_modules(built, tmp_path):
    copy = shutil.copy(built, tmp_path / built.name)
    first, second = load.load_extension("probe", built), load.load_extension("probe", copy)
    assert first is not second
    assert first.twice(4) == second.twice(4) == 8


def test_threads_at_once_load_once(built, tmp_path, monkeypatch):
    copy = shutil.copy(built, tmp_path / built.name)
    imports = []
    real = load._import
    monkeypatch.setattr(load, "_import", lambda *where: imports.append(where) or real(*where))
    start = threading.Barrier(8)
    modules = []

    def work():
        start.wait()
        modules.append(load.load_extension("probe", copy))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(imports) == 1
    assert len(modules) == 8
    assert len({id(module) for module in modules}) == 1


@pytest.mark.parametrize("content", [b"", b"not a library", None])
def test_what_cannot_be_loaded_is_a_cache_error_that_names_it(content, tmp_path):
    path = tmp_path / "probe.so"
    if content is not None:
        path.write_bytes(content)
    before = set(sys.modules)
    with pytest.raises(CacheError, match=r"'probe' at .*probe\.so cannot be loaded"):
        load.load_extension("probe", path)
    assert set(sys.modules) <= before


def test_a_module_of_another_name_is_refused(built):
    with pytest.raises(CacheError, match="PyInit_other"):
        load.load_extension("other", built)
