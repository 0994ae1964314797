"""Labels as a whole: too few, not in every split, few examples, imbalance, nothing to tell apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from tfxfer.catalogue.tasks import TASKS, TaskName
from tfxfer.data.problems import Problem, Severity, shown
from tfxfer.data.records import Record, SplitName
from tfxfer.data.units import Unit

FEW = 20  # below this a class's accuracy is known to no better than a coin's toss: 3 test pictures
IMBALANCE = 5.0  # the largest class over the smallest


def label_problems(
    task: TaskName,
    good: Sequence[Record],
    labels: Sequence[str],
    units: Sequence[Unit],
    *,
    given: Mapping[str, SplitName],
) -> list[Problem]:
    """What is wrong with the labels of `good` records, whose splits are `given` or to be drawn."""
    counts = Counter(label for record in good for label in record.label_set)
    problems = _too_few_labels(task, labels)
    if given:
        problems += _given_gaps(task, good, labels, given)
    problems += _too_few_units(task, labels, units, given) + _few_examples(task, labels, counts)
    if task == "classification":
        return problems + _imbalance(labels, counts)
    return problems + _always_given(labels, counts, len(good)) + _without_labels(good)


def _word(task: TaskName) -> str:
    return "class" if task == "classification" else "label"


def _too_few_labels(task: TaskName, labels: Sequence[str]) -> list[Problem]:
    if len(labels) >= TASKS[task].fewest_labels:
        return []
    message = (
        f"At least two classes are needed. Received: {shown(labels) or 'none'}. Add a folder or rows of "
        "another class."
        if task == "classification"
        else "At least one label is needed. Received: none in any row. Fill in the column 'labels'."
    )
    return [Problem("one_class", "error", (), message)]


def _given_gaps(
    task: TaskName, good: Sequence[Record], labels: Sequence[str], given: Mapping[str, SplitName]
) -> list[Problem]:
    present = Counter((label, given[record.path]) for record in good for label in record.label_set)
    problems = []
    for split in sorted(set(given.values())):
        lacking = [label for label in labels if not present[label, split]]
        if lacking:
            message = (
                f"'{split}' should hold every {_word(task)}. Received: none of {shown(lacking)}. "
                "Add examples of them."
            )
            severity: Severity = "error" if split == "train" else "warning"
            problems.append(Problem("class_missing", severity, (), message))
    return problems


def _too_few_units(
    task: TaskName, labels: Sequence[str], units: Sequence[Unit], given: Mapping[str, SplitName]
) -> list[Problem]:
    """Units to draw from, against the splits that are to be drawn."""
    if "validation" in given.values():
        return []
    drawn = [unit for unit in units if not given or given[unit.records[0].path] == "train"]
    counts = Counter(label for unit in drawn for label in unit.labels)
    needed = 2 if given else 3
    return [_too_few(task, label, counts[label], needed) for label in labels if counts[label] < needed]


def _too_few(task: TaskName, label: str, received: int, needed: int) -> Problem:
    """A class must be in every split; of many labels, a rare one may be missing where figures are taken."""
    word = _word(task)
    message = (
        f"{word.capitalize()} '{label}' needs at least {needed} different images or groups, one for each split. "
        f"Received: {received}. Add examples or remove the {word}."
    )
    severity: Severity = "warning" if task == "multi_label" and received > 0 else "error"
    return Problem("too_few", severity, (), message)


def _few_examples(task: TaskName, labels: Sequence[str], counts: Mapping[str, int]) -> list[Problem]:
    few = [label for label in labels if 0 < counts[label] < FEW]
    if not few:
        return []
    message = (
        f"A {_word(task)} should have at least {FEW} examples. Received: fewer in "
        f"{shown(_counted(few, counts))}. Add some."
    )
    return [Problem("few_examples", "warning", (), message)]


def _imbalance(labels: Sequence[str], counts: Mapping[str, int]) -> list[Problem]:
    ordered = sorted(labels, key=lambda label: (counts[label], label))
    if not ordered or not counts[ordered[-1]] > IMBALANCE * counts[ordered[0]] > 0:
        return []
    message = (
        "Classes should be of similar size. Received: "
        f"{shown(_counted((ordered[0], ordered[-1]), counts))}. "
        "Judge by macro F1 rather than accuracy, or add examples."
    )
    return [Problem("imbalance", "warning", (), message)]


def _always_given(labels: Sequence[str], counts: Mapping[str, int], examples: int) -> list[Problem]:
    always = [label for label in labels if counts[label] == examples > 0]
    if not always:
        return []
    message = (
        f"A label should be missing from some images. Received: {shown(always)} on all {examples:,}, so that "
        "nothing tells it apart. Remove it, or add images without it."
    )
    return [Problem("always_given", "warning", (), message)]


def _without_labels(good: Sequence[Record]) -> list[Problem]:
    paths = tuple(record.path for record in good if not record.labels)
    if not paths:
        return []
    message = f"{len(paths):,} images have no label: {shown(paths)}. They teach that none applies."
    return [Problem("no_label", "notice", paths, message)]


def _counted(labels: Sequence[str], counts: Mapping[str, int]) -> list[str]:
    return [f"{label}: {counts[label]}" for label in labels]
