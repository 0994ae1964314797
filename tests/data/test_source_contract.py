"""What every source must do, whatever is behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.pictures import fill
from tfxfer.catalogue.inputs import ImageInput
from tfxfer.data import Record, Source, admit, check_source, decode_image, open_source, split_records
from tfxfer.errors import RecordError


def check_contract(source: Source) -> None:
    """The contract of a source whose data are good."""
    records = source.records()
    assert source.kind == ImageInput.kind
    assert records == source.records()
    assert [record.path for record in records] == sorted({record.path for record in records})
    assert all(not record.path.startswith("/") and "\\" not in record.path for record in records)
    assert decode_image(source.read(records[0])).shape[2] == 3
    assert source.read(records[0]) == source.read(records[0])
    with pytest.raises(RecordError, match="nowhere"):
        source.read(Record("nowhere/1.png", "nowhere"))
    report = check_source(source)
    splits = split_records(admit(report).records, report.digests)
    assert set(splits.labels) == {record.label for record in records}


@pytest.mark.parametrize("kind", ["folder", "given", "csv", "tsv", "embedded"])
def test_every_source_keeps_the_contract(tmp_path: Path, kind: str) -> None:
    check_contract(open_source(make(tmp_path, kind)))


def make(folder: Path, kind: str) -> Path | str:
    if kind == "embedded":
        return "embedded/digits"
    if kind == "given":
        return fill(folder, *(f"{split}/{label}" for split in ("train", "val", "test") for label in "ab"))
    fill(folder, "a", "b")
    return folder if kind == "folder" else manifest(folder, kind)


def manifest(folder: Path, suffix: str) -> Path:
    mark = {"csv": ",", "tsv": "\t"}[suffix]
    rows = [mark.join((f"{label}/{number:03d}.png", label)) for label in "ab" for number in range(5)]
    path = folder / f"photos.{suffix}"
    path.write_text("\n".join([mark.join(("path", "label")), *rows]))
    return path


def test_a_manifest_gives_the_same_split_as_the_folder_it_describes(tmp_path: Path) -> None:
    fill(tmp_path, "a", "b")
    sources = [open_source(tmp_path), open_source(manifest(tmp_path, "csv"))]
    reports = [check_source(source) for source in sources]
    assert split_records(reports[0].good, reports[0].digests) == split_records(
        reports[1].good, reports[1].digests
    )
    assert reports[0].fingerprint == reports[1].fingerprint
