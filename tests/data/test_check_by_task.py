"""What `check` finds in multi-label and regression data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.data.pictures import put
from tfxfer.catalogue.tasks import TaskName
from tfxfer.data import CheckReport, admit, check_source, open_source
from tfxfer.data.problems import Problem
from tfxfer.errors import DataError


def checked(
    folder: Path, task: TaskName, targets: Sequence[str], *, splits: Sequence[str] = (), same: int = 0
) -> CheckReport:
    """One picture per target; the first `same` pictures have the same bytes."""
    header = "path," + {"multi_label": "labels", "regression": "value"}[task] + (",split" if splits else "")
    rows = [header]
    for number, target in enumerate(targets):
        put(folder, f"{number:03d}.png", 0 if number < same else number)
        rows.append(f"{number:03d}.png,{target}" + (f",{splits[number]}" if splits else ""))
    (folder / "m.csv").write_text("\n".join(rows))
    return check_source(open_source(folder / "m.csv", task=task))


def found(report: CheckReport, kind: str) -> Problem:
    (problem,) = [problem for problem in report.problems if problem.kind == kind]
    return problem


def test_good_multi_label_data_pass(tmp_path: Path) -> None:
    report = checked(tmp_path, "multi_label", ["a", "b", "a|b"] * 20)
    assert report.problems == ()
    assert report.as_dict()["task"] == "multi_label"
    assert report.classes == {"a": 40, "b": 40}


def test_images_without_a_label_are_counted(tmp_path: Path) -> None:
    problem = found(checked(tmp_path, "multi_label", ["a", "b", ""] * 20), "no_label")
    assert (problem.severity, len(problem.paths)) == ("notice", 20)


def test_a_label_on_every_image_is_a_warning(tmp_path: Path) -> None:
    problem = found(checked(tmp_path, "multi_label", ["a|b", "a"] * 20), "always_given")
    assert problem.severity == "warning"
    assert "'a' on all 40" in problem.message


def test_a_rare_label_is_a_warning(tmp_path: Path) -> None:
    report = checked(tmp_path, "multi_label", ["a", "b"] * 20 + ["rare|a"])
    assert "Label 'rare' needs at least 3 different images or groups" in found(report, "too_few").message
    assert "'rare: 1'" in found(report, "few_examples").message
    assert report.ok


def test_no_label_at_all_is_an_error(tmp_path: Path) -> None:
    report = checked(tmp_path, "multi_label", [""] * 30)
    assert "Fill in the column 'labels'" in found(report, "one_class").message


def test_a_label_that_training_lacks_is_an_error(tmp_path: Path) -> None:
    report = checked(
        tmp_path,
        "multi_label",
        ["a", "b", "a|b", "c"] * 10,
        splits=["train", "train", "validation", "test"] * 10,
    )
    problems = [problem for problem in report.problems if problem.kind == "class_missing"]
    assert [(problem.severity, "'c'" in problem.message) for problem in problems] == [
        ("error", True),
        ("warning", False),
        ("warning", True),
    ]


@pytest.mark.parametrize(
    ("task", "targets", "words"),
    [
        ("multi_label", ["a|b", "a"] * 20, "2 sets of labels.*'a', 'a|b'"),
        ("regression", [str(number) for number in range(30)], "2 values.*'0.0', '1.0'"),
    ],
)
def test_the_same_image_with_two_targets_is_an_error(
    tmp_path: Path, task: TaskName, targets: list[str], words: str
) -> None:
    report = checked(tmp_path, task, targets, same=2)
    with pytest.raises(DataError, match=words):
        admit(report)
    assert len(admit(report, "skip").records) == len(targets) - 2


def test_good_values_pass_and_their_range_is_told(tmp_path: Path) -> None:
    report = checked(tmp_path, "regression", [str(number / 2) for number in range(41)])
    assert report.problems == ()
    assert report.as_dict()["values"] == {"min": 0.0, "median": 10.0, "mean": 10.0, "max": 20.0}
    assert report.classes == {}


def test_constant_values_are_refused(tmp_path: Path) -> None:
    problem = found(checked(tmp_path, "regression", ["3.5"] * 30), "constant_value")
    assert (problem.severity, problem.skippable) == ("error", False)
    assert "3.5 for every image" in problem.message


def test_constant_values_in_training_are_refused(tmp_path: Path) -> None:
    report = checked(
        tmp_path, "regression", ["1", "2", "1"] * 10, splits=["train", "validation", "test"] * 10
    )
    assert "1.0 for every image in train" in found(report, "constant_value").message


def test_far_values_are_noted(tmp_path: Path) -> None:
    report = checked(tmp_path, "regression", [*(str(number) for number in range(30)), "-999"])
    problem = found(report, "outliers")
    assert (problem.severity, problem.paths) == ("notice", ("030.png",))
    assert "030.png: -999" in problem.message


def test_two_values_are_too_few(tmp_path: Path) -> None:
    report = checked(tmp_path, "regression", ["1", "2"])
    assert "At least 3 different images or groups" in found(report, "too_few").message
    assert found(report, "few_examples").severity == "warning"
