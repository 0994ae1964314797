"""Ten thousand classes of three pictures: nothing on the way takes quadratic time, which would be minutes here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfxfer.data import ImageRows, Record, check_slices, open_source, split_records, splits_csv
from tfxfer.data.arrays import array_split
from tfxfer.data.findings import target_problems
from tfxfer.data.names import similar_labels
from tfxfer.data.report import CheckReport
from tfxfer.data.scan_file import read_report, write_report
from tfxfer.data.slices import Slicing

CLASSES = 10_000
pytestmark = pytest.mark.timeout(60)


def many(*, multi_label: bool = False) -> list[Record]:
    names = [f"class {number:05d}" for number in range(CLASSES)]
    if multi_label:
        pairs = [tuple(sorted((name, names[(index * 7 + 1) % CLASSES]))) for index, name in enumerate(names)]
        return [Record(f"{i}.png", labels=pairs[i % CLASSES]) for i in range(3 * CLASSES)]
    return [Record(f"{i}.png", names[i % CLASSES], group=f"g{i // 2}") for i in range(3 * CLASSES)]


@pytest.mark.parametrize("multi_label", [False, True])
def test_checks_and_splits(multi_label: bool) -> None:
    records = many(multi_label=multi_label)
    digests = {record.path: str(number) for number, record in enumerate(records)}
    labels = sorted({label for record in records for label in record.label_set})
    task = "multi_label" if multi_label else "classification"
    assert similar_labels(labels) == ()
    problems = target_problems(task, records, labels, digests)
    assert not [problem for problem in problems if problem.severity == "error"]
    splits = split_records(records, digests)
    assert len(splits.labels) == CLASSES
    for part in splits.named().values():
        assert len({label for record in part for label in record.label_set}) == CLASSES
    assert splits_csv(splits).count("\n") == 3 * CLASSES + 1


def test_the_manifest_the_report_and_the_arrays(tmp_path: Path) -> None:
    rows = [f"{record.path},{record.label},{index % 90}" for index, record in enumerate(many())]
    (tmp_path / "m.csv").write_text("\n".join(["path,label,camera", *rows]))
    records = open_source(tmp_path / "m.csv").records()
    check_slices(records, [Slicing("camera", column="camera")])
    digests = {record.path: record.path for record in records}
    report = CheckReport("m.csv", records, records, (), digests)
    write_report(tmp_path / "scan.json", report)
    assert read_report(tmp_path / "scan.json") == report
    assert len(report.classes) == CLASSES
    store = np.zeros((len(records), 1, 1, 3), np.uint8)
    split = array_split(store, range(len(records)), records, tuple(report.classes))
    assert isinstance(split.images, ImageRows)
    assert np.bincount(split.labels).tolist() == [3] * CLASSES
