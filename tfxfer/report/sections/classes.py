"""Class by class: how often each is found, and with what it is confused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Block, Cell, Column, Plot, Plots, Section, Table, table
from tfxfer.report.finished import FinishedRun, facts, number, rows
from tfxfer.report.plots.answers import confusion_image

TABLE_CLASSES = 25  # beyond it the matrix is a picture
LISTED_CLASSES = 100  # beyond it the table holds the worst only
CONFUSIONS = 6


def classes(run: FinishedRun) -> Section | None:
    """The per-class table and the confusion matrix; the values of a regression."""
    test = facts(run.report, "test")
    entries = rows(test, "per_class") or rows(test, "per_label")
    if not entries:
        return _values(rows(test, "per_value"))
    labels = [str(entry.get("label")) for entry in entries]
    confusion = test.get("confusion")
    blocks: list[Block] = [_figures(entries)]
    if isinstance(confusion, list) and confusion:
        blocks = [*_confusion(confusion, labels), *blocks]
    title = "Class by class" if "per_class" in test else "Label by label"
    return Section("classes", title, tuple(blocks))


def _figures(entries: Sequence[Mapping[str, Any]]) -> Table:
    shown, caption = list(entries), "Each class against all others"
    if len(entries) > LISTED_CLASSES:
        shown = sorted(entries, key=lambda entry: (number(entry, "f1") is None, number(entry, "f1") or 0.0))
        shown, caption = (
            shown[:LISTED_CLASSES],
            f"The {LISTED_CLASSES} classes of {len(entries):,} with the lowest F1",
        )
    names = {
        "precision": "precision",
        "recall": "recall",
        "f1": "F1",
        "roc_auc": "ROC AUC",
        "average_precision": "average precision",
    }
    threshold = ["threshold"] if any("threshold" in entry for entry in entries) else []
    columns = ("", "test pictures", *threshold, *names.values())
    return table(
        caption,
        columns,
        [
            (
                str(entry.get("label")),
                words.count(number(entry, "support")),
                *(words.figure(number(entry, name)) for name in threshold),
                *(words.share(number(entry, name)) for name in names),
            )
            for entry in shown
        ],
    )


def _confusion(confusion: Sequence[Sequence[float]], labels: Sequence[str]) -> list[Block]:
    most = _most_confused(confusion, labels)
    if len(labels) > TABLE_CLASSES:
        picture = Plot(confusion_image(confusion), "Truth by row, answer by column.")
        return [Plots((picture,)), *most]
    columns = (
        Column("truth, then answer by number", numeric=False),
        *(Column(str(i)) for i in range(1, len(labels) + 1)),
    )
    made = tuple(
        (Cell(f"{row} {label}"), *(_cell(value, sum(counts), row - 1 == column) for column, value in enumerate(counts)))
        for row, (label, counts) in enumerate(zip(labels, confusion, strict=True), start=1)
    )  # fmt: skip
    return [
        Table("Confusion matrix: test pictures of each class, by answer", columns, made, dense=True),
        *most,
    ]


def _cell(value: float, whole: float, diagonal: bool) -> Cell:
    return Cell(
        words.count(value) if value else "·", "good" if diagonal else "bad", value / whole if whole else 0.0
    )


def _most_confused(confusion: Sequence[Sequence[float]], labels: Sequence[str]) -> list[Block]:
    pairs = [
        (value, labels[row], labels[column], sum(counts))
        for row, counts in enumerate(confusion)
        for column, value in enumerate(counts)
        if row != column and value
    ]
    worst = sorted(pairs, key=lambda pair: -pair[0])[:CONFUSIONS]
    made = [
        (truth, said, words.count(value), words.share(value / whole)) for value, truth, said, whole in worst
    ]
    columns = ("truth", "answer", "pictures", "of its class")
    return [table("Most frequent confusions", columns, made, text=2)] if made else []


def _values(entries: Sequence[Mapping[str, Any]]) -> Section | None:
    if len(entries) < 2:
        return None
    names = {
        "mean_absolute_error": "mean absolute error",
        "root_mean_squared_error": "root mean squared error",
        "r2": "R²",
        "mean_error": "mean error",
    }
    made = [
        (str(entry.get("label")), *(words.figure(number(entry, name)) for name in names)) for entry in entries
    ]
    return Section("classes", "Value by value", (table("Each value", ("", *names.values()), made),))
