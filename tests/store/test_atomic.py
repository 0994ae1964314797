"""Nothing appears under its final name before it is complete, and nothing old is lost when the new one fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfxfer.store.atomic import replaced_file, replaced_folder, write_json


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(InterruptedError):
        _stop_half_way(path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def _stop_half_way(path: Path) -> None:
    with replaced_file(path) as temporary:
        temporary.write_text("half")
        raise InterruptedError


def test_a_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    folder.mkdir()
    (folder / "old").touch()
    with replaced_folder(folder) as temporary:
        (temporary / "new").touch()
        assert (folder / "old").exists()
    assert [file.name for file in folder.iterdir()] == ["new"]
    assert [file.name for file in tmp_path.iterdir()] == ["result"]


def test_a_folder_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "result"
    folder.mkdir()
    (folder / "old").touch()
    with pytest.raises(FileNotFoundError), replaced_folder(folder) as temporary:
        (temporary / "missing").unlink()
    assert [file.name for file in folder.iterdir()] == ["old"]


def test_numbers_that_json_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert not list(tmp_path.iterdir())
