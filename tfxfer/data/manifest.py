"""A manifest: a CSV or TSV file with path and label, and if wanted split, group, weight and other columns."""

from __future__ import annotations

import difflib
import math
import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

from tfxfer.data.files import FileSource
from tfxfer.data.grouping import Grouping, open_grouping
from tfxfer.data.names import escaped, label_fault, name_fault
from tfxfer.data.problems import Problem, bad_record
from tfxfer.data.records import SPLITS, Listing, Record, SplitName
from tfxfer.data.table import Row, Table, read_table

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
DRIVE = re.compile(r"[A-Za-z]:[\\/]")
KNOWN = frozenset({"path", "label", "split", "group", "weight"})
SPLIT_NAMES: Mapping[str, SplitName] = {**{split: split for split in SPLITS}, "val": "validation"}


class _BadRowError(ValueError):
    """Why a row gives no record."""


class _BadLabelError(_BadRowError):
    """A label that no row may have; it cannot be skipped, since it may stand for a whole class."""


def open_manifest(path: Path, name: str, group_by: str | None = None) -> FileSource:
    """List a manifest; its paths are relative to the folder it lies in.

    Raises:
        DataError: the file is not a UTF-8 table with the columns path and label.
        UsageError: `group_by` is neither a column nor a pattern with one group.
    """
    table = read_table(path, name)
    grouping = open_grouping(group_by, table.columns)
    return FileSource(name, path.parent.resolve(), _listing(table, name, grouping))


def _listing(table: Table, name: str, grouping: Grouping) -> Listing:
    records: dict[str, tuple[Record, int]] = {}
    problems: list[Problem] = []
    splits_given = "split" in table.columns and any(_split_text(table, row) for row in table.rows)
    for row in table.rows:
        try:
            record = _record(_values(table, row), grouping, splits_given)
        except _BadRowError as error:
            problems.append(_bad_row(table, row, name, error))
            continue
        if record.path in records:
            problems.append(_listed_twice(record, row.line, records[record.path], name))
        else:
            records[record.path] = (record, row.line)
    ordered = sorted((record for record, _ in records.values()), key=lambda record: record.path)
    return Listing(tuple(ordered), tuple(problems))


def _split_text(table: Table, row: Row) -> str:
    index = table.columns.index("split")
    return row.values[index].strip() if index < len(row.values) else ""


def _values(table: Table, row: Row) -> dict[str, str]:
    if len(row.values) != len(table.columns):
        raise _BadRowError(
            f"a row must have {len(table.columns)} fields. Received: {len(row.values)}. "
            "Put quotes around a field that holds the separator."
        )
    return dict(zip(table.columns, row.values, strict=True))


def _record(values: Mapping[str, str], grouping: Grouping, splits_given: bool) -> Record:
    path = _path(values["path"].strip())
    label = values["label"]
    fault = label_fault(label)
    if fault is not None:
        raise _BadLabelError(
            f"a label must be one plain line. Received: '{escaped(label)}', which has {fault}. Rename it."
        )
    split = _split(values["split"].strip()) if splits_given else None
    columns = tuple((name, value) for name, value in values.items() if name not in KNOWN)
    return Record(
        path, label, split, _group(grouping, path, values), _weight(values.get("weight", "")), columns
    )


def _path(text: str) -> str:
    if not text:
        raise _BadRowError("a path is required. Received: an empty field. Fill it in.")
    if URL.match(text):
        raise _BadRowError(
            f"a path must name a file beside the manifest. Received: the address '{escaped(text)}'. "
            "Download it first: a run must not depend on what a server sends today."
        )
    fault = name_fault(text)
    if fault is not None:
        raise _BadRowError(
            f"a path must be one plain line. Received: '{escaped(text)}' with {fault}. Rename the file."
        )
    path = posixpath.normpath(text)
    if path.startswith("/") or DRIVE.match(text) or path.split("/")[0] in ("..", "."):
        raise _BadRowError(
            f"a path must be relative and stay inside the manifest's folder. Received: '{text}'. "
            "Put the manifest in a folder above the pictures."
        )
    return path


def _split(text: str) -> SplitName:
    if text in SPLIT_NAMES:
        return SPLIT_NAMES[text]
    near = difflib.get_close_matches(text.lower(), SPLIT_NAMES, n=1)
    hint = f"Did you mean '{near[0]}'?" if near else "Fill in every row, or none."
    raise _BadRowError(
        f"split must be train, validation (or val) or test. Received: '{escaped(text)}'. {hint}"
    )


def _group(grouping: Grouping, path: str, values: Mapping[str, str]) -> str | None:
    try:
        return grouping.group(path, values)
    except ValueError as error:
        raise _BadRowError(str(error)) from error


def _weight(text: str) -> float:
    try:
        weight = float(text) if text.strip() else 1.0
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise _BadRowError(
            f"weight must be a number above 0. Received: '{escaped(text)}'. Correct it, or remove the row."
        )
    return weight


def _bad_row(table: Table, row: Row, name: str, error: _BadRowError) -> Problem:
    index = table.columns.index("path")
    path = escaped(row.values[index].strip()) if index < len(row.values) else ""
    where = path or f"{name}:{row.line}"
    message = f"'{name}', line {row.line}: {error}"
    if isinstance(error, _BadLabelError):
        return Problem("bad_label", "error", (where,), message)
    return bad_record("bad_row", where, message)


def _listed_twice(record: Record, line: int, first: tuple[Record, int], name: str) -> Problem:
    """The first row stays where both agree; where they do not, neither can be believed."""
    message = (
        f"'{name}', line {line}: a path must be listed once. Received: '{record.path}', already in line "
        f"{first[1]}. "
        "Remove one of the rows."
    )
    agree = record == first[0]
    return (
        Problem("listed_twice", "notice", (record.path,), message)
        if agree
        else bad_record("listed_twice", record.path, message)
    )
