"""The values of a regression as a whole: nothing to learn, too few, far from the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tfxfer.data.problems import Problem, shown
from tfxfer.data.records import Record, SplitName
from tfxfer.data.units import Unit

FEW = 20
FENCE = 3.0  # interquartile ranges beyond the quartiles: "far out" in Tukey, Exploratory Data Analysis, 1977


def value_problems(
    good: Sequence[Record], units: Sequence[Unit], given: Mapping[str, SplitName]
) -> list[Problem]:
    """What is wrong with the values of `good` records, whose splits are `given` or to be drawn."""
    return [*_constant(good, given), *_too_few_units(units, given), *_few(good), *_outliers(good)]


def values_summary(records: Sequence[Record]) -> dict[str, float]:
    """Range and middle of the values, in their own unit; empty where there are none."""
    values = np.array([record.value for record in records if record.value is not None], dtype=np.float64)
    if not len(values):
        return {}
    return {
        "min": float(values.min()),
        "median": float(np.median(values)),
        "mean": float(values.mean()),
        "max": float(values.max()),
    }


def _constant(good: Sequence[Record], given: Mapping[str, SplitName]) -> list[Problem]:
    learnt = [record.value for record in good if not given or given[record.path] == "train"]
    if len(set(learnt)) != 1:
        return []
    where = "train" if given else "the data"
    message = f"The values must differ. Received: {learnt[0]!r} for every image in {where}. Fill in the column 'value'."
    return [Problem("constant_value", "error", (), message)]


def _too_few_units(units: Sequence[Unit], given: Mapping[str, SplitName]) -> list[Problem]:
    if "validation" in given.values():
        return []
    drawn = sum(not given or given[unit.records[0].path] == "train" for unit in units)
    needed = 2 if given else 3
    if drawn >= needed:
        return []
    message = (
        f"At least {needed} different images or groups are needed, one for each split. Received: {drawn}. "
        "Add examples."
    )
    return [Problem("too_few", "error", (), message)]


def _few(good: Sequence[Record]) -> list[Problem]:
    if len(good) >= FEW:
        return []
    message = f"A regression should have at least {FEW} examples. Received: {len(good)}. Add some."
    return [Problem("few_examples", "warning", (), message)]


def _outliers(good: Sequence[Record]) -> list[Problem]:
    values = np.array([record.value for record in good], dtype=np.float64)
    if not len(values):
        return []
    low, high = np.percentile(values, [25, 75])
    reach = FENCE * (high - low)
    far = [
        record
        for record, value in zip(good, values, strict=True)
        if reach > 0 and not low - reach <= value <= high + reach
    ]
    if not far:
        return []
    message = (
        f"Half of the values lie between {low:g} and {high:g}. Received: {len(far):,} far from them: "
        f"{shown(f'{record.path}: {record.value:g}' for record in far)}. Check that they are meant."
    )
    return [Problem("outliers", "notice", tuple(record.path for record in far), message)]
