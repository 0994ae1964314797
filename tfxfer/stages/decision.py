"""The decision rule of a run: chosen on the validation split, before the test split is looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tfxfer.catalogue.decision import Decision, read_decision
from tfxfer.config.decision_schema import DecisionConfig
from tfxfer.config.schema import Config
from tfxfer.data import ArraySplit
from tfxfer.errors import ConfigError
from tfxfer.evaluation.predictions import Predictions, collect
from tfxfer.evaluation.thresholds import best_f1_thresholds, threshold_at
from tfxfer.stages.data import RunData
from tfxfer.stages.stage import State
from tfxfer.stages.training import TrainedNetwork, answers_key
from tfxfer.store.fingerprint import value_sha256
from tfxfer.verification.reference import BATCH_SIZE

if TYPE_CHECKING:
    from tfxfer.network.network import Network

DECISION = "decision.json"


@dataclass(frozen=True, slots=True)
class RequireEvaluable:
    """Refuse a decision rule that does not fit the data, before anything is trained."""

    name: str = "evaluable"

    def __call__(self, state: State, /) -> State:
        data, asked = state.get("data", RunData), state.config.evaluation.decision
        labels = data.splits.labels
        if asked is None:
            return state
        _refuse_unknown(() if asked.positive is None else (asked.positive,), labels, "positive")
        for true, row in (asked.costs or {}).items():
            _refuse_unknown((true, *row), labels, "costs")
        return state


def has_decision(config: Config) -> bool:
    """Whether a run of this configuration chooses a decision rule."""
    return config.head.task == "multi_label" or config.evaluation.decision is not None


@dataclass(frozen=True, slots=True)
class Decide:
    """Choose the decision rule from the trained network's answers on the validation split."""

    name: str = "decide"

    def key(self, state: State) -> Mapping[str, object]:
        asked = state.config.evaluation.decision
        return {
            **answers_key(state, "validation"),
            "decision": None if asked is None else asked.model_dump(mode="json"),
        }

    def compute(self, state: State, folder: Path) -> None:
        trained, data = state.get("trained", TrainedNetwork), state.get("data", RunData)
        decision = choose_decision(trained.network, data.validation, state.config.evaluation.decision)
        value = None if decision is None else decision.as_dict()
        (folder / DECISION).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")

    def load(self, state: State, folder: Path) -> State:
        trained = state.get("trained", TrainedNetwork)
        value = json.loads((folder / DECISION).read_text(encoding="utf-8"))
        if value is None:
            return state
        decision = read_decision(value, trained.network.labels)
        state.journal.write("decision", text=f"answers by {decision.rule}: {decision.why}")
        fingerprint = value_sha256([trained.fingerprint, value])
        network = replace(trained.network, decision=decision)
        return state.having(trained=replace(trained, network=network, fingerprint=fingerprint))


def choose_decision(
    network: Network, validation: ArraySplit, asked: DecisionConfig | None
) -> Decision | None:
    """The rule that is asked for; for a multi-label network the thresholds of the best F1 unless asked otherwise.

    Raises:
        UsageError: validation data that a threshold cannot be chosen on.
    """
    labels = network.labels
    if network.task == "multi_label":
        if asked is not None and asked.thresholds == "even":
            return None
        return best_f1_thresholds(_predictions(network, validation), labels)
    if asked is None:
        return None
    if asked.costs is not None:
        return _by_costs(asked.costs, labels)
    assert asked.positive is not None
    found = _predictions(network, validation)
    if asked.specificity is not None:
        return threshold_at(found, labels, asked.positive, share="specificity", at_least=asked.specificity)
    assert asked.sensitivity is not None
    return threshold_at(found, labels, asked.positive, share="sensitivity", at_least=asked.sensitivity)


def _predictions(network: Network, validation: ArraySplit) -> Predictions:
    return collect(network, validation.weighted_batches(BATCH_SIZE), network.task)


def _by_costs(costs: Mapping[str, Mapping[str, float]], labels: tuple[str, ...]) -> Decision:
    """A right answer costs nothing and a wrong one 1, where nothing else is said."""
    matrix = tuple(
        tuple(float(costs.get(true, {}).get(said, 0.0 if true == said else 1.0)) for said in labels)
        for true in labels
    )
    return Decision("costs", labels, costs=matrix, why="the costs of the configuration")


def _refuse_unknown(names: tuple[str, ...], labels: tuple[str, ...], key: str) -> None:
    unknown = [name for name in names if name not in labels]
    if unknown:
        raise ConfigError(
            f"evaluation.decision.{key} must name labels of the data: {', '.join(labels[:20])}. "
            f"Received: '{unknown[0]}'. Correct it."
        )
