"""What files that are timed score on labelled data, and how much worse that is than what they came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tfxfer.catalogue.pixels import Pixels
from tfxfer.catalogue.tasks import TaskName
from tfxfer.stages.predict import is_run
from tfxfer.stages.tools import evaluate_path
from tfxfer.verification.own_model import own_format

LEVELS = 3  # a file lies at most so far below its run: bundle/litert/float32.tflite
NETWORK = "network"


@dataclass(frozen=True, slots=True)
class Labelling:
    """The labelled data to score on, and what a user's own model eats."""

    data: str
    pixels: Pixels | None = None  # None: RGB 0-255
    task: TaskName | None = None  # None: classification


@dataclass(frozen=True, slots=True)
class Figure:
    """The figure of one task that a file is judged by."""

    score: str
    change: str  # how much worse
    sign: int  # 1 where more is better


# Of the tasks, the first whose score the metrics hold.
FIGURES = (
    Figure("accuracy", "accuracy_drop", 1),
    Figure("mean_average_precision", "mean_average_precision_drop", 1),
    Figure("mean_absolute_error", "mean_absolute_error_rise", -1),
)


def scores(
    paths: Sequence[Path], first: Path, labelling: Labelling, listen: Callable[[str], None]
) -> dict[Path, dict[str, Any]]:
    """Path -> {accuracy, accuracy_interval, n, accuracy_drop, drop_from} on the data, by the task's own names.

    A drop is held against the network of the run that a file lies in; where there is none, against `first`,
    which has no drop itself.

    Raises:
        DataError: data that cannot be read, or labels that a file does not know.
        UsageError: `pixels` for files that carry their own preprocessing.
    """
    found: dict[Path, Mapping[str, Any]] = {}

    def measured(path: Path) -> Mapping[str, Any]:
        if path not in found:
            listen(f"{path}: on {labelling.data}")
            found[path] = _metrics(path, labelling)
        return found[path]

    result = {}
    for path in paths:
        network = _network_around(path)
        reference, name = (first, str(first)) if network is None else (network, NETWORK)
        against = None if reference == path else measured(reference)
        result[path] = _row(measured(path), against, name)
    return result


def _metrics(path: Path, labelling: Labelling) -> dict[str, Any]:
    if own_format(path) is None:
        return evaluate_path(path, labelling.data)
    return evaluate_path(path, labelling.data, pixels=labelling.pixels, task=labelling.task)


def _row(own: Mapping[str, Any], reference: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    figure = next(each for each in FIGURES if each.score in own)
    interval = f"{figure.score}_interval"
    row = {key: own[key] for key in (figure.score, interval, "n") if key in own}
    if reference is not None and figure.score in reference:
        worse = figure.sign * (reference[figure.score] - own[figure.score])
        row |= {figure.change: worse, "drop_from": name}
    return row | ({"warnings": own["warnings"]} if "warnings" in own else {})


def _network_around(path: Path) -> Path | None:
    """The run directory that a file lies in."""
    return next((folder for folder in path.resolve().parents[:LEVELS] if is_run(folder)), None)
