"""Where the cache goes when the usual place is missing, unwritable, or open to others."""

import os
import stat
import tempfile
import warnings
from pathlib import Path

import platformdirs
import pytest

from symcell.runtime import root
from symcell.runtime.errors import CacheError, CacheWarning


@pytest.fixture
def home(cache_folder, tmp_path, monkeypatch):
    """No cache folder is chosen, and the home folder is the test's own."""
    for variable in ("SYMCELL_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    return tmp_path / "home"


def falls_back(match):
    """The root is a private temporary folder, and the warning, given once, says why."""
    with pytest.warns(CacheWarning, match=match):
        folder = root.cache_root()
    assert folder.parent == Path(tempfile.gettempdir()).resolve()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with warnings.catch_warnings(action="error"):
        assert root.cache_root() == folder
    return folder


def test_the_chosen_folder_is_made_private_with_its_parents(tmp_path, monkeypatch):
    folder = tmp_path / "a b" / "c'd"
    monkeypatch.setenv("SYMCELL_CACHE_DIR", str(folder))
    before = os.umask(0)
    try:
        assert root.cache_root() == folder.resolve()
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


def test_a_relative_choice_and_a_link_become_the_real_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    monkeypatch.setenv("SYMCELL_CACHE_DIR", "link/cache")
    assert root.cache_root() == (tmp_path / "disk" / "cache").resolve()


def test_without_a_choice_it_is_below_the_home_folder(home):
    assert root.cache_root().is_relative_to(home.resolve())
    assert root.cache_root().name == "symcell"


def test_an_empty_choice_is_none(home, monkeypatch):
    monkeypatch.setenv("SYMCELL_CACHE_DIR", "")
    assert root.cache_root().is_relative_to(home.resolve())


def test_home_is_a_file(home, monkeypatch):
    (home / "file").touch()
    monkeypatch.setenv("HOME", str(home / "file"))
    falls_back("is not a folder")


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc")
def test_home_cannot_be_written(home, monkeypatch):
    monkeypatch.setenv("HOME", "/proc")
    falls_back("/proc/.cache")


def test_the_cache_folder_cannot_be_written(cache_folder, home, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # permission bits do not stop root
    falls_back("is not writable")


def test_nobody_knows_the_home(home, monkeypatch):
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: Path("~/.cache/symcell"))
    falls_back("no home folder is known")


def test_a_folder_open_to_others(home, tmp_path, monkeypatch):
    monkeypatch.setenv("SYMCELL_CACHE_DIR", str(tmp_path / "open"))
    for mode in (0o777, 0o1777, 0o775):
        (tmp_path / "open").mkdir(exist_ok=True)
        (tmp_path / "open").chmod(mode)
        monkeypatch.setattr(root, "_temporary", None)
        falls_back("not yours alone")
        assert list((tmp_path / "open").iterdir()) == []


def test_a_folder_of_a_stranger(home, tmp_path, monkeypatch):
    monkeypatch.setenv("SYMCELL_CACHE_DIR", str(tmp_path / "theirs"))
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    falls_back("not yours alone")


def test_a_folder_that_strangers_could_replace(home, tmp_path, monkeypatch):
    monkeypatch.setenv("SYMCELL_CACHE_DIR", str(tmp_path / "open" / "mine"))
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    falls_back("writable by every user")
    (tmp_path / "open").chmod(0o1777)  # as /tmp: only owners rename
    assert root.cache_root().name == "mine"


def test_a_temporary_folder_that_was_cleaned_away_is_made_anew(home, monkeypatch):
    (home / ".cache").touch()
    (home / "Library").touch()  # the same on macOS
    falls_back("is not a folder").rmdir()
    falls_back("is not a folder")


def test_no_folder_at_all_is_an_error(home, monkeypatch):
    (home / "file").touch()
    monkeypatch.setenv("SYMCELL_CACHE_DIR", str(home / "file"))
    monkeypatch.setattr(tempfile, "tempdir", str(home / "missing"))
    with pytest.raises(CacheError, match="no folder to compile kernels in"):
        root.cache_root()


def test_the_temporary_folder_goes_when_its_process_ends_not_when_a_child_does(home, python):
    code = """
import os, sys
from symcell.runtime.root import cache_root
folder = cache_root()
(folder / "file").touch()
if os.fork() == 0:
    assert cache_root() == folder
    sys.exit()
os.wait()
assert (folder / "file").exists()
print(folder)
"""
    temporary = str(home.parent / "tmp")
    started = python(code, "-W", "ignore::RuntimeWarning", TMPDIR=temporary, SYMCELL_CACHE_DIR=__file__)
    output, errors = started.communicate(timeout=30)
    assert started.returncode == 0, errors
    assert output.strip().startswith(temporary)
    assert not Path(output.strip()).exists()
