"""Baselines, the verdict on transfer, and the most likely wrong labels: all from features that are computed once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxfer.config.schema import Config
from tfxfer.data import ArraySplit
from tfxfer.stages.configured import frozen_features_key, load_configured_backbone
from tfxfer.stages.data import RunData
from tfxfer.stages.stage import State
from tfxfer.stages.training import TrainedNetwork, feature_cache, training_device
from tfxfer.store.atomic import write_text
from tfxfer.verification.reference import Reference

if TYPE_CHECKING:
    from tfxfer.recipes.baselines import Baseline
    from tfxfer.recipes.label_issues import Search
    from tfxfer.recipes.verdict import Verdict

FIGURES, PREDICTED = "baselines.json", "predicted.npz"
LABEL_ISSUES = "label_issues.csv"
SHOWN_ISSUES = 10  # in report.json
PLAIN = ("majority", "raw_pixels")  # that need no pretrained weights
NAMES = (*PLAIN, "linear_probe", "nearest_neighbours", "scratch")
SCRATCH = "A run does not train from scratch; for that comparison: tfxfer compare CONFIG"


@dataclass(frozen=True, slots=True)
class MeasuredBaselines:
    """What the baselines and the search for wrong labels gave, with the verdict; `why` there is none of them."""

    figures: tuple[Mapping[str, Any], ...]  # one for each baseline
    verdict: Verdict
    issues: tuple[Mapping[str, Any], ...] | None  # None: not searched, and `why_no_issues` says why
    why: str | None = None
    why_no_issues: str | None = None

    def baselines_dict(self) -> dict[str, Any]:
        """`baselines` of report.json: accuracy by name, then how each came about."""
        found = {entry["name"]: entry["accuracy"] for entry in self.figures}
        figures = {name: found.get(name) for name in NAMES}
        reasons = {entry["name"]: entry["why"] for entry in self.figures} | {"scratch": SCRATCH}
        return {
            **figures,
            "details": list(self.figures),
            "why": {
                name: reasons[name] if self.why is None else self.why
                for name in NAMES
                if figures[name] is None
            },
        }

    def issues_dict(self) -> dict[str, Any]:
        """`label_issues` of report.json."""
        if self.issues is None:
            return {"count": None, "path": None, "top": [], "why": self.why_no_issues}
        return {
            "count": len(self.issues),
            "path": LABEL_ISSUES,
            "top": list(self.issues[:SHOWN_ISSUES]),
            "why": None,
        }


@dataclass(frozen=True, slots=True)
class MeasureBaselines:
    """Baselines on frozen features and on plain pixels, none of which depends on the trained network."""

    name: str = "baselines"

    def key(self, state: State) -> Mapping[str, object]:
        return {**frozen_features_key(state), "seed": state.config.seed}

    def compute(self, state: State, folder: Path) -> None:
        from tfxfer.recipes.baselines import plain_baselines, pretrained_baselines, tables_of

        data = state.get("data", RunData)
        splits, classes = _splits(data), len(data.splits.labels)
        with training_device(state.config):
            features = _features(state, splits)
        found = [
            *plain_baselines(splits, classes),
            *pretrained_baselines(tables_of(features, splits), classes),
        ]
        arrays = {entry.name: entry.predicted for entry in found if entry.predicted is not None}
        np.savez(folder / PREDICTED, **arrays)  # type: ignore[arg-type]
        search = _label_issues(data, features, state.config.seed)
        value = {
            "baselines": [_facts(entry) for entry in found],
            "issues": [issue.as_dict() for issue in search.issues],
            "why_no_issues": search.why,
        }
        (folder / FIGURES).write_text(json.dumps(value, allow_nan=False), encoding="utf-8")

    def load(self, state: State, folder: Path) -> State:
        value = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
        with np.load(folder / PREDICTED, allow_pickle=False) as arrays:
            predicted = {name: arrays[name] for name in arrays.files}
        reference = state.get("reference", Reference)
        figures = tuple(
            _figures(entry, predicted.get(entry["name"]), reference) for entry in value["baselines"]
        )
        verdict = _verdict(state.get("trained", TrainedNetwork), figures, predicted, reference)
        state.journal.write("decision", text=f"transfer {verdict.transfer or 'not judged'}: {verdict.why}")
        reason = value["why_no_issues"]
        issues = tuple(value["issues"]) if reason is None else None
        measured = MeasuredBaselines(figures, verdict, issues, why_no_issues=reason)
        _write_issues(state, () if issues is None else issues)
        return state.having(baselines=measured)


@dataclass(frozen=True, slots=True)
class NoBaselines:
    """Says why a run has no baselines."""

    why: str
    name: str = "baselines"

    def __call__(self, state: State, /) -> State:
        from tfxfer.recipes.verdict import no_verdict

        return state.having(baselines=MeasuredBaselines((), no_verdict(self.why), None, self.why, self.why))


def why_no_baselines(config: Config) -> str | None:
    """Why a run of this configuration measures no baselines; None where it does."""
    if not config.evaluation.baselines:
        return "evaluation.baselines is false"
    task: str = config.head.task
    return None if task == "classification" else f"baselines are for classification, and this task is {task}"


def _splits(data: RunData) -> dict[str, ArraySplit]:
    return {"train": data.train, "validation": data.validation, "test": data.test}


def _features(state: State, splits: Mapping[str, ArraySplit]) -> dict[str, np.ndarray]:
    from tfxfer.network.network import attach_head
    from tfxfer.recipes.frozen_features import frozen_features

    config = state.config
    labels = state.get("data", RunData).splits.labels
    network = attach_head(load_configured_backbone(config.backbone), labels, pooling=config.head.pooling)
    cache = feature_cache(state)
    images = len(splits["train"]) + len(splits["validation"])
    return frozen_features(network, splits, cache, images=images, journal=state.journal)


def _label_issues(data: RunData, features: Mapping[str, np.ndarray], seed: int) -> Search:
    from tfxfer.recipes.label_issues import find_label_issues

    parts = {"train": data.train, "validation": data.validation}
    places = [(path, name) for name, split in parts.items() for path in split.paths]
    rows = np.concatenate([features[name] for name in parts])
    targets = np.concatenate([split.labels for split in parts.values()])
    return find_label_issues(rows, targets, places, data.splits.labels, seed=seed)


def _write_issues(state: State, issues: Sequence[Mapping[str, Any]]) -> None:
    from tfxfer.recipes.label_issues import LabelIssue, issues_csv

    write_text(state.run.label_issues, issues_csv(LabelIssue(**issue) for issue in issues))
    if issues:
        text = f"{len(issues)} labels are likely wrong, see {state.run.label_issues.name}"
        state.journal.write("decision", text=text)


def _facts(entry: Baseline) -> dict[str, Any]:
    return {
        "name": entry.name,
        "validation_accuracy": entry.validation_accuracy,
        "chosen": dict(entry.chosen),
        "why": entry.why,
    }


def _figures(entry: Mapping[str, Any], predicted: np.ndarray | None, reference: Reference) -> dict[str, Any]:
    from tfxfer.recipes.verdict import accuracy_of

    if predicted is None:
        return {**entry, "accuracy": None, "accuracy_interval": None}
    accuracy, interval = accuracy_of(predicted, reference.predictions.targets, reference.predictions.weights)
    return {**entry, "accuracy": accuracy, "accuracy_interval": list(interval)}


def _verdict(
    trained: TrainedNetwork,
    figures: Sequence[Mapping[str, Any]],
    predicted: Mapping[str, np.ndarray],
    reference: Reference,
) -> Verdict:
    """The trained network beside the best baseline without pretrained weights, best on validation."""
    from tfxfer.recipes.verdict import Opponent, judge_transfer, no_verdict

    if trained.network.backbone.weights == "none":
        return no_verdict("the backbone's weights were random: nothing was transferred")
    plain = [entry for entry in figures if entry["name"] in PLAIN and entry["accuracy"] is not None]
    best = max(plain, key=lambda entry: entry["validation_accuracy"])
    words = f"the best cheap classifier without pretrained weights ({best['why']})"
    found = reference.predictions
    opponent = Opponent(best["name"], words, predicted[best["name"]])
    verdict = judge_transfer(found.outputs.logits.argmax(axis=1), opponent, found.targets, found.weights)
    return replace(verdict, why=f"{verdict.why}. {SCRATCH}")
