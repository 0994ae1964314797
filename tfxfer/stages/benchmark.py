"""`tfxfer benchmark`: every file of a run, a bundle, or one file by itself, timed alone and set beside its figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tfxfer.bundle.manifest import artifact_sha256
from tfxfer.bundle.reading import read_contract
from tfxfer.errors import UsageError
from tfxfer.report.tasks import TASK_WORDS
from tfxfer.runtimes.opening import format_of
from tfxfer.stages.benchmark_scores import LEVELS, Labelling, scores
from tfxfer.store.fingerprint import path_size_bytes
from tfxfer.store.machine import machine
from tfxfer.store.versions import versions
from tfxfer.verification.benchmark import Load, measure_alone
from tfxfer.verification.device_log import DeviceFigures
from tfxfer.verification.own_model import own_format

SCHEMA_VERSION = 1
REPORT, CONTRACT, BUNDLE = "report.json", "contract.json", "bundle"
Listener = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Target:
    """One file to be timed, and what its run's report says of it."""

    model: str  # the path that was given
    name: str  # litert:int8, or the file's own name
    format: str
    path: Path
    figures: Mapping[
        str, Any
    ]  # score and change: of the data given, or of the report of the run that knows the file

    @property
    def size_bytes(self) -> int:
        return path_size_bytes(self.path)

    def head(self) -> dict[str, Any]:
        """What every row of this file begins with."""
        return {"model": self.model, "artifact": self.name, "size_bytes": self.size_bytes, **self.figures}


def benchmark(
    models: Sequence[Path],
    load: Load,
    *,
    device_figures: Sequence[DeviceFigures] = (),
    labelling: Labelling | None = None,
    listen: Listener = lambda text: None,
) -> dict[str, Any]:
    """Time every file of one or two models, and score each on labelled data where they are given; as JSON values.

    Raises:
        UsageError: no file to time, or figures of a device that belong to none of them.
        DataError: labelled data that cannot be read, or labels that a file does not know.
        RuntimeUnavailableError: an engine is not installed, or refuses its file.
    """
    if not 1 <= len(models) <= 2:
        raise UsageError(f"benchmark takes one --model, or two to compare. Received: {len(models)}.")
    targets = [target for model in models for target in find_targets(model)]
    warnings: list[str] = []
    if labelling is not None:
        targets, warnings = _scored(targets, labelling, listen)
    devices = [_device_row(entry, targets) for entry in device_figures]
    rows = [row for job in _jobs(targets, load) for row in _rows(*job, load=load, listen=listen)]
    result = {
        "schema_version": SCHEMA_VERSION,
        "machine": machine(),
        "versions": versions(),
        "runs": load.runs,
        "rows": rows,
        "devices": devices,
        **({"warnings": warnings} if warnings else {}),
    }
    return result if len(models) == 1 else {**result, "comparison": _comparison(rows, models)}


def find_targets(model: Path) -> tuple[Target, ...]:
    """The files of a run directory or a bundle, or the one file.

    Raises:
        UsageError: there is nothing that can be timed.
    """
    bundle = model / BUNDLE if (model / BUNDLE / CONTRACT).is_file() else model
    known = _known_files(model)
    if (bundle / CONTRACT).is_file():
        entries = read_contract(bundle).artifacts
        if not entries:
            raise UsageError(f"'{model}' must hold a file that passed. Received: a bundle without one.")
        return tuple(
            _target(
                model, f"{entry.format}:{entry.precision}", entry.format, bundle / entry.path, known=known
            )
            for entry in entries
        )
    if (model / REPORT).is_file():
        raise UsageError(
            f"'{model}' must have exported something. Received: a run without a bundle. Set exports."
        )
    return (_target(model, model.name, own_format(model) or format_of(model), model, known=known),)


def _scored(
    targets: Sequence[Target], labelling: Labelling, listen: Listener
) -> tuple[list[Target], list[str]]:
    """The targets with what they score on the data, in place of what a report says of other pictures; warnings."""
    floats = [target for target in targets if target.name.endswith(":float32")]
    first = (floats or targets)[0].path
    found = scores([target.path for target in targets], first, labelling, listen)
    warnings = [f"{path}: {text}" for path, figures in found.items() for text in figures.pop("warnings", ())]
    return [replace(target, figures=found[target.path]) for target in targets], warnings


def _target(
    model: Path, name: str, format: str, path: Path, *, known: Mapping[str, Mapping[str, Any]]
) -> Target:
    return Target(str(model), name, format, path, known.get(artifact_sha256(path), {}))


def _known_files(model: Path) -> dict[str, dict[str, Any]]:
    """SHA-256 -> what the report of the run around `model` says of that file; empty where there is no run."""
    for folder in (model, *model.resolve().parents[:LEVELS]):
        if (folder / REPORT).is_file():
            report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
            own = TASK_WORDS.get(report.get("task", "classification"), TASK_WORDS["classification"])
            return {
                entry["sha256"]: {
                    key: entry[key] for key in (own.score, own.change, "status") if key in entry
                }
                for entry in report.get("artifacts", [])
            }
    return {}


def _jobs(targets: Sequence[Target], load: Load) -> Iterator[tuple[Target, int]]:
    """Files of the same kind one after the other, so that two models meet the machine in the same mood."""
    names = list(dict.fromkeys(target.name for target in targets))
    for threads in sorted(set(load.threads)):
        for target in sorted(targets, key=lambda target: names.index(target.name)):
            yield target, threads


def _rows(target: Target, threads: int, *, load: Load, listen: Listener) -> list[dict[str, Any]]:
    listen(f"{target.model}: {target.name}, threads {threads}")
    found = measure_alone(target.format, target.path, load, threads)
    return [{**target.head(), **entry.as_dict()} for entry in found]


def _device_row(entry: DeviceFigures, targets: Sequence[Target]) -> dict[str, Any]:
    """A device's figures beside the file that they are of, found by its name and size."""
    for target in targets:
        if entry.is_of(target.path.name, target.size_bytes):
            printed = {name: value for name, value in asdict(entry).items() if value is not None}
            return {**printed, **target.head()}
    known = ", ".join(f"{target.path.name} ({target.size_bytes:,} bytes)" for target in targets)
    raise UsageError(
        f"--import must hold figures of one of these files: {known}. Received: '{entry.graph or 'no name'}' "
        f"({entry.size_bytes or 'unknown'} bytes) in '{entry.device}'. Give the model that the device has run."
    )


def _comparison(rows: Sequence[Mapping[str, Any]], models: Sequence[Path]) -> list[dict[str, Any]]:
    """The second model beside the first, for what both have."""
    first, second = ({_key(row): row for row in rows if row["model"] == str(model)} for model in models)
    return [
        {
            "artifact": row["artifact"],
            "threads": row["threads"],
            "batch": row["batch"],
            "latency_ratio": other["p50_ms"] / row["p50_ms"],
            "size_ratio": other["size_bytes"] / row["size_bytes"],
            **_difference(row, other),
        }
        for key, row in first.items()
        if (other := second.get(key)) is not None
    ]


def _key(row: Mapping[str, Any]) -> tuple[str, int, int]:
    return row["artifact"], row["threads"], row["batch"]


def _difference(row: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, float]:
    """Of the figure that the task is judged by, where both reports know it."""
    for own in TASK_WORDS.values():
        if row.get(own.score) is not None and other.get(own.score) is not None:
            return {f"{own.score}_difference": other[own.score] - row[own.score]}
    return {}
