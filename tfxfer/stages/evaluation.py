"""The trained network on the test split: its figures, and the answers that every artifact is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfxfer.config.schema import Config
from tfxfer.data import slice_values
from tfxfer.evaluation.predictions import Predictions, checked_targets, collect
from tfxfer.runtimes.outputs import Outputs
from tfxfer.stages.data import RunData, slicings
from tfxfer.stages.stage import State
from tfxfer.stages.training import TrainedNetwork, answers_key
from tfxfer.verification.evidence import Evidence, GateResult
from tfxfer.verification.gates import check_gates
from tfxfer.verification.parity import parity
from tfxfer.verification.reference import BATCH_SIZE, Reference

OUTPUTS = "outputs.npz"
NETWORK_GATES = (  # on figures that the trained network itself has
    "min_accuracy",
    "min_sensitivity",
    "min_specificity",
    "min_mean_average_precision",
    "max_mean_absolute_error",
    "min_slice_accuracy",
)


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Run the trained network on every test picture."""

    name: str = "evaluate"

    def key(self, state: State) -> Mapping[str, object]:
        return answers_key(state, "test")

    def compute(self, state: State, folder: Path) -> None:
        trained, data = state.get("trained", TrainedNetwork), state.get("data", RunData)
        found = collect(trained.network, data.test.batches(BATCH_SIZE), trained.network.task)
        np.savez(folder / OUTPUTS, probabilities=found.outputs.probabilities, logits=found.outputs.logits)

    def load(self, state: State, folder: Path) -> State:
        data = state.get("data", RunData)
        with np.load(folder / OUTPUTS, allow_pickle=False) as arrays:
            outputs = Outputs(arrays["probabilities"], arrays["logits"])
        weights = np.ones(len(data.test)) if data.test.weights is None else data.test.weights
        network = state.get("trained", TrainedNetwork).network
        targets = checked_targets(data.test.labels, len(network.labels), network.task)
        reference = Reference(
            data.test.images,
            Predictions(outputs, targets, weights.astype(np.float64)),
            data.splits.labels,
            network.head.decoding,
            network.decision,
            slice_values(data.splits.test, slicings(state.config)),
        )
        headline = reference.metrics.headline
        words, (low, high) = headline.name.replace("_", " "), headline.interval
        state.journal.write(
            "decision",
            text=f"test {words} {headline.value:.4f} on {reference.metrics.n} pictures, "
            f"95 % interval {low:.4f} to {high:.4f}",
        )
        return state.having(reference=reference, network_gates=network_gates(state.config, reference))


def network_gates(config: Config, reference: Reference) -> tuple[GateResult, ...]:
    """The gates that the trained network itself must hold, whether or not anything is exported."""
    asked = config.gates.model_dump(include=set(NETWORK_GATES), exclude_none=True)
    if not asked:
        return ()
    predictions, outputs = reference.predictions, reference.outputs
    itself = parity(
        outputs, outputs, predictions.targets, weights=predictions.weights, scoring=reference.scoring
    )
    evidence = Evidence(itself, reference.metrics, 0, slices=reference.slice_drops(outputs))
    return check_gates(asked, evidence)
