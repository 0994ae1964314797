"""One pass reads, checks, decodes and keeps; views select without copying; faults leave nothing behind."""

from __future__ import annotations

import errno
import os
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.data.pictures import fill, put
from tfxfer.data import (
    ChosenSource,
    Record,
    Source,
    admit,
    check_source,
    decode_image,
    materialise,
    open_scan,
    open_source,
    resize_image,
    scan,
    split_records,
)
from tfxfer.errors import DataError, UsageError


def test_a_row_holds_the_picture_of_its_record(tmp_path: Path) -> None:
    source = open_source(fill(tmp_path / "data", "a", "b"))
    result = scan(source, tmp_path / "scan", size=(12, 10), rule="pad")
    assert result.pixels.shape == (10, 12, 10, 3)
    for record in source.records():
        expected = resize_image(decode_image(source.read(record)), (12, 10), "pad")
        np.testing.assert_array_equal(result.pixels[result.rows[record.path]], expected)


def test_the_report_is_the_one_of_check_source(tmp_path: Path) -> None:
    data = fill(tmp_path / "data", "a", "b")
    (data / "a" / "empty.png").write_bytes(b"")
    source = open_source(data)
    result = scan(source, tmp_path / "scan", size=(8, 8))
    assert result.report == check_source(source)
    assert not result.pixels[result.rows["a/empty.png"]].any()


