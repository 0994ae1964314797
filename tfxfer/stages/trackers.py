"""Places that the figures of a run go to: a CSV file, TensorBoard, and whatever else is a `Tracker`."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class Tracker(Protocol):
    """One place that figures go to."""

    def epoch(self, phase: str, epoch: int, figures: Mapping[str, float]) -> None:
        """The figures of one epoch, which counts from 1 in its phase."""
        ...

    def finish(self, report: Mapping[str, Any]) -> None:
        """What report.json holds, once everything is done."""
        ...

    def close(self, *, failed: bool) -> None:
        """The run has ended."""
        ...


@dataclass(frozen=True, slots=True)
class CsvTracker:
    """One row an epoch; written when the run is done, so that a resumed run has all of them."""

    path: Path

    def epoch(self, phase: str, epoch: int, figures: Mapping[str, float]) -> None:
        """Nothing: log.jsonl has it."""

    def finish(self, report: Mapping[str, Any]) -> None:
        """Every phase's history, one row an epoch."""
        rows = [
            {"phase": phase["name"], "epoch": number + 1}
            | {name: values[number] for name, values in phase["history"].items() if number < len(values)}
            for phase in report["phases"]
            for number in range(max((len(values) for values in phase["history"].values()), default=0))
        ]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        with self.path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, columns, restval="")
            table.writeheader()
            table.writerows(rows)

    def close(self, *, failed: bool) -> None:
        """Nothing is open."""


@dataclass(slots=True)
class TensorBoardTracker:
    """Scalars called PHASE/METRIC over epochs, test/METRIC at the end, and the configuration as text."""

    folder: Path
    config: Path
    _writer: Any = field(default=None)

    def epoch(self, phase: str, epoch: int, figures: Mapping[str, float]) -> None:
        """One point of each curve."""
        self._write({f"{phase}/{name}": value for name, value in figures.items()}, epoch)

    def finish(self, report: Mapping[str, Any]) -> None:
        """The test figures and the configuration."""
        import tensorflow as tf

        self._write(final_figures(report), 0)
        with self._writer.as_default():
            text = self.config.read_text(encoding="utf-8")
            tf.summary.text("config", "\n".join(f"    {line}" for line in text.splitlines()), step=0)

    def close(self, *, failed: bool) -> None:
        """Flush what is not on disk yet."""
        if self._writer is not None:
            self._writer.close()

    def _write(self, figures: Mapping[str, float], step: int) -> None:
        import tensorflow as tf

        if self._writer is None:
            self._writer = tf.summary.create_file_writer(str(self.folder))
        with self._writer.as_default():
            for name, value in figures.items():
                tf.summary.scalar(name, value, step=step)
        self._writer.flush()


def final_figures(report: Mapping[str, Any]) -> dict[str, float]:
    """The scalars of a report that are worth comparing: of the test split, and of every file."""
    figures = {f"test/{name}": value for name, value in report["test"].items() if _is_number(value)}
    for artifact in report["artifacts"]:
        name = f"{artifact['format']}-{artifact['precision']}"
        figures |= {f"{name}/{key}": value for key, value in artifact.items() if _is_number(value)}
    return figures


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
