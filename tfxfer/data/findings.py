"""What only a look at all records together shows: duplicates, contradictions, leaks; then the targets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tfxfer.catalogue.tasks import TaskName
from tfxfer.data.findings_labels import label_problems
from tfxfer.data.findings_values import value_problems
from tfxfer.data.given import given_splits
from tfxfer.data.problems import Problem, shown
from tfxfer.data.records import SPLITS, Record, SplitName
from tfxfer.data.units import Unit, find_units
from tfxfer.errors import DataError

TARGETS: Mapping[TaskName, str] = {
    "classification": "labels",
    "multi_label": "sets of labels",
    "regression": "values",
}


def content_problems(records: Sequence[Record], digests: Mapping[str, str]) -> list[Problem]:
    """The same bytes with two targets, in two given splits, or more than once."""
    copies: dict[str, list[Record]] = {}
    for record in records:
        copies.setdefault(digests[record.path], []).append(record)
    return [_same_bytes(found) for found in copies.values() if len(found) > 1]


def _same_bytes(copies: Sequence[Record]) -> Problem:
    paths = tuple(record.path for record in copies)
    targets = sorted({record.target for record in copies})
    splits = {record.split for record in copies if record.split is not None}
    if len(targets) > 1:
        message = (
            f"The same image under {len(targets)} {TARGETS[copies[0].task]}. Received: {shown(paths)}, "
            f"labelled {shown(targets)}. Keep it under the right one."
        )
        return Problem("conflict", "error", paths, message, drops=paths)
    if len(splits) > 1:
        keep = max(splits, key=SPLITS.index)  # the held-out copy stays: a test split is not changed lightly
        drops = tuple(record.path for record in copies if record.split != keep)
        message = (
            f"The same image in {len(splits)} splits. Received: {shown(paths)}. Keep it in '{keep}' only."
        )
        return Problem("leak", "error", paths, message, drops)
    return Problem(
        "duplicate",
        "notice",
        paths,
        f"The same image {len(paths)} times: {shown(paths)}. They stay in one split.",
    )


def target_problems(
    task: TaskName, good: Sequence[Record], labels: Sequence[str], digests: Mapping[str, str]
) -> list[Problem]:
    """Groups in two given splits, and what is wrong with labels or values as a whole."""
    try:
        given = given_splits(good)
    except DataError as error:
        return [Problem("splits", "error", (), str(error))]
    units = find_units(good, digests)
    problems = _group_leaks(units, given) if given else []
    if task == "regression":
        return problems + value_problems(good, units, given)
    return problems + label_problems(task, good, labels, units, given=given)


def _group_leaks(units: Sequence[Unit], given: Mapping[str, SplitName]) -> list[Problem]:
    problems = []
    for unit in units:
        splits = sorted({given[record.path] for record in unit.records})
        groups = sorted({record.group for record in unit.records if record.group is not None})
        if len(splits) > 1:
            message = (
                f"A group must be in one split. Received: {shown(groups)} in {shown(splits)}. Give it one "
                "split."
            )
            problems.append(Problem("group_leak", "error", tuple(r.path for r in unit.records), message))
    return problems
