"""The data of a run: every file visited once, problems decided about, splits drawn and written down."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from tfxfer.catalogue.backbones import BACKBONES, require_kind
from tfxfer.catalogue.formats import GRAPH_FILE
from tfxfer.catalogue.grey import COLOURED
from tfxfer.catalogue.hub_modules import hub_facts
from tfxfer.catalogue.inputs import ImageInput, Size
from tfxfer.catalogue.pixels import Pixels
from tfxfer.config.schema import BackboneConfig, Config
from tfxfer.data import (
    Admitted,
    ArraySplit,
    Fractions,
    Scan,
    Slicing,
    Source,
    Splits,
    admit,
    bad_records_csv,
    check_slices,
    open_scan,
    open_source,
    scan,
    split_records,
    splits_csv,
    task_of,
    values_summary,
)
from tfxfer.stages.stage import State
from tfxfer.store.atomic import write_text
from tfxfer.store.journal import Journal

PAUSE_S = 0.5  # between two progress events: the log must not hold a line for each picture


@dataclass(frozen=True, slots=True, eq=False)
class RunData:
    """The admitted examples of a run, decoded, in their splits."""

    source: Source
    scan: Scan
    admitted: Admitted
    splits: Splits
    train: ArraySplit
    validation: ArraySplit
    test: ArraySplit

    @property
    def fingerprint(self) -> str:
        """One SHA-256 over what the examples say and hold."""
        return self.scan.report.fingerprint

    def as_dict(self) -> dict[str, object]:
        """JSON values under report.json's names."""
        return {
            "train": len(self.train),
            "validation": len(self.validation),
            "test": len(self.test),
            "classes": len(self.splits.labels),
            "labels": list(self.splits.labels),
            "bad_records": len(self.admitted.skipped),
            "duplicates": self.scan.report.duplicates,
            "fingerprint": self.fingerprint,
        }

    def findings_dict(self) -> dict[str, object]:
        """What report.json adds: every problem, and how many examples of each label each split has."""
        problems = [
            {
                "kind": problem.kind,
                "severity": problem.severity,
                "count": len(problem.paths),
                "message": problem.message,
            }
            for problem in self.scan.report.problems
        ]
        splits = {"train": self.train, "validation": self.validation, "test": self.test}
        labels = len(self.splits.labels)
        counts = {
            name: None
            if task_of(self.admitted.records) == "regression"
            else label_counts(split.labels, labels)
            for name, split in splits.items()
        }
        return {"problems": problems, "class_counts": counts}


def label_counts(labels: np.ndarray, count: int) -> list[int]:
    """How many examples each label has, from class numbers (N,) or (N, labels) zeros and ones."""
    if labels.ndim == 1:
        return [int(number) for number in np.bincount(labels, minlength=count)]
    return [int(number) for number in labels.sum(axis=0)]


def pixels_key(data: RunData, config: Config) -> dict[str, object]:
    """What a stage's key says of the pictures it sees: which, and how they were fitted to the backbone."""
    size = list(input_size(config.backbone))
    key = {"data": data.fingerprint, "resize": config.data.resize, "size": size}
    return {**key, **_channels_key(config.backbone)}


def _channels_key(backbone: BackboneConfig) -> dict[str, object]:
    channels = input_channels(backbone)
    return {} if channels == COLOURED else {"channels": channels}


def input_size(backbone: BackboneConfig) -> Size:
    """(height, width) in pixels that a run's pictures are resized to, known before anything is loaded."""
    if backbone.image_size is not None:
        return backbone.image_size
    if backbone.name in BACKBONES:
        return BACKBONES[backbone.name].image_size
    facts = hub_facts(backbone.name.partition("/")[2])
    if facts is not None and facts.image_size is not None:
        return facts.image_size
    return _own_input(backbone)[0]


def input_channels(backbone: BackboneConfig) -> int:
    """How many channels a run's pictures have: 3 (RGB), or 1 (grey) where asked for or where run/DIR has it so."""
    if backbone.channels is None and backbone.name.startswith("run/"):
        return _own_input(backbone)[1]
    return COLOURED if backbone.channels is None else backbone.channels


def _own_input(backbone: BackboneConfig) -> tuple[Size, int]:
    """Of a model that is no catalogue's; its file's date is part of what is remembered."""
    path = Path(backbone.name.partition("/")[2])
    file = path / GRAPH_FILE if path.is_dir() else path
    changed = file.stat().st_mtime_ns if file.is_file() else 0
    options = tuple(backbone.options.items())
    return _loaded_input(backbone.name, backbone.pixels, options, backbone.channels, changed)


@lru_cache(maxsize=8)
def _loaded_input(
    name: str,
    pixels: Pixels | None,
    options: tuple[tuple[str, object], ...],
    channels: int | None,
    changed: int,
) -> tuple[Size, int]:
    """Size and channels: it must be loaded to know, which takes seconds; once for each change."""
    from tfxfer.network.run_backbone import load_any_backbone

    asked = COLOURED if channels is None else channels
    found = load_any_backbone(name, pixels=pixels, options=dict(options), channels=asked).input
    return found.size, found.channels if isinstance(found, ImageInput) else COLOURED


