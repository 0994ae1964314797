"""A check finds every problem at once, and `admit` refuses or skips by a fixed rule."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from tests.data.pictures import fill, picture, put
from tfxfer.data import CheckReport, admit, check_source, open_source
from tfxfer.data.problems import Problem
from tfxfer.errors import DataError


def check(folder: Path) -> CheckReport:
    return check_source(open_source(folder), workers=2)


def found(report: CheckReport, kind: str) -> Problem:
    (problem,) = [problem for problem in report.problems if problem.kind == kind]
    return problem


def test_good_data_pass(tmp_path: Path) -> None:
    report = check(fill(tmp_path, "a", "b", count=20))
    assert report.ok
    assert report.problems == ()
    assert report.classes == {"a": 20, "b": 20}
    assert admit(report).records == open_source(tmp_path).records()


def test_everything_is_found_in_one_pass(tmp_path: Path) -> None:
    data = fill(tmp_path / "data", "a", "b", "c", count=6)
    whole = picture(77)
    (data / "a" / "cut.png").write_bytes(whole[:-40])
    (data / "a" / "empty.png").write_bytes(b"")
    (data / "a" / "text.jpg").write_text("no picture")
    (data / "a" / "link.png").symlink_to(put(tmp_path, "outside.png"))
    (data / "a" / "gone.png").symlink_to(data / "nowhere.png")
    (data / "a" / "photo.tiff").write_bytes(b"II*\0")
    (data / "b" / "same.png").write_bytes((data / "c" / "000.png").read_bytes())
    (data / "b" / "again.png").write_bytes((data / "b" / "001.png").read_bytes())
    (data / "c" / "really_png.jpg").write_bytes(picture(78))
    report = check(data)
    assert {problem.kind for problem in report.of("error")} == {
        "truncated", "empty", "unreadable", "link_outside", "missing", "unsupported_format", "conflict",
    }  # fmt: skip
    assert {problem.kind for problem in report.of("warning")} == {"few_examples"}
    assert {problem.kind for problem in report.of("notice")} == {"duplicate", "extension"}
    assert report.duplicates == 1
    with pytest.raises(
        DataError, match=r"Received: 7\. Repair them, or set data\.on_bad_record: skip"
    ) as caught:
        admit(report)
    for name in ("cut.png", "empty.png", "text.jpg", "link.png", "gone.png", "photo.tiff", "same.png"):
        assert name in str(caught.value)


def test_skipping_leaves_out_what_is_bad_and_says_so(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b", count=6)
    (tmp_path / "a" / "empty.png").write_bytes(b"")
    (tmp_path / "b" / "same.png").write_bytes((tmp_path / "a" / "000.png").read_bytes())
    admitted = admit(check(tmp_path), "skip")
    assert [(bad.path, bad.kind) for bad in admitted.skipped] == [
        ("a/000.png", "conflict"),
        ("a/empty.png", "empty"),
        ("b/same.png", "conflict"),
    ]
    assert len(admitted.records) == 11


def test_a_class_too_small_after_skipping_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b", count=3)
    (tmp_path / "b" / "000.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"Class 'b' needs at least 3 different images or groups"):
        admit(check(tmp_path), "skip")


def test_copies_do_not_make_a_class_larger(tmp_path: Path) -> None:
    fill(tmp_path, "a", count=5)
    for number in range(5):
        put(tmp_path, f"b/{number}.png", 4242)
    assert "Received: 1." in found(check(tmp_path), "too_few").message


def test_one_group_cannot_be_in_three_splits(tmp_path: Path) -> None:
    for number in range(8):
        put(tmp_path, f"a/p{number}_x.png", number)
        put(tmp_path, f"b/q{number % 2}_{number}.png", 100 + number)
    report = check_source(open_source(tmp_path, group_by=r"(\w\d)_"))
    assert "Class 'b' needs at least 3" in found(report, "too_few").message


def test_one_class_is_too_few(tmp_path: Path) -> None:
    assert "At least two classes" in found(check(fill(tmp_path, "a")), "one_class").message


def test_imbalance_is_a_warning(tmp_path: Path) -> None:
    fill(tmp_path, "a", count=20)
    fill(tmp_path, "b", count=101, start=500)
    problem = found(check(tmp_path), "imbalance")
    assert problem.severity == "warning"
    assert "'a: 20', 'b: 101'" in problem.message


def test_the_same_image_in_two_given_splits_is_an_error(tmp_path: Path) -> None:
    fill(tmp_path, "train/a", "train/b", "validation/a", "validation/b", "test/a", "test/b")
    leak = tmp_path / "train" / "a" / "leak.png"
    leak.write_bytes((tmp_path / "test" / "a" / "000.png").read_bytes())
    report = check(tmp_path)
    assert set(found(report, "leak").paths) == {"test/a/000.png", "train/a/leak.png"}
    admitted = admit(report, "skip")
    assert [bad.path for bad in admitted.skipped] == ["train/a/leak.png"]


def test_a_group_in_two_given_splits_is_an_error(tmp_path: Path) -> None:
    for number, (split, group) in enumerate(
        [("train", "p1"), ("train", "p2"), ("test", "p1"), ("test", "p3")]
    ):
        put(tmp_path, f"{split}/a/{group}_{number}.png", number)
        put(tmp_path, f"{split}/b/x{number}_{number}.png", 100 + number)
    problem = found(check_source(open_source(tmp_path, group_by=r"(\w\d)_")), "group_leak")
    assert not problem.skippable
    assert "'p1' in 'test', 'train'" in problem.message


def test_a_class_missing_in_given_splits(tmp_path: Path) -> None:
    fill(tmp_path, "train/a", "train/b", "test/a", "test/c")
    problems = [problem for problem in check(tmp_path).problems if problem.kind == "class_missing"]
    assert [(problem.severity, problem.message[:7]) for problem in problems] == [
        ("error", "'train'"),
        ("warning", "'test' "),
    ]


def test_labels_that_differ_by_unicode_form_only_are_refused(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "café") for form in ("NFC", "NFD")]
    report = check(fill(tmp_path, *names))
    problem = found(report, "label_forms")
    assert not problem.skippable
    assert "caf\\xe9" in problem.message


def test_labels_that_differ_by_case_only_are_a_warning(tmp_path: Path) -> None:
    assert found(check(fill(tmp_path, "Rose", "rose", "daisy")), "label_case").severity == "warning"


def test_a_bad_label_is_refused_even_when_skipping(tmp_path: Path) -> None:
    report = check(fill(tmp_path, "a", "b", "line\nbreak"))
    with pytest.raises(DataError, match="bad_label"):
        admit(report, "skip")


def test_a_long_list_is_cut_in_the_message_and_whole_in_the_report(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b", count=4)
    for number in range(70):
        (tmp_path / "a" / f"bad{number:02d}.png").write_bytes(b"")
    report = check(tmp_path)
    with pytest.raises(DataError, match="and 20 more; 'tfxfer check' lists all of them"):
        admit(report)
    assert len(report.of("error")) == 70


def test_a_file_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "a", "b")
    read_bytes = Path.read_bytes

    def denied(path: Path) -> bytes:
        if path.name == "003.png":
            raise PermissionError(13, "Permission denied")
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", denied)  # the tests may run as root, who may read everything
    problems = check(tmp_path).of("error")
    assert [problem.paths for problem in problems] == [("a/003.png",), ("b/003.png",)]
    assert "Permission denied" in problems[0].message


def test_progress_counts_records(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    seen: list[tuple[int, int]] = []
    check_source(open_source(tmp_path), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(number, 10) for number in range(1, 11)]


def test_the_fingerprint_follows_content_and_labels(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    before = check(tmp_path).fingerprint
    assert check(tmp_path).fingerprint == before
    put(tmp_path, "a/000.png", 4242)
    changed = check(tmp_path).fingerprint
    assert changed != before
    (tmp_path / "a" / "000.png").rename(tmp_path / "b" / "x.png")
    assert check(tmp_path).fingerprint != changed


def test_the_report_is_json(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    (tmp_path / "a" / "empty.png").write_bytes(b"")
    value = check(tmp_path).as_dict()
    assert value["records"] == 11
    assert value["good"] == 10
    assert value["counts"] == {"error": 1, "warning": 1, "notice": 0}
