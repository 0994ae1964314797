"""splits.csv and bad_records.csv."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from tfxfer.data.admit import BadRecord
from tfxfer.data.names import escaped
from tfxfer.data.splits import Splits


def splits_csv(splits: Splits) -> str:
    """Columns path, label, split; sorted by path. `label` holds the labels or the value for other tasks."""
    rows = [
        (record.path, record.target, name) for name, records in splits.named().items() for record in records
    ]
    return _csv(("path", "label", "split"), sorted(rows))


def bad_records_csv(skipped: Iterable[BadRecord]) -> str:
    """Columns path, kind, reason; sorted by path."""
    return _csv(
        ("path", "kind", "reason"), sorted((bad.path, bad.kind, escaped(bad.reason)) for bad in skipped)
    )


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()
