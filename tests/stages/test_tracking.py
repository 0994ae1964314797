"""Figures go where they are asked for, in the trackers' own stores, and nowhere unless asked."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tfxfer.config.read import parse_config
from tfxfer.errors import ConfigError, UsageError
from tfxfer.stages.pipeline import run_pipeline
from tfxfer.stages.tracking import require_trackers

CONFIG = {
    "name": "digits",
    "data": "embedded/digits",
    "backbone": {"name": "embedded/small", "image_size": 16},
    "training": {"phases": [{"name": "head: first", "epochs": 2, "solver": "gradient"}]},
    "exports": ["litert"],
    "evaluation": {"baselines": False},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "tracked"
    run_pipeline(parse_config({**CONFIG, "tracking": ["csv", "tensorboard", "mlflow"]}), out)
    assert "MLFLOW_DISABLE_TELEMETRY" not in os.environ  # what was set for the import is gone
    return out


@pytest.fixture(scope="module")
def report(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "report.json").read_text()))


def test_csv_has_a_row_for_every_epoch(run: Path, report: dict[str, Any]) -> None:
    with (run / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    history = report["phases"][0]["history"]
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [float(row["val_loss"]) for row in rows] == pytest.approx(history["val_loss"])


def test_tensorboard_reads_curves_and_test_figures(run: Path, report: dict[str, Any]) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util import tensor_util

    found = EventAccumulator(str(run / "tensorboard"))
    found.Reload()
    points = found.Tensors("head: first/val_loss")
    values = [float(tensor_util.make_ndarray(point.tensor_proto)) for point in points]
    assert [point.step for point in points] == [1, 2]
    assert values == pytest.approx(report["phases"][0]["history"]["val_loss"], rel=1e-5)
    assert "test/accuracy" in found.Tags()["tensors"]


def test_mlflow_has_figures_parameters_and_the_bundle(run: Path, report: dict[str, Any]) -> None:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{run.parent / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("tfxfer")
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.info.run_name, found.info.status) == ("digits", "FINISHED")
    assert found.data.metrics["test/accuracy"] == pytest.approx(report["test"]["accuracy"])
    assert found.data.metrics["litert-float32/size_bytes"] == report["artifacts"][0]["size_bytes"]
    assert found.data.params["backbone.name"] == "embedded/small"
    losses = client.get_metric_history(found.info.run_id, "head_ first/val_loss")
    assert [point.step for point in losses] == [1, 2]
    assert {"bundle", "config.yaml", "report.json"} <= {
        entry.path for entry in client.list_artifacts(found.info.run_id)
    }


def test_a_resumed_run_goes_on_in_the_same_run_of_mlflow(run: Path) -> None:
    from mlflow.tracking import MlflowClient

    run_pipeline(parse_config({**CONFIG, "tracking": ["csv", "tensorboard", "mlflow"]}), run, resume=True)
    client = MlflowClient(tracking_uri=f"sqlite:///{run.parent / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("tfxfer")
    assert len(client.search_runs([experiment.experiment_id])) == 1


def test_nothing_is_tracked_unless_asked(tmp_path: Path) -> None:
    run_pipeline(parse_config({**CONFIG, "exports": []}), tmp_path / "runs" / "plain")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["plain"]
    names = {path.name for path in (tmp_path / "runs" / "plain").iterdir()}
    assert not names & {"history.csv", "tensorboard", "mlflow.json"}


def test_a_server_that_does_not_answer_is_said_so_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")
    config = parse_config({**CONFIG, "tracking": {"mlflow": "http://127.0.0.1:9/"}})
    with pytest.raises(UsageError, match=r"Received: 'http://127.0.0.1:9/'"):
        run_pipeline(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_tracker_that_is_not_installed_is_refused_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'tfxfer\[mlflow\]'"):
        require_trackers(parse_config({**CONFIG, "tracking": "mlflow"}).tracking)


@pytest.mark.parametrize("asked", ["wandb", ["csv", "wandb"], {"wandb": True}])
def test_an_unknown_tracker_is_a_wrong_key(asked: object) -> None:
    with pytest.raises(ConfigError, match="wandb"):
        parse_config({**CONFIG, "tracking": asked})
