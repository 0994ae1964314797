"""Records that are known to be good become one file: for callers who check and split in their own way."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tfxfer.catalogue.inputs import ResizeRule, Size
from tfxfer.data.arrays import ArraySplit, array_split
from tfxfer.data.chosen import ChosenSource
from tfxfer.data.examine import examine_all
from tfxfer.data.pixels_file import check_shape, open_pixels, pixel_writer
from tfxfer.data.records import Record, Source
from tfxfer.errors import DataError

SHOWN = 50  # problems that a message lists


def materialise(
    source: Source,
    records: Sequence[Record],
    labels: Sequence[str],
    *,
    size: Size,
    rule: ResizeRule,
    to: Path,
    channels: int = 3,
) -> ArraySplit:
    """Decode and resize `records`, in their order, into the .npy file `to`, in threads and flat memory.

    To be sure that files are still what was checked, pass `ChosenSource(source, records, report.digests)`
    as source.
    Within a run, `scan` does this and the check in one pass.

    Raises:
        DataError: records cannot be read or decoded (all of them are named), a label is not among `labels`,
            or the disk has no room. Nothing is left behind.
        UsageError: no such resize rule or number of channels, or a size that is not positive.
    """
    check_shape(size, rule, channels)
    chosen = ChosenSource(source, tuple(records))
    with pixel_writer(to, len(records), size, rule, channels=channels) as writer:
        examined = examine_all(chosen, keep=writer.write)
        errors = [
            found.problem
            for found in examined
            if found.problem is not None and found.problem.severity == "error"
        ]
        if errors:
            lines = [f"\n  {error.kind}: {error.message}" for error in errors[:SHOWN]]
            raise DataError(
                f"Every record must be a picture. Received: {len(errors):,} that are not.{''.join(lines)}"
            )
    return array_split(open_pixels(to), range(len(records)), records, labels)
