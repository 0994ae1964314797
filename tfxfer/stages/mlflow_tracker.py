"""A run in MLflow: figures over epochs, the configuration as parameters, report and bundle as artifacts."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tfxfer.config.schema import Config
from tfxfer.errors import UsageError
from tfxfer.stages.run_directory import RunDirectory
from tfxfer.stages.trackers import final_figures
from tfxfer.store.atomic import write_json

RUN_FILE = "mlflow.json"  # which run of MLflow's a run directory is, so that a resumed one goes on there
LONGEST_VALUE = 500  # characters of a parameter
BATCH = 100  # parameters that a server takes at a time


@dataclass(frozen=True, slots=True)
class MlflowTracker:
    """One run of MLflow's, by its client: nothing of MLflow's global state is touched."""

    client: Any
    run_id: str
    directory: RunDirectory

    @classmethod
    def begun(cls, config: Config, directory: RunDirectory) -> MlflowTracker:
        """A new run with the configuration as parameters, or the one that this run directory began.

        Raises:
            UsageError: the server cannot be reached, or refuses.
        """
        with _without_telemetry():
            for name in ("mlflow", "alembic"):  # a new database tells of every table
                logging.getLogger(name).setLevel(logging.WARNING)
            from mlflow.exceptions import MlflowException
            from mlflow.tracking import MlflowClient

            address = _address(config, directory)
            try:
                client = MlflowClient(tracking_uri=address)
                run_id = _resumed(client, directory, address) or _created(client, config, directory)
            except (MlflowException, OSError) as error:
                raise UsageError(
                    f"tracking.mlflow must be a server that answers, or true. Received: '{address}' ({error}). "
                    "Start the server, correct the address, or leave tracking.mlflow out."
                ) from error
        write_json(directory.path / RUN_FILE, {"run_id": run_id, "address": address})
        return cls(client, run_id, directory)

    def epoch(self, phase: str, epoch: int, figures: Mapping[str, float]) -> None:
        """One point of each curve, called PHASE/METRIC."""
        self._metrics({f"{phase}/{name}": value for name, value in figures.items()}, epoch)

    def finish(self, report: Mapping[str, Any]) -> None:
        """The test figures and those of every file; report, configuration and bundle as artifacts."""
        self._metrics(final_figures(report), 0)
        for path in (self.directory.config, self.directory.report, self.directory.page):
            if path.is_file():
                self.client.log_artifact(self.run_id, str(path))
        if self.directory.bundle.is_dir():
            self.client.log_artifacts(self.run_id, str(self.directory.bundle), "bundle")

    def close(self, *, failed: bool) -> None:
        """Say how it ended."""
        self.client.set_terminated(self.run_id, "FAILED" if failed else "FINISHED")

    def _metrics(self, figures: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        metrics = [Metric(_name(name), float(value), now, step) for name, value in figures.items()]
        self.client.log_batch(self.run_id, metrics=metrics)


def _address(config: Config, directory: RunDirectory) -> str:
    asked = config.tracking.mlflow
    return asked if isinstance(asked, str) else f"sqlite:///{directory.path.parent.resolve() / 'mlflow.db'}"


def _resumed(client: Any, directory: RunDirectory, address: str) -> str | None:
    path = directory.path / RUN_FILE
    if not path.is_file():
        return None
    found = json.loads(path.read_text(encoding="utf-8"))
    if found["address"] != address:
        return None
    run_id = str(found["run_id"])
    client.update_run(run_id, "RUNNING")
    return run_id


def _created(client: Any, config: Config, directory: RunDirectory) -> str:
    from mlflow.entities import Param

    name = config.tracking.experiment
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        is_local = not isinstance(config.tracking.mlflow, str)
        place = (directory.path.parent.resolve() / "mlflow-artifacts").as_uri() if is_local else None
        identity = client.create_experiment(name, artifact_location=place)
    else:
        identity = experiment.experiment_id
    run_id = str(client.create_run(identity, run_name=config.name).info.run_id)
    settings = _flat(config.model_dump(mode="json"))
    parameters = [Param(_name(key), str(value)[:LONGEST_VALUE]) for key, value in settings.items()]
    for start in range(0, len(parameters), BATCH):
        client.log_batch(run_id, params=parameters[start : start + BATCH])
    return run_id


def _flat(value: object, path: str = "") -> dict[str, object]:
    """Dotted keys of everything that is set."""
    if isinstance(value, dict):
        entries = [(f"{path}.{key}" if path else str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list) and any(isinstance(inner, dict) for inner in value):
        entries = [(f"{path}.{index}", inner) for index, inner in enumerate(value)]
    else:
        return {} if value is None or value in ([], {}) else {path: value}
    return {key: found for inner_path, inner in entries for key, found in _flat(inner, inner_path).items()}


def _name(text: str) -> str:
    """What MLflow takes as a name: letters, digits, and _ - . space / only."""
    return re.sub(r"[^\w\-. /]", "_", text, flags=re.ASCII)[:250]


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """MLflow reports its use to its makers unless it is told not to when it is imported."""
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
    before = {name: os.environ.get(name) for name in quiet}
    os.environ.update({name: before[name] or value for name, value in quiet.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
