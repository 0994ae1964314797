"""What it learned from: the splits, what was wrong with the data, and labels that are likely wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfxfer.report import words
from tfxfer.report.blocks import Block, Cell, Column, Section, Table, Tone, Words, table
from tfxfer.report.finished import FinishedRun, facts, number, rows

SPLITS = ("train", "validation", "test")
TONES: Mapping[str, Tone] = {"error": "bad", "warning": "doubtful", "notice": ""}
PROBLEM_COLUMNS = (
    Column("problem", False),
    Column("severity", False),
    Column("files"),
    Column("what", False),
)


def data(run: FinishedRun) -> Section | None:
    """Splits, problems, and the labels that a linear probe disputes."""
    found = facts(run.report, "data")
    if not found:
        return None
    blocks = [_splits(found, run), _problems(found), _issues(facts(run.report, "label_issues"))]
    return Section("data", "The data", tuple(block for block in blocks if block is not None))


def _splits(found: Mapping[str, Any], run: FinishedRun) -> Block:
    counts = facts(found, "class_counts")
    made: list[tuple[str, ...]] = [
        (str(label), *(words.count(numbers_at(counts, split, index)) for split in SPLITS))
        for index, label in enumerate(found.get("labels") or ())
        if counts and run.task != "regression" and len(found["labels"]) <= 50
    ]
    whole = ("all pictures", *(words.count(number(found, split)) for split in SPLITS))
    return table("Pictures in each split", ("", *SPLITS), [whole, *made])


def numbers_at(counts: Mapping[str, Any], split: str, index: int) -> float | None:
    """One entry of `class_counts`."""
    row = counts.get(split)
    return float(row[index]) if isinstance(row, list) and index < len(row) else None


def _problems(found: Mapping[str, Any]) -> Block | None:
    problems = rows(found, "problems")
    skipped, duplicates = number(found, "bad_records"), number(found, "duplicates")
    if not problems:
        text = f"Bad records that were skipped: {words.count(skipped)}. Exact duplicates: {words.count(duplicates)}."
        return Words(text if "problems" not in found else f"No problem was found. {text}")
    made = tuple(
        (
            Cell(str(entry.get("kind")).replace("_", " ")),
            Cell(str(entry.get("severity")), TONES.get(str(entry.get("severity")), "")),
            Cell(words.count(number(entry, "count"))),
            Cell(str(entry.get("message"))),
        )
        for entry in problems
    )
    return Table("Problems", PROBLEM_COLUMNS, made)


def _issues(found: Mapping[str, Any]) -> Block | None:
    count = number(found, "count")
    if not count:
        return None if found.get("why") is None else Words(f"Wrong labels were not searched: {found['why']}.")
    made = [
        (
            str(entry.get("path")),
            str(entry.get("split")),
            str(entry.get("label")),
            str(entry.get("suggested_label")),
            words.share(number(entry, "probability")),
        )
        for entry in rows(found, "top")
    ]
    caption = (
        f"Labels that are likely wrong: {words.count(count)}, all in {found.get('path')}; the first of them"
    )
    columns = ("picture", "split", "label", "likely", "probability of its label")
    return table(caption, columns, made, text=4)