@dataclass(frozen=True, slots=True)
class ScanData:
    """Read, check, decode and resize every file of `source`, once."""

    source: Source
    name: str = "data"

    def key(self, state: State) -> Mapping[str, object]:
        data = state.config.data
        return {
            "path": data.path,
            "task": state.config.head.task,
            "group_by": data.group_by,
            "resize": data.resize,
            "size": list(input_size(state.config.backbone)),
            **_channels_key(state.config.backbone),
            "files": listing_key(self.source, data.path),
        }

    def compute(self, state: State, folder: Path) -> None:
        size = input_size(state.config.backbone)
        found = scan(
            self.source,
            folder,
            size=size,
            rule=state.config.data.resize,
            channels=input_channels(state.config.backbone),
            progress=_progress(state.journal),
            timeout_s=state.config.data.timeout_seconds,
        )
        admit(found.report, state.config.data.on_bad_record)  # refused data are not kept

    def load(self, state: State, folder: Path) -> State:
        return state.having(scan=open_scan(folder))


@dataclass(frozen=True, slots=True)
class SplitData:
    """Decide about bad records, draw the splits, and write splits.csv and bad_records.csv."""

    source: Source
    name: str = "split"

    def __call__(self, state: State, /) -> State:
        data = split_scan(self.source, state.get("scan", Scan), state.config)
        write_text(state.run.splits, splits_csv(data.splits))
        if data.admitted.skipped:
            write_text(state.run.bad_records, bad_records_csv(data.admitted.skipped))
            count = len(data.admitted.skipped)
            state.journal.write(
                "warning", text=f"{count} bad records are skipped, see {state.run.bad_records.name}"
            )
        for problem in data.scan.report.of("warning"):
            state.journal.write("warning", text=problem.message)
        state.journal.write("decision", text=_words(data))
        return state.having(data=data)


def split_scan(source: Source, found: Scan, config: Config) -> RunData:
    """Admit and split what a scan found, by the rules of a configuration.

    Raises:
        DataError: bad records under `refuse`, a class with too few good examples, or slices that divide nothing.
        UsageError: slices by a column that is not there.
    """
    admitted = admit(found.report, config.data.on_bad_record)
    check_slices(admitted.records, slicings(config))
    shares = Fractions(**config.data.splits.model_dump())
    splits = split_records(admitted.records, found.report.digests, fractions=shares, seed=config.seed)
    labels = splits.labels
    train, validation, test = (found.select(records, labels) for records in splits.named().values())
    return RunData(source, found, admitted, splits, train, validation, test)


def slicings(config: Config) -> tuple[Slicing, ...]:
    """What a configuration divides the test pictures by; `slice_values` gives each record's slice."""
    named = config.evaluation.slices.items()
    return tuple(Slicing(name, entry.column, entry.path) for name, entry in named)


def require_data_kind(backbone: str, source: Source) -> None:
    """Refuse data of another kind than the backbone takes, before anything is downloaded.

    Raises:
        ConfigError: the two do not fit.
    """
    if backbone in BACKBONES:
        require_kind(BACKBONES[backbone], source.kind)


def open_data(config: Config) -> Source:
    """List the data that a configuration names.

    Raises:
        DataError: nothing is there, or it is no kind of data set.
    """
    return open_source(config.data.path, group_by=config.data.group_by, task=config.head.task)


def listing_key(source: Source, path: str) -> list[list[object]]:
    """Every record as listed, with size and time of its file: what can be known of its content without reading it."""
    rows: list[list[object]] = []
    for record in source.records():
        facts: list[object] = []
        file = _file(path, record.path)
        if file.is_file():
            status = file.stat()
            facts = [status.st_size, status.st_mtime_ns]
        said = [record.target, record.split, record.group, record.weight, dict(record.columns)]
        rows.append([record.path, *said, *facts])
    return rows


def _file(path: str, record: str) -> Path:
    root = Path(path)
    return (root if root.is_dir() else root.parent) / record


def _progress(journal: Journal) -> Callable[[int, int], None]:
    told = time.monotonic()

    def listen(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told >= PAUSE_S:
            told = time.monotonic()
            journal.write("progress", task="reading pictures", done=done, total=total)

    return listen


def _words(data: RunData) -> str:
    pictures = (
        f"{len(data.train):,} pictures to train on, {len(data.validation):,} to validate, "
        f"{len(data.test):,} to test"
    )
    task = task_of(data.admitted.records)
    if task == "regression":
        values = values_summary(data.admitted.records)
        return f"{pictures}, values from {values['min']:g} to {values['max']:g}"
    return f"{pictures}, {len(data.splits.labels)} {'classes' if task == 'classification' else 'labels'}"
