"""What a cache must not trust: each way in which an entry can be wrong. It is rebuilt, not loaded."""

import json
import os
import shutil
import stat

import pytest

from symcell.runtime import cache, load, root, store

from .conftest import PROBE


def cut(entry):
    replace(entry.extension, entry.extension.read_bytes()[: entry.extension.stat().st_size * 22 // 100])


def flip(position):
    def change(entry):
        content = bytearray(entry.extension.read_bytes())
        content[int(position * (len(content) - 1))] ^= 1
        replace(entry.extension, bytes(content))

    change.__name__ = f"flip_at_{position}"
    return change


def replace(path, content):
    path.unlink()
    path.write_bytes(content)
    path.chmod(0o600)


def append(entry):
    replace(entry.extension, entry.extension.read_bytes() + b"\0")


def no_extension(entry):
    entry.extension.unlink()


def no_manifest(entry):
    (entry.folder / store.MANIFEST).unlink()


def half_a_manifest(entry):
    text = (entry.folder / store.MANIFEST).read_bytes()
    replace(entry.folder / store.MANIFEST, text[: len(text) // 2])


def manifest_is_a_list(entry):
    replace(entry.folder / store.MANIFEST, b"[]")


def manifest_is_noise(entry):
    replace(entry.folder / store.MANIFEST, b"\xff\xfe\x00")


def other(field, value):
    def change(entry):
        path = entry.folder / store.MANIFEST
        replace(path, json.dumps({**json.loads(path.read_text()), field: value}).encode())

    change.__name__ = f"other_{field}"
    return change


def empty_folder(entry):
    shutil.rmtree(entry.folder)
    entry.folder.mkdir(mode=0o700)


def a_file_in_its_place(entry):
    shutil.rmtree(entry.folder)
    entry.folder.write_bytes(b"")


def a_link_in_its_place(entry):
    moved = entry.folder.rename(entry.root / "elsewhere")
    entry.folder.symlink_to(moved, target_is_directory=True)


def extension_is_a_link(entry):
    moved = entry.extension.rename(entry.folder / "elsewhere.so")
    entry.extension.symlink_to(moved)


def extension_is_a_pipe(entry):
    entry.extension.unlink()
    os.mkfifo(entry.extension, 0o600)


def folder_open_to_all(entry):
    entry.folder.chmod(0o777)


def folder_open_to_the_group(entry):
    entry.folder.chmod(0o770)


def extension_open_to_all(entry):
    entry.extension.chmod(0o777)


def manifest_open_to_all(entry):
    (entry.folder / store.MANIFEST).chmod(0o666)


WRONG = [
    cut, flip(0.0), flip(0.3), flip(0.8), flip(1.0), append, no_extension, no_manifest, half_a_manifest,
    manifest_is_a_list, manifest_is_noise, other("schema", 0), other("key", "0" * 64), other("size", 1),
    other("extension", "probe.so"), other("sha256", "0" * 64), empty_folder, a_file_in_its_place,
    a_link_in_its_place, extension_is_a_link, extension_is_a_pipe, folder_open_to_all,
    folder_open_to_the_group, extension_open_to_all, manifest_open_to_all,
]  # fmt: skip


@pytest.mark.parametrize("damage", WRONG, ids=lambda change: change.__name__)
def test_a_damaged_entry_is_rebuilt_and_never_executed(damage, entry, tools, monkeypatch):
    monkeypatch.setattr(load, "_import", lambda *_: pytest.fail("executed"))
    damage(entry)
    assert store.verified(entry) is None
    assert cache.build("probe", PROBE, ["base"]) == entry.extension
    assert tools.compiles == 1
    assert entry.extension.read_bytes() == tools.extension
    assert store.verified(entry) == entry.extension


def test_an_untouched_entry_is_not_rebuilt(entry, tools):
    assert cache.build("probe", PROBE, ["base"]) == entry.extension
    assert tools.compiles == 0


def test_a_strangers_entry_is_not_trusted(entry, monkeypatch):
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    assert not root.is_private(entry.extension.stat())
    assert store.verified(entry) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("place", ["folder", "extension"])
def test_what_was_given_away_is_rebuilt(place, entry, tools):
    os.chown(getattr(entry, place), 65534, 65534)
    assert cache.build("probe", PROBE, ["base"]) == entry.extension
    assert tools.compiles == 1


def test_everything_published_is_private_under_any_umask(cache_folder, tools):
    before = os.umask(0)
    try:
        path = cache.build("probe", PROBE, ["base"])
    finally:
        os.umask(before)
    for trusted in (cache_folder, path.parent, path, path.parent / store.MANIFEST):
        assert not stat.S_IMODE(trusted.stat().st_mode) & 0o022, trusted


def test_the_manifest_says_what_the_kernel_depends_on(entry):
    manifest = json.loads((entry.folder / store.MANIFEST).read_text())
    assert manifest["key"] == entry.key
    assert manifest["size"] == entry.extension.stat().st_size
    assert manifest["inputs"]["isas"] == ["base"]
    assert list(manifest["inputs"]["files"]) == ["probe.h", "probe.pyx"]


def test_a_rival_without_the_lock_that_published_first_wins(entry):
    folder = store.private_folder(entry)
    replace(entry.extension, content := entry.extension.read_bytes())
    inode = entry.extension.stat().st_ino
    (folder / entry.extension.name).write_bytes(content)
    store.seal(entry, folder, {})
    assert store.publish(entry, folder) == entry.extension
    assert entry.extension.stat().st_ino == inode


def test_replacing_an_entry_leaves_no_remains(entry, tools):
    cut(entry)
    cache.build("probe", PROBE, ["base"])
    assert sorted(path.name for path in entry.root.iterdir()) == ["locks", entry.folder.name]


def test_a_file_system_that_loses_what_was_written_is_an_error(cache_folder, tools, monkeypatch):
    monkeypatch.setattr(store, "verified", lambda entry: None)
    with pytest.raises(cache.CacheError, match="does not hold what was written"):
        cache.build("probe", PROBE, ["base"])


def test_a_loaded_extension_outlives_its_replacement(entry, tools):
    module = load.load_extension("probe", entry.extension)
    inode = entry.extension.stat().st_ino
    (entry.folder / store.MANIFEST).unlink()
    path = cache.build("probe", PROBE, ["base"])
    assert path.stat().st_ino != inode
    assert module.twice(21) == 42
    assert load.load_extension("probe", path) is module
