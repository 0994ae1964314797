"""scan.json: a check's report, kept beside the pictures."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tfxfer.data.problems import Problem
from tfxfer.data.records import Record
from tfxfer.data.report import CheckReport
from tfxfer.errors import DataError
from tfxfer.store.atomic import write_json

VERSION = 2


def write_report(path: Path, report: CheckReport) -> None:
    """Write a report, whole or not at all."""
    good = {record.path for record in report.good}
    rows = [
        {**asdict(record), "good": record.path in good, "digest": report.digests.get(record.path)}
        for record in report.records
    ]
    problems = [problem.as_dict() for problem in report.problems]
    write_json(path, {"schema_version": VERSION, "name": report.name, "records": rows, "problems": problems})


def read_report(path: Path) -> CheckReport:
    """Read a report back.

    Raises:
        DataError: it is missing, damaged, or of another version.
    """
    try:
        return _report(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"'{path}' must be a complete scan. Received: {error!r}. Delete its folder and run again."
        ) from error


def _report(value: dict) -> CheckReport:
    if value["schema_version"] != VERSION:
        raise ValueError(f"schema_version {value['schema_version']}")
    rows = [(_record(row), row["good"], row["digest"]) for row in value["records"]]
    return CheckReport(
        value["name"],
        tuple(record for record, _, _ in rows),
        tuple(record for record, good, _ in rows if good),
        tuple(_problem(row) for row in value["problems"]),
        {record.path: digest for record, _, digest in rows if digest is not None},
    )


def _record(row: dict) -> Record:
    columns = tuple((name, text) for name, text in row["columns"])
    return Record(
        row["path"],
        row["label"],
        row["split"],
        row["group"],
        row["weight"],
        columns,
        tuple(row["labels"]),
        row["value"],
    )


def _problem(row: dict) -> Problem:
    return Problem(row["kind"], row["severity"], tuple(row["paths"]), row["message"], tuple(row["drops"]))
