"""Tracking: the figures of a run as CSV, for TensorBoard and for MLflow, while it goes on and when it ends."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tfxfer.config.schema import Config
from tfxfer.config.tracking_schema import TrackingConfig
from tfxfer.errors import ConfigError
from tfxfer.stages.run_directory import RunDirectory
from tfxfer.stages.trackers import CsvTracker, TensorBoardTracker, Tracker
from tfxfer.store.journal import Event

NO_FIGURES = ("seconds", "epochs", "epoch", "images_per_second")  # of an epoch's event


@dataclass(frozen=True, slots=True)
class Tracking:
    """All trackers of a run; a journal's listener."""

    trackers: tuple[Tracker, ...] = ()

    def __call__(self, event: Event) -> None:
        if event["event"] != "epoch":
            return
        figures = {
            name: float(value)
            for name, value in event.items()
            if isinstance(value, int | float) and name not in NO_FIGURES
        }
        for tracker in self.trackers:
            tracker.epoch(str(event["phase"]), int(str(event["epoch"])), figures)

    def finish(self, report: Mapping[str, Any]) -> None:
        """Hand the report to every tracker."""
        for tracker in self.trackers:
            tracker.finish(report)


def require_trackers(wanted: TrackingConfig) -> None:
    """Raises ConfigError where tracking needs a package that is not installed; nothing has been done yet."""
    for name, asked in (("tensorboard", wanted.tensorboard), ("mlflow", wanted.mlflow)):
        if asked and importlib.util.find_spec(name) is None:
            raise ConfigError(
                f"tracking.{name} needs {name}, which is not installed. Received: {asked}. "
                f"Run: pip install 'tfxfer[{name}]', or leave it out."
            )


@contextmanager
def tracking(config: Config, run: RunDirectory) -> Iterator[Tracking]:
    """The trackers that a configuration asks for, closed at the end of the block."""
    wanted = config.tracking
    trackers: list[Tracker] = []
    if wanted.csv:
        trackers.append(CsvTracker(run.path / "history.csv"))
    if wanted.tensorboard:
        trackers.append(TensorBoardTracker(run.path / "tensorboard", run.config))
    if wanted.mlflow:
        from tfxfer.stages.mlflow_tracker import MlflowTracker

        trackers.append(MlflowTracker.begun(config, run))
    failed = True
    try:
        yield Tracking(tuple(trackers))
        failed = False
    finally:
        with ExitStack() as stack:
            for tracker in trackers:
                stack.callback(tracker.close, failed=failed)
