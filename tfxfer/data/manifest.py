"""A manifest: a CSV or TSV file with path and target, and if wanted split, group, weight and other columns.

The target's column is `label`, or `labels` separated by "|" for multi-label, or `value` for a regression.
Where several of them are there, the task decides and the others are further columns.
"""

from __future__ import annotations

from pathlib import Path

from tfxfer.catalogue.tasks import TASK_NAMES, TASKS, TaskName
from tfxfer.data.files import FileSource
from tfxfer.data.grouping import open_grouping
from tfxfer.data.manifest_row import BadRowError, BadRowLabelError, RowReader
from tfxfer.data.names import escaped
from tfxfer.data.problems import Problem, bad_record, shown
from tfxfer.data.records import Listing, Record
from tfxfer.data.table import Row, Table, read_table, require_column
from tfxfer.errors import DataError


def open_manifest(
    path: Path, name: str, group_by: str | None = None, *, task: TaskName | None = "classification"
) -> FileSource:
    """List a manifest; its paths are relative to the folder it lies in. With no task, its columns tell it.

    Raises:
        DataError: the file is no table with the columns path and the task's target.
        UsageError: `group_by` is neither a column nor a pattern with one group.
    """
    table = read_table(path, name)
    wanted = _task_of(table, name) if task is None else task
    _require_target(table, name, wanted)
    grouping = open_grouping(group_by, table.columns)
    splits_given = "split" in table.columns and any(_split_text(table, row) for row in table.rows)
    reader = RowReader(wanted, grouping, splits_given)
    return FileSource(name, path.parent.resolve(), _listing(table, name, reader))


def _task_of(table: Table, name: str) -> TaskName:
    found = _tasks(table)
    if len(found) > 1:
        raise DataError(
            f"'{name}', line 1: the task must be told where several targets are there. Received: the columns "
            f"{shown(TASKS[task].manifest_column for task in found)}. Give --task, one of {', '.join(found)}."
        )
    return found[0] if found else "classification"


def _tasks(table: Table) -> list[TaskName]:
    """The tasks whose target the table has a column for."""
    return [task for task in TASK_NAMES if TASKS[task].manifest_column in table.columns]


def _require_target(table: Table, name: str, task: TaskName) -> None:
    column, others = TASKS[task].manifest_column, _tasks(table)
    if column not in table.columns and others:
        raise DataError(
            f"'{name}', line 1: the column '{column}' is required for the task {task}. "
            f"Received: {shown(table.columns, limit=20)}. Set head.task to {others[0]}, or rename "
            f"'{TASKS[others[0]].manifest_column}'."
        )
    require_column(table, column, name)


def _listing(table: Table, name: str, reader: RowReader) -> Listing:
    records: dict[str, tuple[Record, int]] = {}
    problems: list[Problem] = []
    for row in table.rows:
        try:
            record = reader.record(_values(table, row))
        except BadRowError as error:
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
        raise BadRowError(
            f"a row must have {len(table.columns)} fields. Received: {len(row.values)}. "
            "Put quotes around a field that holds the separator."
        )
    return dict(zip(table.columns, row.values, strict=True))


def _bad_row(table: Table, row: Row, name: str, error: BadRowError) -> Problem:
    index = table.columns.index("path")
    path = escaped(row.values[index].strip()) if index < len(row.values) else ""
    where = path or f"{name}:{row.line}"
    message = f"'{name}', line {row.line}: {error}"
    if isinstance(error, BadRowLabelError):
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
