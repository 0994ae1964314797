"""Slices: parts of the examples that figures are taken of one by one, such as each camera or each day."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tfxfer.data.grouping import COLUMN as GROUP
from tfxfer.data.problems import shown
from tfxfer.data.records import Record
from tfxfer.errors import DataError, UsageError

MOST = 100  # slices of one slicing; more have a picture or two each, which no figure can be taken of


@dataclass(frozen=True, slots=True)
class Slicing:
    """What divides examples: a manifest's column (or the group), or a pattern on the path with one group."""

    name: str
    column: str | None = None
    path: str | None = None


def slice_values(records: Sequence[Record], slicings: Sequence[Slicing]) -> dict[str, tuple[str | None, ...]]:
    """For each slicing's name the slice of every record, in their order; None where it is in no slice.

    That is where the pattern does not match or the column is empty.

    Raises:
        UsageError: no such column, a pattern that is none, or not exactly one of column and path.
    """
    return {slicing.name: _values(records, slicing) for slicing in slicings}


def check_slices(records: Sequence[Record], slicings: Sequence[Slicing]) -> None:
    """Refuse slicings that divide the whole data set into nothing, into one part, or into too many.

    Raises:
        UsageError: as `slice_values`.
        DataError: a slicing with one slice that holds every record, with none, or with more than MOST.
    """
    for name, values in slice_values(records, slicings).items():
        found = sorted({value for value in values if value is not None})
        if len(found) > MOST:
            raise DataError(
                f"The slicing '{name}' must have at most {MOST} slices. Received: {len(found):,}: {shown(found)}. "
                "Choose a coarser column, or a pattern that matches less."
            )
        if not found or (len(found) == 1 and None not in values):
            received = f"'{found[0]}' for every picture" if found else "none for any picture"
            raise DataError(
                f"The slicing '{name}' must divide the data. Received: {received}. Correct or remove it."
            )


def _values(records: Sequence[Record], slicing: Slicing) -> tuple[str | None, ...]:
    if (slicing.column is None) == (slicing.path is None):
        raise UsageError(
            f"The slicing '{slicing.name}' must have one of column and path. "
            f"Received: {'neither' if slicing.path is None else 'both'}. Keep one."
        )
    if slicing.path is not None:
        pattern = _compiled(slicing.name, slicing.path)
        return tuple(_matched(pattern, record.path) for record in records)
    assert slicing.column is not None
    return _column(records, slicing.name, slicing.column)


def _matched(pattern: re.Pattern[str], path: str) -> str | None:
    match = pattern.search(path)
    return None if match is None else match.group(1) or None


def _compiled(name: str, text: str) -> re.Pattern[str]:
    expected = f"The slicing '{name}' must have a regular expression over the path with one group."
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise UsageError(f"{expected} Received: {text!r} ({error}). Correct the pattern.") from error
    if pattern.groups != 1:
        raise UsageError(
            f"{expected} Received: {text!r} with {pattern.groups} groups. "
            "Put parentheses around the part that names the slice; write (?:...) for others."
        )
    return pattern


def _column(records: Sequence[Record], name: str, column: str) -> tuple[str | None, ...]:
    rows = [dict(record.columns) for record in records]
    if rows and not any(column in row for row in rows):
        if column == GROUP and any(record.group is not None for record in records):
            return tuple(record.group for record in records)
        raise UsageError(_unknown(name, column, rows, records))
    return tuple(row.get(column, "").strip() or None for row in rows)


def _unknown(name: str, column: str, rows: Sequence[Mapping[str, str]], records: Sequence[Record]) -> str:
    grouped = [GROUP] if any(record.group is not None for record in records) else []
    known = sorted({key for row in rows for key in row}) + grouped
    expected = (
        f"The slicing '{name}' must have a column of the manifest, or a pattern on the path with one group."
    )
    if not known:
        return (
            f"{expected} Received: the column '{column}', and data without further columns. "
            "Write a pattern such as '(day\\d+)/', or describe the data with a manifest."
        )
    near = difflib.get_close_matches(column, known, n=1, cutoff=0.5)
    hint = f"Did you mean '{near[0]}'?" if near else f"Known columns: {shown(known, limit=20)}."
    return f"{expected} Received: '{column}'. {hint}"
