"""Finished rows of a benchmark, kept as CSV so that a run that was cut short goes on."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

Row = dict[str, object]


def read_rows(file: Path) -> list[Row]:
    """The rows of a file, none where there is none yet."""
    if not file.is_file():
        return []
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def write_rows(file: Path, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """All rows anew."""
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
