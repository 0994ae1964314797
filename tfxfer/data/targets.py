"""What records are labelled with, by task: as text in a manifest, as arrays for training, as counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tfxfer.catalogue.tasks import TaskName
from tfxfer.data.names import escaped, label_fault
from tfxfer.data.problems import shown
from tfxfer.data.records import SEPARATOR, Record
from tfxfer.errors import DataError

VALUE_LABELS = ("value",)  # the only "label" of a regression
LARGEST = float(np.finfo(np.float32).max)


class BadTargetError(ValueError):
    """Why a text is no target."""


class BadLabelError(BadTargetError):
    """A label that no record may have; it cannot be skipped, since it may stand for a whole class."""


def parse_label(text: str) -> str:
    """One label. Raises BadLabelError where it is not one plain line."""
    fault = label_fault(text)
    if fault is not None:
        raise BadLabelError(
            f"a label must be one plain line. Received: '{escaped(text)}', which has {fault}. Rename it."
        )
    return text


def parse_labels(text: str) -> tuple[str, ...]:
    """Labels separated by SEPARATOR, sorted; none at all for an empty text.

    Raises:
        BadTargetError: a separator too many, or a label twice.
        BadLabelError: a label that is not one plain line.
    """
    if not text.strip():
        return ()
    labels = [part.strip() for part in text.split(SEPARATOR)]
    if "" in labels:
        raise BadTargetError(
            f"labels must be separated by one '{SEPARATOR}'. Received: '{escaped(text)}'. "
            "Remove the separator too many; leave the field empty where no label applies."
        )
    repeated = [label for label, count in Counter(labels).items() if count > 1]
    if repeated:
        raise BadTargetError(
            f"labels must differ. Received: '{escaped(repeated[0])}' more than once. Write it once."
        )
    return tuple(sorted(parse_label(label) for label in labels))


def parse_value(text: str) -> float:
    """One finite number. Raises BadTargetError where it is none."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= LARGEST or "_" in text:
        raise BadTargetError(
            f"value must be a finite float32 number, with a point for decimals. Received: '{escaped(text)}'. "
            "Correct it, or remove the row."
        )
    return value


def task_of(records: Sequence[Record]) -> TaskName:
    """The one task of `records`; classification where there are none.

    Raises:
        DataError: records of several tasks.
    """
    tasks = sorted({record.task for record in records})
    if len(tasks) > 1:
        raise DataError(f"Records must be of one task. Received: {shown(tasks)}. Keep those of one.")
    return tasks[0] if tasks else "classification"


def label_names(records: Sequence[Record]) -> tuple[str, ...]:
    """Every label that occurs, sorted; VALUE_LABELS for a regression."""
    if task_of(records) == "regression":
        return VALUE_LABELS
    return tuple(sorted({label for record in records for label in record.label_set}))


def label_counts(records: Sequence[Record], labels: Sequence[str]) -> list[int]:
    """How many of `records` have each of `labels`; for a regression, how many there are."""
    if task_of(records) == "regression":
        return [len(records)]
    found = Counter(label for record in records for label in record.label_set)
    return [found[label] for label in labels]


def target_array(records: Sequence[Record], labels: Sequence[str]) -> np.ndarray:
    """(N,) int32 class numbers; (N, labels) float32 of 0 and 1 for multi-label; (N, 1) float32 for a regression.

    Raises:
        DataError: a record's label is not among `labels`, or records of several tasks.
    """
    task = task_of(records)
    if task == "regression":
        return np.array([[record.value] for record in records], dtype=np.float32)
    numbers = {label: number for number, label in enumerate(labels)}
    _refuse_foreign(records, labels)
    if task == "classification":
        return np.array([numbers[record.label] for record in records], dtype=np.int32)
    applies = np.zeros((len(records), len(labels)), dtype=np.float32)
    for row, record in enumerate(records):
        applies[row, [numbers[label] for label in record.labels]] = 1
    return applies


def _refuse_foreign(records: Sequence[Record], labels: Sequence[str]) -> None:
    foreign = sorted({label for record in records for label in record.label_set} - set(labels))
    if foreign:
        raise DataError(
            f"Labels must be among {shown(labels)}. Received: {shown(foreign)}. Correct the data or the "
            "labels."
        )
