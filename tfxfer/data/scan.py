"""One pass over a data set: checked, decoded, resized and kept, so that a run decodes nothing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfxfer.catalogue.inputs import ResizeRule, Size
from tfxfer.data.arrays import ArraySplit, array_split
from tfxfer.data.check import build_report
from tfxfer.data.examine import Progress, examine_all
from tfxfer.data.parallel import TIMEOUT_S
from tfxfer.data.pixels_file import check_shape, open_pixels, pixel_writer
from tfxfer.data.problems import shown
from tfxfer.data.records import Record, Source
from tfxfer.data.report import CheckReport
from tfxfer.data.scan_file import read_report, write_report
from tfxfer.errors import DataError

PIXELS = "images.npy"
REPORT = "scan.json"


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """A checked source and its pictures, one row per record of `report.records`; bad records are black."""

    report: CheckReport
    pixels: np.ndarray  # (N, H, W, 3 or 1) uint8, memory-mapped
    rows: dict[str, int] = field(repr=False)

    def select(self, records: Sequence[Record], labels: Sequence[str]) -> ArraySplit:
        """The pictures of `records`, in their order, without copying any.

        Raises:
            DataError: a record is not part of the scan, is not readable, or its label is not among `labels`.
        """
        good = {record.path for record in self.report.good}
        unknown = [record.path for record in records if record.path not in good]
        if unknown:
            raise DataError(
                f"Records must be good ones of the scan. Received: {shown(unknown)}. Use those that admit() "
                "gives."
            )
        return array_split(self.pixels, [self.rows[record.path] for record in records], records, labels)


def scan(
    source: Source,
    to: Path,
    *,
    size: Size,
    rule: ResizeRule = "stretch",
    channels: int = 3,
    workers: int | None = None,
    progress: Progress | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Scan:
    """Check every record of `source` and keep its picture, resized, in the folder `to`.

    Each file is read and decoded once; memory stays flat. The folder holds images.npy and scan.json,
    which is written last; `open_scan` reads them back.

    Raises:
        DataError: there are no records at all, no room for the pictures, or a file is not read within
            `timeout_s`. Bad records are in the report.
        UsageError: no such resize rule or number of channels, or a size that is not positive.
    """
    check_shape(size, rule, channels)
    records = source.records()
    if not records:
        raise DataError(_nothing(source))
    with pixel_writer(to / PIXELS, len(records), size, rule, channels=channels) as writer:
        examined = examine_all(
            source, keep=writer.write, workers=workers, progress=progress, timeout_s=timeout_s
        )
    write_report(to / REPORT, build_report(source, examined))
    return open_scan(to)


def open_scan(folder: Path) -> Scan:
    """Read back what `scan` kept.

    Raises:
        DataError: the folder is incomplete or damaged.
    """
    report = read_report(folder / REPORT)
    pixels = open_pixels(folder / PIXELS)
    if len(pixels) != len(report.records):
        raise DataError(
            f"'{folder}' must hold one picture per record. Received: {len(pixels):,} pictures, "
            f"{len(report.records):,} records. Delete it and run again."
        )
    return Scan(report, pixels, {record.path: row for row, record in enumerate(report.records)})


def _nothing(source: Source) -> str:
    reasons = "".join(f"\n  {problem.kind}: {problem.message}" for problem in source.problems()[:50])
    return (
        f"'{source.name}' must hold at least one picture. Received: none that can be used. Add "
        f"pictures.{reasons}"
    )
