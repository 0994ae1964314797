"""Folders are read as classes or as given splits, in an order of their own, and oddities are named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.data.pictures import fill, put
from tfxfer.data import open_source
from tfxfer.data.records import Record
from tfxfer.errors import DataError, RecordError, UsageError


def kinds(folder: Path) -> dict[str, str]:
    return {problem.kind: problem.message for problem in open_source(folder).problems()}


def test_each_folder_is_a_class(tmp_path: Path) -> None:
    fill(tmp_path, "rose", "daisy", count=2)
    records = open_source(tmp_path).records()
    assert [(record.path, record.label) for record in records] == [
        ("daisy/000.png", "daisy"),
        ("daisy/001.png", "daisy"),
        ("rose/000.png", "rose"),
        ("rose/001.png", "rose"),
    ]
    assert {record.split for record in records} == {None}


def test_a_class_folder_is_searched_to_any_depth(tmp_path: Path) -> None:
    put(tmp_path, "rose/patient7/left/1.png")
    fill(tmp_path, "daisy")
    assert Record("rose/patient7/left/1.png", "rose") in open_source(tmp_path).records()


def test_a_relative_path_starts_at_base(tmp_path: Path) -> None:
    fill(tmp_path / "photos", "a", "b")
    source = open_source("photos", base=tmp_path)
    assert source.name == "photos"
    assert source.read(source.records()[0]).startswith(b"\x89PNG")


@pytest.mark.parametrize("validation", ["validation", "val"])
def test_folders_named_as_splits_are_splits(tmp_path: Path, validation: str) -> None:
    fill(tmp_path, "train/a", "train/b", f"{validation}/a", f"{validation}/b", "test/a", "test/b", count=1)
    splits = {record.path: record.split for record in open_source(tmp_path).records()}
    assert splits["train/a/000.png"] == "train"
    assert splits[f"{validation}/b/000.png"] == "validation"
    assert splits["test/a/000.png"] == "test"
    assert {record.label for record in open_source(tmp_path).records()} == {"a", "b"}


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    fill(tmp_path, "train", "bus", "car")
    assert {record.label for record in open_source(tmp_path).records()} == {"train", "bus", "car"}


@pytest.mark.parametrize(
    "folders",
    [
        ("train/a", "test/a", "roses"),
        ("validation/a", "test/a"),
        ("train/a", "val/a", "validation/a"),
        ("Train/a", "Test/a"),
        ("training/a", "valid/a"),
        ("train/a",),
    ],
)
def test_a_layout_that_can_be_read_in_two_ways_is_refused(tmp_path: Path, folders: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=r"one folder per class, or folders train.*Rename folders"):
        open_source(fill(tmp_path, *folders))


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "1.png")
    with pytest.raises(DataError, match="no folder in it"):
        open_source(tmp_path)


def test_a_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Received: 'nowhere', where nothing is"):
        open_source("nowhere", base=tmp_path)


def test_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "photos.zip").write_bytes(b"PK")
    with pytest.raises(DataError, match="Unpack an archive first"):
        open_source(tmp_path / "photos.zip")


def test_litter_is_passed_over_and_other_files_are_one_notice(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b", count=1)
    for name in (
        "a/.DS_Store",
        "a/Thumbs.db",
        "a/._000.png",
        ".git/x.png",
        "a/readme.txt",
        "b/notes.md",
        "a/clip.mp4",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    source = open_source(tmp_path)
    assert len(source.records()) == 2
    (notice,) = source.problems()
    assert (notice.kind, notice.severity) == ("ignored", "notice")
    assert notice.paths == ("a/clip.mp4", "a/readme.txt", "b/notes.md")


def test_pictures_that_cannot_be_read_are_not_left_out_in_silence(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    (tmp_path / "a" / "scan.TIFF").write_bytes(b"II*")
    assert "Convert it, for example to PNG" in kinds(tmp_path)["unsupported_format"]


def test_pictures_outside_any_class_are_errors(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    put(tmp_path, "stray.png")
    assert "'stray.png' must lie in a class folder" in kinds(tmp_path)["stray_picture"]


def test_an_empty_class_is_an_error(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    (tmp_path / "c").mkdir()
    (problem,) = open_source(tmp_path).problems()
    assert (problem.kind, problem.severity, problem.skippable) == ("empty_class", "error", False)


def test_a_linked_folder_is_not_entered(tmp_path: Path) -> None:
    fill(tmp_path / "outside", "c")
    data = fill(tmp_path / "data", "a", "b")
    (data / "c").symlink_to(tmp_path / "outside" / "c")
    (data / "a" / "loop").symlink_to(data)
    source = open_source(data)
    assert {record.label for record in source.records()} == {"a", "b"}
    assert [problem.kind for problem in source.problems()] == ["linked_folder", "linked_folder"]


def test_a_link_that_leaves_the_folder_is_not_read(tmp_path: Path) -> None:
    secret = put(tmp_path, "secret.png")
    data = fill(tmp_path / "data", "a", "b")
    (data / "a" / "link.png").symlink_to(secret)
    source = open_source(data)
    with pytest.raises(RecordError, match=r"'a/link.png' must lie inside the data folder") as caught:
        source.read(Record("a/link.png", "a"))
    assert caught.value.kind == "link_outside"


def test_a_link_that_stays_inside_is_read(tmp_path: Path) -> None:
    data = fill(tmp_path / "data", "a", "b")
    (data / "a" / "link.png").symlink_to(data / "a" / "000.png")
    source = open_source(data)
    assert source.read(Record("a/link.png", "a")) == source.read(Record("a/000.png", "a"))


def test_a_link_as_the_data_folder_is_fine(tmp_path: Path) -> None:
    fill(tmp_path / "real", "a", "b")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    source = open_source(tmp_path / "link")
    assert source.read(source.records()[0])


def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    os.mkfifo(tmp_path / "a" / "pipe.png")
    with pytest.raises(RecordError, match="must be a plain file"):
        open_source(tmp_path).read(Record("a/pipe.png", "a"))


@pytest.mark.parametrize("name", ["line\nbreak", "bell\a", "right\u202eleft", "with\\separator", " space"])
def test_a_class_folder_with_a_bad_name_is_an_error(tmp_path: Path, name: str) -> None:
    fill(tmp_path, "a", "b", name)
    (problem,) = open_source(tmp_path).problems()
    assert (problem.kind, problem.skippable) == ("bad_label", False)
    assert problem.message.isprintable()


def test_a_file_with_a_bad_name_is_an_error(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    put(tmp_path, "a/line\nbreak.png")
    put(tmp_path, os.fsdecode(b"a/latin-\xe9.png"), 1)
    bad = [problem for problem in open_source(tmp_path).problems() if problem.kind == "bad_name"]
    assert [problem.paths for problem in bad] == [("a/latin-\\udce9.png",), ("a/line\\nbreak.png",)]
    assert all(problem.message.isprintable() for problem in bad)


def test_group_by_reads_the_group_from_the_path(tmp_path: Path) -> None:
    for name in ("a/p1_1.png", "a/p1_2.png", "b/p2_1.png", "b/other.png"):
        put(tmp_path, name)
    source = open_source(tmp_path, group_by=r"(p\d+)_")
    assert [record.group for record in source.records()] == ["p1", "p1", "p2"]
    (problem,) = source.problems()
    assert (problem.kind, problem.paths) == ("no_group", ("b/other.png",))


@pytest.mark.parametrize("pattern", ["(", "no group", "(two)(groups)"])
def test_a_bad_group_by_is_refused(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(UsageError, match="group_by must be a regular expression"):
        open_source(fill(tmp_path, "a", "b"), group_by=pattern)


def test_ten_thousand_classes_are_listed(tmp_path: Path) -> None:
    for number in range(10_000):
        (tmp_path / f"class{number:05d}").mkdir()
        (tmp_path / f"class{number:05d}" / "1.png").write_bytes(b"x")
    assert len({record.label for record in open_source(tmp_path).records()}) == 10_000
