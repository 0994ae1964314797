"""`tfxfer compare --backbones`: each candidate's file is timed, then its features are probed, all on one data set."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfxfer.config.backbone_text import parse_backbones
from tfxfer.config.read import read_config
from tfxfer.config.schema import Config
from tfxfer.errors import TfxferError
from tfxfer.stages.cached import Cached
from tfxfer.stages.comparison import COMPARISON, Comparing, require_classes
from tfxfer.stages.configured import frozen_features_key, load_configured_backbone, weights_sha256
from tfxfer.stages.data import RunData, ScanData, SplitData, open_data, require_data_kind
from tfxfer.stages.stage import Pipeline, State
from tfxfer.stages.training import feature_cache, training_device
from tfxfer.store.atomic import write_json
from tfxfer.store.machine import machine

if TYPE_CHECKING:
    from tfxfer.network.network import Network
    from tfxfer.recipes.ranking import Budget, Candidate

FACTS = "facts.json"


@dataclass(frozen=True, slots=True)
class MeasureFile:
    """Size and latency of a backbone's float32 LiteRT file, which no training changes."""

    name: str = "file"

    def key(self, state: State) -> Mapping[str, object]:
        config = state.config
        sections = config.model_dump(mode="json", include={"backbone", "head"})
        classes = len(state.get("data", RunData).splits.labels)
        return {
            "weights": weights_sha256(config.backbone),
            "classes": classes,
            "machine": machine(),
            **sections,
        }

    def compute(self, state: State, folder: Path) -> None:
        from tfxfer.formats.trace import trace
        from tfxfer.formats.write import write_artifact
        from tfxfer.runtimes.opening import open_runtime
        from tfxfer.verification.latency import measure_latency

        start, data = time.monotonic(), state.get("data", RunData)
        network = _network(state)
        artifact = write_artifact("litert", trace(network), folder / "float32.tflite")
        latency = measure_latency(open_runtime("litert", artifact.path), data.test.images[0:1][0])
        artifact.path.unlink()  # only its figures are wanted
        origin = network.backbone
        facts = {
            "latency_ms_p50": latency.p50_ms,
            "size_bytes": artifact.size_bytes,
            "parameters": origin.parameters,
            "image_size": list(network.input.size),
            "weights": origin.weights,
            "source": origin.source,
            "licence": origin.licence,
            "seconds": time.monotonic() - start,
        }
        (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")

    def load(self, state: State, folder: Path) -> State:
        return state.having(file=json.loads((folder / FACTS).read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class ProbeBackbone:
    """A linear probe on the frozen features, its strength chosen on validation, answered on test."""

    name: str = "probe"

    def key(self, state: State) -> Mapping[str, object]:
        return frozen_features_key(state)

    def compute(self, state: State, folder: Path) -> None:
        from tfxfer.recipes.baselines import linear_probe, tables_of
        from tfxfer.recipes.frozen_features import frozen_features
        from tfxfer.recipes.verdict import accuracy_of

        start, data = time.monotonic(), state.get("data", RunData)
        splits = {"train": data.train, "validation": data.validation, "test": data.test}
        cache = feature_cache(state)
        images = len(data.train) + len(data.validation)
        with training_device(state.config):
            rows = frozen_features(_network(state), splits, cache, images=images, journal=state.journal)
        probe = linear_probe(tables_of(rows, splits), len(data.splits.labels))
        facts: dict[str, Any] = {"why": probe.why}
        if probe.predicted is not None:
            accuracy, interval = accuracy_of(probe.predicted, data.test.labels, data.test.weights)
            facts = {
                "validation_accuracy": probe.validation_accuracy,
                "test_accuracy": accuracy,
                "test_accuracy_interval": interval,
            }
        facts["seconds"] = time.monotonic() - start
        (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")

    def load(self, state: State, folder: Path) -> State:
        return state.having(probe=json.loads((folder / FACTS).read_text(encoding="utf-8")))


def rank_backbones(
    config: Path | str,
    backbones: str,
    budget: Budget | None = None,
    comparing: Comparing | None = None,
    *,
    overrides: Sequence[str] = (),
) -> dict[str, Any]:
    """Rank the backbones of a text such as "keras/MobileNetV2?alpha=0.35,keras/MobileNet" on a configuration's data.

    By a linear probe on the frozen features, beside the latency of the float32 LiteRT file on this machine;
    "backbones" of the result lists them, best first, with their `status`, "ranked", "over budget" or "failed".

    Raises:
        ConfigError: the configuration, or it with one of the backbones, is wrong.
        UsageError: the text cannot be read, the task is not classification, or the folder is in the way.
        DataError: the data are refused.
    """
    from tfxfer.recipes.ranking import Budget

    candidates = [
        (text, read_config(config, (*overrides, f"backbone={json.dumps(tree)}")))
        for text, tree in parse_backbones(backbones)
    ]
    return compare_backbones(candidates, budget or Budget(), comparing or Comparing())


def compare_backbones(
    candidates: Sequence[tuple[str, Config]], budget: Budget, comparing: Comparing
) -> dict[str, Any]:
    """Rank backbones, each given by its text and the configuration that it makes; DIR/compare.json as JSON values.

    One that fails keeps its row, with the reason, and so does one that is over the budget.

    Raises:
        UsageError: the task is not classification, or the folder is in the way.
        DataError: the data are refused.
    """
    from tfxfer.recipes.ranking import ranked

    for _, config in candidates:
        require_classes(config)
        require_data_kind(config.backbone.name, open_data(config))
    with comparing.opened() as (run, journal):
        rows = []
        for text, config in candidates:
            journal.write("stage", name=text, status="start")
            rows.append(_candidate(text, State(config, run, journal), budget))
            journal.write("decision", text=_words(rows[-1]))
        result = {
            "schema_version": 1,
            "kind": "backbones",
            "machine": machine(),
            "budget": {
                "max_latency_ms": budget.max_latency_ms,
                "max_size_bytes": budget.max_size_bytes,
                "max_parameters": budget.max_parameters,
            },
            "backbones": [row.as_dict() for row in ranked(rows)],
            "seconds": round(journal.seconds, 3),
        }
        write_json(run.path / COMPARISON, result)
    return dict(json.loads(json.dumps(result)))


def _candidate(text: str, state: State, budget: Budget) -> Candidate:
    from tfxfer.recipes.ranking import Candidate

    source = open_data(state.config)
    state = Pipeline([Cached(ScanData(source)), SplitData(source)])(state)  # data that are refused end it all
    row = Candidate(text)
    try:
        state = Cached(MeasureFile())(state)
        file = state.get("file", dict)
        row = replace(row, **{**file, "image_size": tuple(file["image_size"])})
        if over := budget.reasons(row):
            return replace(row, status="over budget", why=f"not probed: {'; '.join(over)}")
        probe = dict(Cached(ProbeBackbone())(state).get("probe", dict))
    except TfxferError as error:
        return replace(row, status="failed", why=str(error))
    seconds = probe.pop("seconds") + file["seconds"]
    row = replace(row, **probe, seconds=seconds)
    return row if row.validation_accuracy is not None else replace(row, status="failed")


def _network(state: State) -> Network:
    """The backbone with a linear head, whatever head the configuration asks for."""
    from tfxfer.network.network import attach_head

    config, labels = state.config, state.get("data", RunData).splits.labels
    return attach_head(load_configured_backbone(config.backbone), labels, pooling=config.head.pooling)


def _words(row: Candidate) -> str:
    if row.status != "ranked":
        return f"{row.backbone}: {row.status}: {row.why}"
    return f"{row.backbone}: validation accuracy {row.validation_accuracy:.4f}, {row.latency_ms_p50:.2f} ms"
