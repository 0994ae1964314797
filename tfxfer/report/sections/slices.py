"""Whom it serves worse: figures on every slice, of the network and of the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Block, Cell, Section, table
from tfxfer.report.finished import FinishedRun, facts, number, numbers, rows
from tfxfer.report.tasks import artifact_name, score_text, task_words


def slices(run: FinishedRun) -> Section | None:
    """The network on each slice beside the rest, and the file that loses most there."""
    entries = rows(facts(run.report, "test"), "slices")
    if not entries:
        return None
    shares = task_words(run).is_share
    made = [(*_names(entry), *_figures(run, entry, shares), *_worst_file(run, entry)) for entry in entries]
    columns = (
        "slice", "value", "test pictures", task_words(run).score.replace("_", " "), "95 % interval",
        "beside the rest", "95 % interval", "worst file", "its loss",
    )  # fmt: skip
    block: Block = table("Slices of the test split", columns, made, text=2)
    return Section("slices", "Slice by slice", (block,))


def _names(entry: Mapping[str, Any]) -> tuple[str, str]:
    return str(entry.get("name")), str(entry.get("value"))


def _figures(run: FinishedRun, entry: Mapping[str, Any], shares: bool) -> list[str | Cell]:
    gap, bounds = number(entry, "gap"), numbers(entry, "gap_interval")
    worse = len(bounds) == 2 and (bounds[1] < 0 if shares else bounds[0] > 0)
    text = words.points(gap) if shares else words.figure(gap)
    return [
        words.count(number(entry, "n")),
        score_text(run, number(entry, "score")),
        words.interval(numbers(entry, "interval"), shares=shares),
        Cell(text, "bad" if worse else ""),
        words.interval(bounds, shares=shares),
    ]


def _worst_file(run: FinishedRun, entry: Mapping[str, Any]) -> tuple[str, str]:
    losses = [
        (number(row, "drop") or 0.0, artifact_name(artifact))
        for artifact in rows(run.report, "artifacts")
        for row in rows(artifact, "slices")
        if _names(row) == _names(entry)
    ]
    drop, name = max(losses, default=(0.0, words.DASH))
    if drop <= 0:
        return words.DASH, "none"
    return name, words.points(-drop) if task_words(run).is_share else words.figure(drop)
