"""Results that several runs share: whole or not at all, checked when taken, within a limit, from several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tfxfer.errors import UsageError
from tfxfer.store.place import cache_folder, cache_limit_bytes
from tfxfer.store.shared import SharedCache
from tfxfer.store.whole import damage, seal


def result(folder: Path, text: str = "weights", size: int = 100) -> Path:
    """A sealed folder."""
    (folder / "part").mkdir(parents=True)
    (folder / "part" / "file").write_bytes(text.encode() * size)
    (folder / "key.json").write_text("{}")
    seal(folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> SharedCache:
    """An empty one."""
    return SharedCache(tmp_path / "cache", 1_000_000)


def test_what_was_put_is_taken(cache: SharedCache, tmp_path: Path) -> None:
    assert cache.take("stages/a", tmp_path / "taken") is None
    assert not (tmp_path / "taken").exists()
    assert cache.put("stages/a", result(tmp_path / "made")) is None
    assert cache.take("stages/a", tmp_path / "taken") == ""
    assert damage(tmp_path / "taken") is None
    assert (tmp_path / "taken" / "part" / "file").read_bytes() == b"weights" * 100


@pytest.mark.parametrize("how", ["other bytes", "shorter", "gone", "seal"])
def test_a_damaged_entry_is_said_and_removed(cache: SharedCache, tmp_path: Path, how: str) -> None:
    cache.put("stages/a", result(tmp_path / "made"))
    file = cache.path / "stages" / "a" / ("files.json" if how == "seal" else "part/file")
    data = file.read_bytes()
    file.unlink()
    if how != "gone":
        file.write_bytes(data[:-10] if how == "shorter" else b"x" + data[1:])
    said = cache.take("stages/a", tmp_path / "taken")
    assert said is None if how == "gone" else said
    assert not (tmp_path / "taken").exists()
    if how in ("other bytes", "shorter"):
        assert "part/file" in str(said)
        assert not (cache.path / "stages" / "a").exists()


def test_a_name_that_leaves_the_folder_is_not_followed(cache: SharedCache, tmp_path: Path) -> None:
    made = result(tmp_path / "made")
    (tmp_path / "secret").write_text("secret")
    (made / "files.json").write_text('{"../secret": [6, "0"]}')
    assert damage(made)
    assert cache.put("stages/a", made) is not None or not (cache.path / "secret").exists()
    assert not list(cache.path.rglob("secret"))


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    cache = SharedCache(tmp_path / "cache", 1_500)
    for number, name in enumerate("abc"):
        cache.put(f"stages/{name}", result(tmp_path / name))
        os.utime(cache.path / "stages" / name, (number, number))
        if name == "b":
            cache.take("stages/a", tmp_path / "taken")  # used now
    assert [entry.name for entry in cache.entries()] == ["stages/c", "stages/a"]
    assert [entry.name for entry in cache.shrink(0)] == ["stages/c", "stages/a"]
    assert cache.entries() == []
    assert (tmp_path / "taken" / "part" / "file").is_file()  # what was taken stays


def test_what_is_larger_than_the_cache_is_not_put(tmp_path: Path) -> None:
    cache = SharedCache(tmp_path / "cache", 100)
    assert "more than the 100" in str(cache.put("stages/a", result(tmp_path / "made")))
    assert cache.entries() == []


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = SharedCache(tmp_path / "cache", 1_000_000)
    assert "cache" in str(cache.put("stages/a", result(tmp_path / "made")))
    assert cache.take("stages/a", tmp_path / "taken") is None


BUSY = """
import sys
from pathlib import Path
from tests.store.test_shared import result
from tfxfer.store.shared import SharedCache
from tfxfer.store.whole import damage
cache, own = SharedCache(Path(sys.argv[1]), 3_000), Path(sys.argv[2])
for turn in range(60):
    name = f"stages/{turn % 5}"
    taken = own / f"taken {turn}"
    said = cache.take(name, taken)
    assert said in ("", None), said
    if said == "":
        assert damage(taken) is None
        assert (taken / "part/file").read_bytes() == str(turn % 5).encode() * 100
    else:
        assert cache.put(name, result(own / f"made {turn}", str(turn % 5))) is None
    if turn % 7 == 0:
        cache.shrink(500)
"""


def test_several_processes_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BUSY, str(tmp_path / "cache")]
    processes = [
        subprocess.Popen([*command, str(tmp_path / name)], stderr=subprocess.PIPE, text=True)
        for name in "abc"
    ]
    told = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], told


def test_where_and_how_much() -> None:
    assert cache_folder({"TFXFER_CACHE": "/x"}) == Path("/x")
    if sys.platform != "darwin":
        assert cache_folder({"XDG_CACHE_HOME": "/y"}) == Path("/y/tfxfer")
    assert cache_limit_bytes({}) == 20_000_000_000
    assert cache_limit_bytes({"TFXFER_CACHE_GB": "0.5"}) == 500_000_000
    for text in ("much", "-1", "nan"):
        with pytest.raises(UsageError, match="TFXFER_CACHE_GB"):
            cache_limit_bytes({"TFXFER_CACHE_GB": text})
