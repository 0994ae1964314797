"""What only a look at all records together shows: duplicates, contradictions, leaks, small classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tfxfer.data.given import given_splits
from tfxfer.data.problems import Problem, Severity, shown
from tfxfer.data.records import SPLITS, Record, SplitName
from tfxfer.data.units import find_units
from tfxfer.errors import DataError

FEW = 20  # below this a class's accuracy is known to no better than a coin's toss: 3 test pictures
IMBALANCE = 5.0  # the largest class over the smallest


def content_problems(records: Sequence[Record], digests: Mapping[str, str]) -> list[Problem]:
    """The same bytes under two labels, in two given splits, or more than once."""
    copies: dict[str, list[Record]] = {}
    for record in records:
        copies.setdefault(digests[record.path], []).append(record)
    return [_same_bytes(found) for found in copies.values() if len(found) > 1]


def _same_bytes(copies: Sequence[Record]) -> Problem:
    paths = tuple(record.path for record in copies)
    labels = sorted({record.label for record in copies})
    splits = {record.split for record in copies if record.split is not None}
    if len(labels) > 1:
        message = (
            f"The same image under {len(labels)} labels. Received: {shown(paths)}, labelled {shown(labels)}. "
            "Keep it under the right one."
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


def class_problems(
    good: Sequence[Record], labels: Sequence[str], digests: Mapping[str, str]
) -> list[Problem]:
    """Too few classes, classes that cannot be in every split, few examples, imbalance."""
    try:
        given = given_splits(good)
    except DataError as error:
        return [Problem("splits", "error", (), str(error))]
    problems = _too_few_classes(labels)
    if given:
        problems += _group_leaks(good, given, digests) + _given_gaps(good, labels, given)
    return problems + _too_few_units(good, labels, given, digests) + _sizes(good, labels)


def _too_few_classes(labels: Sequence[str]) -> list[Problem]:
    if len(labels) > 1:
        return []
    message = (
        f"At least two classes are needed. Received: {shown(labels) or 'none'}. Add a folder or rows of "
        "another class."
    )
    return [Problem("one_class", "error", (), message)]


def _group_leaks(
    good: Sequence[Record], given: Mapping[str, SplitName], digests: Mapping[str, str]
) -> list[Problem]:
    problems = []
    for unit in find_units(good, digests):
        splits = sorted({given[record.path] for record in unit.records})
        groups = sorted({record.group for record in unit.records if record.group is not None})
        if len(splits) > 1:
            message = (
                f"A group must be in one split. Received: {shown(groups)} in {shown(splits)}. Give it one "
                "split."
            )
            problems.append(Problem("group_leak", "error", tuple(r.path for r in unit.records), message))
    return problems


def _given_gaps(
    good: Sequence[Record], labels: Sequence[str], given: Mapping[str, SplitName]
) -> list[Problem]:
    present = Counter((record.label, given[record.path]) for record in good)
    problems = []
    for split in sorted(set(given.values())):
        lacking = [label for label in labels if not present[label, split]]
        if lacking:
            message = (
                f"'{split}' should hold every class. Received: none of {shown(lacking)}. Add examples of "
                "them."
            )
            severity: Severity = "error" if split == "train" else "warning"
            problems.append(Problem("class_missing", severity, (), message))
    return problems


def _too_few_units(
    good: Sequence[Record], labels: Sequence[str], given: Mapping[str, SplitName], digests: Mapping[str, str]
) -> list[Problem]:
    """Units to draw from, against the splits that are to be drawn."""
    if "validation" in given.values():
        return []
    drawn = [record for record in good if not given or given[record.path] == "train"]
    units = Counter(label for unit in find_units(drawn, digests) for label in unit.labels)
    needed = 2 if given else 3
    return [_too_few(label, units[label], needed) for label in labels if units[label] < needed]


def _too_few(label: str, received: int, needed: int) -> Problem:
    message = (
        f"Class '{label}' needs at least {needed} different images or groups, one for each split. "
        f"Received: {received}. Add examples or remove the class."
    )
    return Problem("too_few", "error", (), message)


def _sizes(good: Sequence[Record], labels: Sequence[str]) -> list[Problem]:
    counts = Counter(record.label for record in good)
    few = [label for label in labels if 0 < counts[label] < FEW]
    problems = []
    if few:
        message = (
            f"A class should have at least {FEW} examples. Received: fewer in "
            f"{shown(_counted(few, counts))}. Add some."
        )
        problems.append(Problem("few_examples", "warning", (), message))
    ordered = sorted(labels, key=lambda label: (counts[label], label))
    if ordered and counts[ordered[-1]] > IMBALANCE * counts[ordered[0]] > 0:
        message = (
            "Classes should be of similar size. Received: "
            f"{shown(_counted((ordered[0], ordered[-1]), counts))}. "
            "Judge by macro F1 rather than accuracy, or add examples."
        )
        problems.append(Problem("imbalance", "warning", (), message))
    return problems


def _counted(labels: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    return [f"{label}: {counts[label]}" for label in labels]
