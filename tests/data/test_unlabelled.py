"""Loose files and folders for prediction, in the order given, with errors that name the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.pictures import fill, put
from tfxfer.data import decode_image, open_unlabelled, resize_image
from tfxfer.errors import DataError, RecordError, UsageError


def test_files_and_folders_are_read_in_order(tmp_path: Path) -> None:
    loose = put(tmp_path, "loose.png", 7)
    folder = fill(tmp_path / "folder", "b", "a", count=2)
    (folder / "notes.txt").write_text("no picture")
    pictures = open_unlabelled([str(loose), folder, loose], size=(4, 4))
    names = [
        str(path)
        for path in (loose, *(folder / name for name in ("a/000.png", "a/001.png", "b/000.png", "b/001.png")))
    ]
    found = list(pictures)
    assert [path for path, _ in found] == names
    assert len(pictures) == 5
    expected = resize_image(decode_image(loose.read_bytes()), (4, 4))
    np.testing.assert_array_equal(found[0][1], expected)


def test_batches(tmp_path: Path) -> None:
    pictures = open_unlabelled([fill(tmp_path, "a")], size=(4, 6), rule="crop")
    batches = list(pictures.batches(3))
    assert [images.shape for _, images in batches] == [(3, 4, 6, 3), (2, 4, 6, 3)]
    assert [Path(path).name for path in batches[1][0]] == ["003.png", "004.png"]


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    with pytest.raises(RecordError, match=r"bad.jpg' must be JPEG, PNG"):
        list(open_unlabelled([bad], size=(4, 4)))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"nowhere.png' must be a picture or a folder"):
        open_unlabelled([tmp_path / "nowhere.png"], size=(4, 4))


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must hold pictures"):
        open_unlabelled([tmp_path], size=(4, 4))


def test_a_picture_of_a_kind_that_is_not_read_is_named(tmp_path: Path) -> None:
    put(tmp_path, "1.png")
    (tmp_path / "2.heic").write_bytes(b"x")
    with pytest.raises(RecordError, match=r"2.heic' must be JPEG"):
        open_unlabelled([tmp_path], size=(4, 4))


def test_an_unknown_rule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Received: 'squash'"):
        open_unlabelled([tmp_path], size=(4, 4), rule="squash")  # type: ignore[arg-type]
