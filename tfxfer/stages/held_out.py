"""The labelled pictures that a single command measures on: a data set of the caller's, or a run's own test split."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tfxfer.catalogue.inputs import ResizeRule, Size
from tfxfer.catalogue.tasks import TaskName
from tfxfer.config.read import read_resolved
from tfxfer.data import (
    ArraySplit,
    Scan,
    Source,
    admit,
    label_names,
    open_scan,
    open_source,
    scan,
    split_records,
)
from tfxfer.errors import DataError
from tfxfer.stages.cached import Cached
from tfxfer.stages.data import RunData, ScanData, input_channels, input_size, open_data, split_scan
from tfxfer.stages.run_directory import RunDirectory
from tfxfer.stages.stage import State
from tfxfer.store.journal import Journal


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Pictures to measure on, the labels in the order of their numbers, and what may be calibrated with."""

    test: ArraySplit
    labels: tuple[str, ...]
    train: ArraySplit | None  # None where the data name no training split


@contextmanager
def held_out(
    data: str,
    size: Size,
    rule: ResizeRule,
    known: Sequence[str] | None = None,
    *,
    task: TaskName = "classification",
    channels: int = 3,
) -> Iterator[Labelled]:
    """The test split of labelled data that come with splits, else all of them; decoded for the block's length.

    Raises:
        DataError: bad records, or labels that are not among `known`.
    """
    with _scanned(open_source(data, task=task), size, rule, channels) as found:
        records = admit(found.report).records
        labels = label_names(records) if known is None else tuple(known)
        if all(record.split is None for record in records):
            yield Labelled(found.select(records, labels), labels, None)
            return
        splits = split_records(records, found.report.digests)
        yield Labelled(found.select(splits.test, labels), labels, found.select(splits.train, labels))


@contextmanager
def run_test_split(path: Path) -> Iterator[Labelled]:
    """The test split of the run at `path`, from what the run decoded or, where that is gone, from its data.

    Raises:
        DataError: the data are gone, or have changed so that the split is another one.
    """
    run = RunDirectory(path)
    config = read_resolved(run.config)
    source = open_data(config)
    kept = Cached(ScanData(source)).complete(State(config, run, Journal()))
    if kept is not None:
        yield _test_split(run, split_scan(source, open_scan(kept), config))
        return
    size, channels = input_size(config.backbone), input_channels(config.backbone)
    with _scanned(source, size, config.data.resize, channels) as found:
        yield _test_split(run, split_scan(source, found, config))


@contextmanager
def _scanned(source: Source, size: Size, rule: ResizeRule, channels: int) -> Iterator[Scan]:
    with tempfile.TemporaryDirectory(prefix="tfxfer-pictures-") as folder:
        yield scan(source, Path(folder), size=size, rule=rule, channels=channels)


def _test_split(run: RunDirectory, data: RunData) -> Labelled:
    """Refuses a split that is no longer the run's: a picture that it was trained on may be in it."""
    with run.splits.open(encoding="utf-8", newline="") as file:
        rows = [(row["path"], row["label"]) for row in csv.DictReader(file) if row["split"] == "test"]
    now = sorted((record.path, record.target) for record in data.splits.test)
    if now != sorted(rows):
        raise DataError(
            f"the data must give the test split that '{run.splits}' lists, {len(rows)} pictures. "
            f"Received: another one, of {len(now)}; files were added, removed or changed. Give --data."
        )
    return Labelled(data.test, data.splits.labels, data.train)
