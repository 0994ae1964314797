"""One source of data for each task: a manifest's columns become targets, splits and arrays of the right shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.pictures import fill, put
from tfxfer.catalogue.tasks import TaskName
from tfxfer.data import (
    Record,
    Scan,
    admit,
    as_dataset,
    check_source,
    label_counts,
    label_names,
    materialise,
    open_scan,
    open_source,
    scan,
    split_records,
    splits_csv,
    task_of,
)
from tfxfer.errors import DataError, UsageError

MULTI = "path,labels\n0.png,dent|scratch\n1.png, scratch \n2.png,\n3.png,rust\n"
VALUES = "path,value\n0.png,1.5\n1.png,-2\n2.png,1e3\n3.png,0\n"


def write(folder: Path, text: str, pictures: int = 4) -> Path:
    for number in range(pictures):
        put(folder, f"{number}.png", number)
    (folder / "m.csv").write_text(text)
    return folder / "m.csv"


def scanned(folder: Path, text: str, task: TaskName) -> Scan:
    return scan(open_source(write(folder, text), task=task), folder / "scan", size=(6, 8))


def test_labels_are_read_sorted_and_may_be_none(tmp_path: Path) -> None:
    records = open_source(write(tmp_path, MULTI), task="multi_label").records()
    assert [record.labels for record in records] == [("dent", "scratch"), ("scratch",), (), ("rust",)]
    assert {(record.label, record.value, record.task) for record in records} == {("", None, "multi_label")}
    assert label_names(records) == ("dent", "rust", "scratch")
    assert label_counts(records, ("dent", "rust", "scratch")) == [1, 1, 2]


def test_values_are_read(tmp_path: Path) -> None:
    records = open_source(write(tmp_path, VALUES), task="regression").records()
    assert [record.value for record in records] == [1.5, -2.0, 1000.0, 0.0]
    assert task_of(records) == "regression"
    assert label_names(records) == ("value",)
    assert label_counts(records, ("value",)) == [4]


def test_the_task_decides_which_column_is_the_target(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label,labels,value\n0.png,a,x|y,3\n", 1)
    assert open_source(path).records()[0] == Record("0.png", "a", columns=(("labels", "x|y"), ("value", "3")))
    assert open_source(path, task="regression").records()[0] == Record(
        "0.png", columns=(("label", "a"), ("labels", "x|y")), value=3.0
    )
    with pytest.raises(DataError, match=r"'label', 'labels', 'value'.*--task"):
        open_source(path, task=None)


@pytest.mark.parametrize(("text", "task"), [(MULTI, "multi_label"), (VALUES, "regression")])
def test_without_a_task_the_column_tells_it(tmp_path: Path, text: str, task: TaskName) -> None:
    path = write(tmp_path, text)
    assert task_of(open_source(path, task=None).records()) == task
    with pytest.raises(
        DataError, match=f"'label' is required for the task classification.*head.task to {task}"
    ):
        open_source(path)


@pytest.mark.parametrize("task", ["multi_label", "regression"])
def test_other_tasks_need_a_manifest(tmp_path: Path, task: TaskName) -> None:
    column = {"multi_label": "path,labels", "regression": "path,value"}[task]
    for data in (fill(tmp_path, "a", "b"), "embedded/digits"):
        with pytest.raises(UsageError, match=f"the task {task} needs a manifest.*{column}"):
            open_source(data, task=task)


def bad(folder: Path, text: str, task: TaskName) -> tuple[str, str, bool]:
    (problem,) = open_source(write(folder, f"path,{text}\n", 1), task=task).problems()
    return problem.kind, problem.message, problem.skippable


@pytest.mark.parametrize(
    ("row", "kind", "message"),
    [
        ("a||b", "bad_row", "Remove the separator too many"),
        ("a|b|a", "bad_row", "'a' more than once"),
        ("a|b/c", "bad_label", "a path separator"),
    ],
)
def test_bad_labels_are_named_by_their_line(tmp_path: Path, row: str, kind: str, message: str) -> None:
    found = bad(tmp_path, f"labels\n0.png,{row}", "multi_label")
    assert (found[0], found[2]) == (kind, kind == "bad_row")
    assert "line 2" in found[1]
    assert message in found[1]


@pytest.mark.parametrize("text", ["", "nan", "inf", "-inf", "1e39", "one", "1_000", "'3,5'"])
def test_a_value_must_be_a_finite_number(tmp_path: Path, text: str) -> None:
    kind, message, skippable = bad(tmp_path, f"value\n0.png,{text.replace(',', ';')}", "regression")
    assert (kind, skippable) == ("bad_row", True)
    assert "line 2: value must be a finite float32 number" in message


def test_multi_label_arrays(tmp_path: Path) -> None:
    found = scanned(tmp_path, MULTI, "multi_label")
    split = found.select(found.report.good, ("dent", "rust", "scratch"))
    assert split.labels.dtype == np.float32
    assert split.labels.tolist() == [[1, 0, 1], [0, 0, 1], [0, 0, 0], [0, 1, 0]]
    assert split.take(np.array([3])).labels.tolist() == [[0, 1, 0]]
    with pytest.raises(DataError, match="Received: 'rust'"):
        found.select(found.report.good, ("dent", "scratch"))
    _, labels = as_dataset(split, 2).element_spec
    assert (labels.shape.as_list(), labels.dtype.name) == ([2, 3], "float32")
    assert [batch[1].shape for batch in as_dataset(split, 3).as_numpy_iterator()] == [(3, 3), (1, 3)]


def test_regression_arrays(tmp_path: Path) -> None:
    found = scanned(tmp_path, VALUES, "regression")
    split = found.select(found.report.good, ("value",))
    assert split.labels.dtype == np.float32
    assert split.labels.tolist() == [[1.5], [-2.0], [1000.0], [0.0]]
    assert as_dataset(split, 4).element_spec[1].shape.as_list() == [4, 1]


@pytest.mark.parametrize(("text", "task"), [(MULTI, "multi_label"), (VALUES, "regression")])
def test_a_scan_brings_targets_back(tmp_path: Path, text: str, task: TaskName) -> None:
    first = scanned(tmp_path, text, task)
    assert open_scan(tmp_path / "scan").report == first.report
    assert first.report.records == open_source(tmp_path / "m.csv", task=task).records()


def test_materialise_gives_the_same_targets(tmp_path: Path) -> None:
    source = open_source(write(tmp_path, MULTI), task="multi_label")
    split = materialise(
        source,
        source.records(),
        ("dent", "rust", "scratch"),
        size=(6, 8),
        rule="stretch",
        to=tmp_path / "x.npy",
    )
    assert split.labels.sum(axis=0).tolist() == [1, 1, 2]


def test_splits_csv_says_labels_and_values(tmp_path: Path) -> None:
    for text, task, written in (
        (MULTI, "multi_label", ["dent|scratch", "scratch", "", "rust"]),
        (VALUES, "regression", ["1.5", "-2.0", "1000.0", "0.0"]),
    ):
        source = open_source(write(tmp_path, text), task=task)  # type: ignore[arg-type]
        report = check_source(source)
        lines = splits_csv(split_records(report.good, report.digests)).splitlines()
        assert lines[0] == "path,label,split"
        assert [line.split(",")[1] for line in lines[1:]] == written


def test_each_target_changes_the_fingerprint(tmp_path: Path) -> None:
    tables = [
        ("path,label\n0.png,a\n", "classification"),
        ("path,labels\n0.png,a\n", "multi_label"),
        ("path,labels\n0.png,a|b\n", "multi_label"),
        ("path,value\n0.png,1\n", "regression"),
        ("path,value\n0.png,2\n", "regression"),
    ]
    prints = {
        check_source(open_source(write(tmp_path, text, 1), task=task)).fingerprint  # type: ignore[arg-type]
        for text, task in tables
    }
    assert len(prints) == len(tables)


def test_records_of_two_tasks_are_refused() -> None:
    with pytest.raises(DataError, match=r"of one task. Received: 'multi_label', 'regression'"):
        task_of([Record("1", labels=("a",)), Record("2", value=1.0)])


def test_skipping_works_for_every_task(tmp_path: Path) -> None:
    text = "path,value\n" + "".join(f"{n}.png,{n if n else 'x'}\n" for n in range(12))
    report = check_source(open_source(write(tmp_path, text, 12), task="regression"))
    assert [bad.path for bad in admit(report, "skip").skipped] == ["0.png"]
