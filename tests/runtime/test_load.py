"""Loading: one module per file, also from threads; and what cannot be loaded says why."""

import shutil
import sys
import threading
import time
from importlib.machinery import ExtensionFileLoader

import pytest

from symcell.runtime import load
from symcell.runtime.errors import CacheError


def test_one_file_is_one_module_by_whatever_path(built, tmp_path, monkeypatch):
    module = load.load_extension("probe", built)
    monkeypatch.setattr(load, "_import", lambda *_: pytest.fail("imported again"))
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
    imports, modules = [], []
    real = load._import
    start = threading.Barrier(8)

    def slow(*where):
        imports.append(where)
        time.sleep(0.05)
        return real(*where)

    monkeypatch.setattr(load, "_import", slow)

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


@pytest.mark.parametrize(("raised", "seen"), [(ImportError, CacheError), (RuntimeError, RuntimeError)])
def test_a_module_whose_initialiser_fails_is_forgotten(raised, seen, built, tmp_path, monkeypatch):
    def fail(self, module):
        raise raised("in the module")

    copy = shutil.copy(built, tmp_path / built.name)
    before = set(sys.modules)
    with monkeypatch.context() as patch:
        patch.setattr(ExtensionFileLoader, "exec_module", fail)
        with pytest.raises(seen, match="in the module"):
            load.load_extension("probe", copy)
    assert set(sys.modules) <= before
    assert load.load_extension("probe", copy).twice(3) == 6


def test_a_module_of_another_name_is_refused(built):
    with pytest.raises(CacheError, match="PyInit_other"):
        load.load_extension("other", built)
