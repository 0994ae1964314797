"""One row of a manifest becomes a record, or the reason why not."""

from __future__ import annotations

import difflib
import math
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tfxfer.catalogue.tasks import TASKS, TaskName
from tfxfer.data.grouping import COLUMN as GROUP
from tfxfer.data.grouping import Grouping
from tfxfer.data.names import escaped, name_fault
from tfxfer.data.records import SPLITS, Record, SplitName
from tfxfer.data.targets import BadLabelError, BadTargetError, parse_label, parse_labels, parse_value

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|data:[a-z]+/")
DRIVE = re.compile(r"[A-Za-z]:[\\/]")
KNOWN = frozenset({"path", "split", "weight"})  # and the columns of target and group
SPLIT_NAMES: Mapping[str, SplitName] = {**{split: split for split in SPLITS}, "val": "validation"}


class BadRowError(ValueError):
    """Why a row gives no record."""


class BadRowLabelError(BadRowError):
    """A label that no row may have; it cannot be skipped."""


@dataclass(frozen=True, slots=True)
class RowReader:
    """How the rows of one manifest are read."""

    task: TaskName
    grouping: Grouping
    splits_given: bool

    def record(self, values: Mapping[str, str]) -> Record:
        """The record of one row. Raises BadRowError."""
        path = _path(values["path"].strip())
        label, labels, value = _target(self.task, values[TASKS[self.task].manifest_column])
        own = KNOWN | {TASKS[self.task].manifest_column}
        if self.grouping.column == GROUP:
            own |= {GROUP}
        return Record(
            path,
            label,
            _split(values["split"].strip()) if self.splits_given else None,
            _group(self.grouping, path, values),
            _weight(values.get("weight", "")),
            tuple((name, text) for name, text in values.items() if name not in own),
            labels,
            value,
        )


def _target(task: TaskName, text: str) -> tuple[str, tuple[str, ...], float | None]:
    """(label, labels, value), of which the task's is filled."""
    try:
        if task == "classification":
            return parse_label(text), (), None
        if task == "multi_label":
            return "", parse_labels(text), None
        return "", (), parse_value(text)
    except BadLabelError as error:
        raise BadRowLabelError(str(error)) from error
    except BadTargetError as error:
        raise BadRowError(str(error)) from error


def _path(text: str) -> str:
    if not text:
        raise BadRowError("a path is required. Received: an empty field. Fill it in.")
    if URL.match(text):
        raise BadRowError(
            f"a path must name a file beside the manifest. Received: the address '{escaped(text[:200])}'. "
            "Download it first: a run must not depend on what a server sends today."
        )
    fault = name_fault(text)
    if fault is not None:
        raise BadRowError(
            f"a path must be one plain line. Received: '{escaped(text)}' with {fault}. Rename the file."
        )
    path = posixpath.normpath(text)
    if path.startswith("/") or DRIVE.match(text) or path.split("/")[0] in ("..", "."):
        raise BadRowError(
            f"a path must be relative and stay inside the manifest's folder. Received: '{text}'. "
            "Put the manifest in a folder above the pictures."
        )
    if "\\" in text:
        forward = text.replace("\\", "/")
        raise BadRowError(f"a path must have forward slashes. Received: '{text}'. Write '{forward}'.")
    return path


def _split(text: str) -> SplitName:
    if text in SPLIT_NAMES:
        return SPLIT_NAMES[text]
    near = difflib.get_close_matches(text.lower(), SPLIT_NAMES, n=1)
    hint = f"Did you mean '{near[0]}'?" if near else "Fill in every row, or none."
    raise BadRowError(
        f"split must be train, validation (or val) or test. Received: '{escaped(text)}'. {hint}"
    )


def _group(grouping: Grouping, path: str, values: Mapping[str, str]) -> str | None:
    try:
        return grouping.group(path, values)
    except ValueError as error:
        raise BadRowError(str(error)) from error


def _weight(text: str) -> float:
    try:
        weight = float(text) if text.strip() else 1.0
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise BadRowError(
            f"weight must be a number above 0. Received: '{escaped(text)}'. Correct it, or remove the row."
        )
    return weight