def test_a_scan_can_be_opened_again(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(
        "path,label,group,weight,camera\n" + "".join(f"{n}.png,{n % 2},g{n},2,x\n" for n in range(8))
    )
    for number in range(8):
        put(tmp_path, f"{number}.png", number)
    first = scan(open_source(tmp_path / "m.csv"), tmp_path / "scan", size=(8, 8))
    second = open_scan(tmp_path / "scan")
    assert second.report == first.report
    assert second.rows == first.rows
    np.testing.assert_array_equal(second.pixels, first.pixels)


def test_the_bytes_do_not_depend_on_the_number_of_threads(tmp_path: Path) -> None:
    source = open_source(fill(tmp_path / "data", "a", "b", count=20))
    for workers in (1, 7):
        scan(source, tmp_path / str(workers), size=(8, 8), workers=workers)
    for name in ("images.npy", "scan.json"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "7" / name).read_bytes()


class Counting:
    """A source that counts how often each record is read, and how many at once."""

    def __init__(self, source: Source) -> None:
        self.source, self.name, self.kind = source, source.name, source.kind
        self.reads: Counter[str] = Counter()
        self.lock = threading.Lock()

    def records(self) -> tuple[Record, ...]:
        return self.source.records()

    def problems(self) -> tuple:
        return self.source.problems()

    def read(self, record: Record) -> bytes:
        with self.lock:
            self.reads[record.path] += 1
        return self.source.read(record)


def test_every_file_is_read_once(tmp_path: Path) -> None:
    source = Counting(open_source(fill(tmp_path / "data", "a", "b", count=9)))
    result = scan(source, tmp_path / "scan", size=(8, 8), workers=4)
    records = admit(result.report).records
    splits = split_records(records, result.report.digests)
    for part in splits.named().values():
        list(result.select(part, splits.labels).batches(4))
    assert set(source.reads.values()) == {1}
    assert len(source.reads) == 18


def test_file_handles_are_given_back(tmp_path: Path) -> None:
    source = open_source(fill(tmp_path / "data", "a", "b", count=30))
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    scan(source, tmp_path / "scan", size=(8, 8))
    after = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0
    assert after <= before + 1


def test_a_selection_is_a_view(tmp_path: Path) -> None:
    result = scan(open_source(fill(tmp_path / "data", "a", "b")), tmp_path / "scan", size=(8, 8))
    chosen = result.report.good[7:2:-2]
    split = result.select(chosen, ("a", "b"))
    assert split.images.store is result.pixels
    assert split.paths == tuple(record.path for record in chosen)
    assert split.labels.tolist() == [1, 1, 0]
    assert split.labels.dtype == np.int32
    assert split.weights is None
    assert split.images.shape == (3, 8, 8, 3)
    assert split.images.dtype == np.uint8
    np.testing.assert_array_equal(np.asarray(split.images), result.pixels[[7, 5, 3]])
    np.testing.assert_array_equal(split.images[1], result.pixels[5])
    batches = list(split.batches(2))
    assert [len(labels) for _, labels in batches] == [2, 1]
    np.testing.assert_array_equal(np.concatenate([images for images, _ in batches]), split.images[:])
    np.testing.assert_array_equal(split.take(np.array([2, 0])).images[:], result.pixels[[3, 7]])


def test_weights_are_kept_where_there_are_any(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("path,label,weight\n1.png,a,1\n2.png,b,0.5\n")
    put(tmp_path, "1.png", 1)
    put(tmp_path, "2.png", 2)
    result = scan(open_source(tmp_path / "m.csv"), tmp_path / "scan", size=(8, 8))
    split = result.select(result.report.good, ("a", "b"))
    assert split.weights is not None
    assert split.weights.tolist() == [1.0, 0.5]
    assert split.take(np.array([1])).weights == np.float32(0.5)


def test_bad_and_foreign_records_cannot_be_selected(tmp_path: Path) -> None:
    data = fill(tmp_path / "data", "a", "b")
    (data / "a" / "empty.png").write_bytes(b"")
    result = scan(open_source(data), tmp_path / "scan", size=(8, 8))
    with pytest.raises(DataError, match=r"must be good ones.*'a/empty.png'"):
        result.select(result.report.records, ("a", "b"))
    with pytest.raises(DataError, match=r"Labels must be among 'a'. Received: 'b'"):
        result.select(result.report.good, ("a",))


def test_nothing_to_scan_is_refused_with_the_reasons(tmp_path: Path) -> None:
    (tmp_path / "data" / "a").mkdir(parents=True)
    with pytest.raises(DataError, match=r"Received: none that can be used.*\n.*empty_class"):
        scan(open_source(tmp_path / "data"), tmp_path / "scan", size=(8, 8))
    assert not (tmp_path / "scan").exists()


@pytest.mark.parametrize("size", [(0, 8), (8, -1)])
def test_a_size_must_be_positive(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="at least 1 pixel"):
        scan(open_source(fill(tmp_path / "data", "a", "b")), tmp_path / "scan", size=size)


def test_too_little_room_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = open_source(fill(tmp_path / "data", "a", "b"))
    with pytest.raises(DataError, match=r"bytes free. Make room"):
        scan(source, tmp_path / "scan", size=(10_000_000, 10_000_000))
    assert list((tmp_path / "scan").iterdir()) == []


def test_a_disk_that_fills_up_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int, data: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    source = open_source(fill(tmp_path / "data", "a", "b"))
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(DataError, match="Received: No space left on device"):
        scan(source, tmp_path / "scan", size=(8, 8))
    assert list((tmp_path / "scan").iterdir()) == []


def test_an_interrupted_scan_leaves_nothing(tmp_path: Path) -> None:
    source = open_source(fill(tmp_path / "data", "a", "b", count=40))

    def interrupt(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(source, tmp_path / "scan", size=(8, 8), progress=interrupt)
    assert list((tmp_path / "scan").iterdir()) == []
    with pytest.raises(DataError, match="must be a complete scan"):
        open_scan(tmp_path / "scan")


@pytest.mark.parametrize("name", ["images.npy", "scan.json"])
def test_a_damaged_scan_is_refused(tmp_path: Path, name: str) -> None:
    scan(open_source(fill(tmp_path / "data", "a", "b")), tmp_path / "scan", size=(8, 8))
    data = (tmp_path / "scan" / name).read_bytes()
    (tmp_path / "scan" / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match=r"Delete .*and run again"):
        open_scan(tmp_path / "scan")


def test_materialise_keeps_the_order_asked_for(tmp_path: Path) -> None:
    source = open_source(fill(tmp_path / "data", "a", "b"))
    records = source.records()[::-3]
    split = materialise(source, records, ("a", "b"), size=(6, 8), rule="stretch", to=tmp_path / "x.npy")
    assert split.paths == tuple(record.path for record in records)
    for image, record in zip(split.images[:], records, strict=True):
        np.testing.assert_array_equal(image, decode_image(source.read(record)))
    assert np.load(tmp_path / "x.npy").shape == (4, 6, 8, 3)


def test_materialise_names_every_bad_file_and_leaves_nothing(tmp_path: Path) -> None:
    data = fill(tmp_path / "data", "a", "b")
    for name in ("a/000.png", "b/003.png"):
        (data / name).write_bytes(b"")
    source = open_source(data)
    with pytest.raises(DataError, match=r"(?s)Received: 2 that are not.*a/000.png.*b/003.png"):
        materialise(
            source, source.records(), ("a", "b"), size=(8, 8), rule="crop", to=tmp_path / "out" / "x.npy"
        )
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_changed_since_the_check_is_named(tmp_path: Path) -> None:
    data = fill(tmp_path / "data", "a", "b")
    source = open_source(data)
    report = check_source(source)
    chosen = ChosenSource(source, report.good, report.digests)
    materialise(chosen, report.good, ("a", "b"), size=(8, 8), rule="crop", to=tmp_path / "x.npy")
    put(data, "b/002.png", 999)
    with pytest.raises(DataError, match=r"(?s)changed: 'b/002.png' must stay as it is"):
        materialise(chosen, report.good, ("a", "b"), size=(8, 8), rule="crop", to=tmp_path / "y.npy")
