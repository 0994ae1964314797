"""The temperature of a run's network: found on the validation split, reported, folded in where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tfxfer.config.schema import Config
from tfxfer.evaluation.calibration import reliability
from tfxfer.evaluation.predictions import Predictions, collect
from tfxfer.evaluation.score import score_predictions
from tfxfer.evaluation.temperature import Temperature, find_temperature, tempered
from tfxfer.stages.data import RunData
from tfxfer.stages.stage import State
from tfxfer.stages.training import TrainedNetwork, answers_key
from tfxfer.store.fingerprint import value_sha256
from tfxfer.verification.reference import BATCH_SIZE, Reference

TEMPERATURE = "temperature.json"


@dataclass(frozen=True, slots=True)
class MeasuredTemperature:
    """A temperature, and whether the network's logits are divided by it."""

    temperature: Temperature
    folded: bool

    def as_dict(self, reference: Reference) -> dict[str, Any]:
        """JSON values: `temperature` of report.json, with the test split's calibration before and after."""
        found, said = self.temperature, reference.predictions
        before = tempered(said, 1 / found.value) if self.folded else said
        after = said if self.folded else tempered(said, found.value)
        return {
            "value": found.value,
            "folded": self.folded,
            "why": found.why,
            "images": found.n,
            "validation_loss": {"before": found.loss_before, "after": found.loss_after},
            "test": {"before": _calibration(before), "after": _calibration(after)},
        }


def has_temperature(config: Config) -> bool:
    """Whether a run of this configuration looks for a temperature."""
    return config.head.task == "classification" and config.evaluation.temperature != "none"


@dataclass(frozen=True, slots=True)
class FindTemperature:
    """Find the temperature from the trained network's answers on the validation split; `fold` divides its logits."""

    name: str = "temperature"

    def key(self, state: State) -> Mapping[str, object]:
        return answers_key(state, "validation")

    def compute(self, state: State, folder: Path) -> None:
        network = state.get("trained", TrainedNetwork).network
        validation = state.get("data", RunData).validation
        found = find_temperature(collect(network, validation.weighted_batches(BATCH_SIZE), network.task))
        (folder / TEMPERATURE).write_text(json.dumps(asdict(found), allow_nan=False), encoding="utf-8")

    def load(self, state: State, folder: Path) -> State:
        found = Temperature(**json.loads((folder / TEMPERATURE).read_text(encoding="utf-8")))
        folded = state.config.evaluation.temperature == "fold" and found.value != 1
        use = "the logits are divided by it" if folded else "reported only"
        state.journal.write("decision", text=f"temperature {found.value:.3f}, {use}: {found.why}")
        state = state.having(temperature=MeasuredTemperature(found, folded))
        return _folded(state, found.value) if folded else state


def _folded(state: State, temperature: float) -> State:
    from tfxfer.network.temperature import divide_logits

    trained = state.get("trained", TrainedNetwork)
    fingerprint = value_sha256([trained.fingerprint, "temperature", temperature])
    network = divide_logits(trained.network, temperature)
    return state.having(trained=replace(trained, network=network, fingerprint=fingerprint))


def _calibration(predictions: Predictions) -> dict[str, Any]:
    figures = score_predictions(predictions)
    return {
        "loss": figures.loss,
        "expected_calibration_error": figures.expected_calibration_error,
        "reliability": [entry.as_dict() for entry in reliability(predictions, "classification")],
    }
