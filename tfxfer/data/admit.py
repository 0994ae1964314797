"""`on_bad_record`: whether a data set with problems is refused, or used without its bad records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tfxfer.data.problems import Problem
from tfxfer.data.records import Record
from tfxfer.data.report import CheckReport
from tfxfer.errors import DataError

OnBadRecord = Literal["refuse", "skip"]
SHOWN = 50  # problems that a message lists


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that was left out, and why: one row of bad_records.csv."""

    path: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """The records to go on with, and those that were left out."""

    records: tuple[Record, ...]
    skipped: tuple[BadRecord, ...] = ()


def admit(report: CheckReport, on_bad_record: OnBadRecord = "refuse") -> Admitted:
    """Let a checked data set pass, without its bad records where `on_bad_record` is "skip".

    Problems of a whole class, such as too few examples after skipping, are always refused.

    Raises:
        DataError: there are errors; the message lists the first SHOWN, `report.problems` all of them.
    """
    errors = report.of("error")
    refused = errors if on_bad_record == "refuse" else tuple(error for error in errors if not error.skippable)
    if refused:
        raise DataError(_message(report.name, refused))
    return Admitted(report.good, tuple(_bad_records(errors)))


def _bad_records(errors: tuple[Problem, ...]) -> list[BadRecord]:
    found: dict[str, BadRecord] = {}
    for error in errors:
        for path in error.drops:
            found.setdefault(path, BadRecord(path, error.kind, error.message))
    return [found[path] for path in sorted(found)]


def _message(name: str, errors: tuple[Problem, ...]) -> str:
    lines = [f"  {error.kind}: {error.message}" for error in errors[:SHOWN]]
    if len(errors) > SHOWN:
        lines.append(f"  and {len(errors) - SHOWN:,} more; 'tfxfer check' lists all of them.")
    repair = "Repair them, or set data.on_bad_record: skip."
    if not any(error.skippable for error in errors):
        repair = "Repair them; they concern whole classes and cannot be skipped."
    return "\n".join([f"'{name}' must be free of errors. Received: {len(errors):,}. {repair}", *lines])
